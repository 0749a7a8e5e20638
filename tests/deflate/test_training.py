"""Trained deflation: closed forms, what may change, order, and errors."""

import math
import os
import re
import signal

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import tsm_resnet
from tfvssl.deflate import training as deflation
from tfvssl.runtime import exit_codes


class _Pixel(tf.keras.Model):
  """Batch norm of the first frame's first pixel, and a constant."""

  def __init__(self, offset=0.0, norm=None):
    super().__init__(name="pixel")
    self.norm = batch_norm.batch_norm("norm") if norm is None else norm
    self.offset = offset

  def call(self, video, training=False):
    return self.norm(video[:, 0, 0, 0], training=training) + self.offset


class _TimeSum(tf.keras.Model):
  """The sum over frames of the mean colour; has no batch norm."""

  def __init__(self):
    super().__init__(name="time_sum")

  def call(self, video, training=False):
    return tf.reduce_sum(tf.reduce_mean(video, axis=[2, 3]), axis=1)


def _images(count, size=2, seed=0):
  generator = np.random.default_rng(seed)
  return generator.uniform(size=[count, size, size, 3]).astype(np.float32)


def _dataset(images):
  return tf.data.Dataset.from_tensor_slices(images)


def _config(**changes):
  settings = {"num_frames": 2, "epochs": 2, "batch_size": 4}
  return deflation.DeflationConfig(**{**settings, **changes})


def test_defaults_are_the_papers():
  config = deflation.DeflationConfig()
  rates = [config.rate(epoch) for epoch in (0, 29, 30, 59, 60, 89, 90, 99)]
  expected = [1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5]
  assert rates == pytest.approx(expected, rel=1e-12)
  assert (config.num_frames, config.epochs) == (32, 100)


def test_static_video_is_the_image_repeated():
  images = _images(3)
  found = deflation.input_inflated(_TimeSum(), tf.constant(images), 5)
  expected = 5 * images.mean(axis=(1, 2))
  np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_updates_are_adams_with_the_decayed_rate():
  """A target that is far off gives constant gradients: each step is a rate."""
  deflated = _Pixel()
  config = _config(epochs=5, decay_epochs=2, batch_size=2)
  images = np.full([6, 2, 2, 3], 0.5, np.float32)
  history = deflation.fit(_Pixel(100.0), deflated, _dataset(images), config)
  steps = np.repeat([1e-2, 1e-2, 1e-3, 1e-3, 1e-4], 3)
  for parameter, start in ((deflated.norm.gamma, 1), (deflated.norm.beta, 0)):
    np.testing.assert_allclose(parameter, [start + steps.sum()] * 3, rtol=1e-5)
  # Before an update, gamma and beta have moved by all earlier steps.
  moved = np.cumsum(steps) - steps
  pixel = 0.5 / math.sqrt(1 + 1e-5)
  l1 = 100 - moved * pixel - moved
  np.testing.assert_allclose(history, l1.reshape(5, 3).mean(1), rtol=1e-6)


def test_targets_belong_to_their_images_also_in_the_last_batch():
  """Equal networks have no difference, unless rows were mixed up."""
  deflated = _Pixel()
  config = _config(shuffle_buffer=7, epochs=3)
  history = deflation.fit(_Pixel(), deflated, _dataset(_images(10)), config)
  assert history == [0.0, 0.0, 0.0]
  np.testing.assert_array_equal(deflated.norm.gamma, np.ones(3))


def _tsm(shift_fraction):
  config = tsm_resnet.TSMResNetConfig(
    blocks=(1, 1), width=0.25, shift_fraction=shift_fraction
  )
  network = config.build("tsm")
  network(tf.zeros([1, 1, 32, 32, 3]))
  return network


def _twins():
  tf.keras.utils.set_random_seed(0)
  video_network, deflated = _tsm(0.125), _tsm(0.0)
  generator = np.random.default_rng(1)
  for variable in video_network.non_trainable_variables:  # moving statistics
    noise = 0.1 * generator.normal(size=variable.shape)
    variable.assign_add(noise.astype(np.float32))
  deflated.set_weights(video_network.get_weights())
  return video_network, deflated


def _difference(video_network, deflated, images):
  inflated = deflation.input_inflated(video_network, images, 32)
  outputs = deflation.input_inflated(deflated, images, 1)
  return float(tf.reduce_mean(tf.abs(outputs - inflated)))


@pytest.fixture(scope="module")
def trained():
  """The twins, the twin's values before, L1 before and the history."""
  video_network, deflated = _twins()
  images = _images(32, 32)
  before = {v.ref(): v.numpy() for v in deflated.variables}
  before |= {v.ref(): v.numpy() for v in video_network.variables}
  naive = _difference(video_network, deflated, images)
  config = _config(num_frames=32, epochs=20, decay_epochs=8, batch_size=8)
  dataset = _dataset(images)
  history = deflation.fit(video_network, deflated, dataset, config)
  return video_network, deflated, before, naive, history


def test_difference_falls_below_half(trained):
  video_network, deflated, _, naive, history = trained
  assert naive > 0.01  # zeros beside the clip are seen
  fitted = _difference(video_network, deflated, _images(32, 32))
  assert fitted < naive / 2
  # The last rate is 1e-4: the last epoch's mean is the end's.
  assert history[-1] == pytest.approx(fitted, rel=0.05)
  assert history[0] == max(history)


def test_only_gammas_and_betas_change(trained):
  video_network, deflated, before, _, _ = trained
  parameters = deflation.batch_norm_parameters(deflated)
  # Three norms in each of the two blocks, and the last one.
  assert len(parameters) == 2 * 7
  assert {v.name.split("/")[-1] for v in parameters} == {"gamma:0", "beta:0"}
  fitted = {v.ref() for v in parameters}
  for variable in [*deflated.variables, *video_network.variables]:
    same = np.array_equal(variable.numpy(), before[variable.ref()])
    assert same == (variable.ref() not in fitted), variable.name


def test_a_repetition_is_bit_exact_whatever_the_global_seed():
  results = []
  for global_seed in (1, 2):
    networks = _twins()
    tf.random.set_seed(global_seed)
    dataset = _dataset(_images(9, 32))
    history = deflation.fit(*networks, dataset, _config())
    results.append([history, *networks[1].get_weights()])
  for one, other in zip(*results, strict=True):
    np.testing.assert_array_equal(one, other)


def test_step_compiles_with_xla():
  images = tf.constant(_images(4))
  found = []
  for jit_compile in (False, True):
    deflated = _Pixel()
    deflated(images[:, tf.newaxis])
    task = deflation._Deflation(deflated, epochs=1, steps_per_epoch=2)
    parameters = task.trainable_variables
    task.optimizer = deflation.OPTIMIZER.build(1e-2, parameters)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def step(batch, task=task):
      with tf.GradientTape() as tape:
        loss = task.loss(batch, 0).loss
      variables = task.trainable_variables
      gradients = tape.gradient(loss, variables)
      task.optimizer.apply_gradients(zip(gradients, variables, strict=True))
      return loss

    l1 = [step((images, images[:, 1, 1])) for _ in range(2)]
    np.testing.assert_allclose(task.sums, [sum(l1)], rtol=1e-6)
    found.append(np.concatenate([l1, *(v.numpy() for v in parameters)]))
  np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
  assert found[0][1] < found[0][0]


def _told_to_stop(images, after):
  """Images that send SIGTERM to this process when so many were read."""
  read = []

  def look(image):
    read.append(1)
    if len(read) == after:
      os.kill(os.getpid(), signal.SIGTERM)
    return image

  return _dataset(images).map(
    lambda image: tf.ensure_shape(
      tf.numpy_function(look, [image], image.dtype), image.shape
    )
  )


def test_deflation_that_is_stopped_goes_on_to_the_same_values(tmp_path):
  images, config = _images(24), _config(epochs=6, batch_size=2)
  straight = _Pixel()
  expected = deflation.fit(_Pixel(1.0), straight, _dataset(images), config)
  # Two batches are looked at, all images give targets, and two epochs pass.
  told = _told_to_stop(images, after=2 * 2 + 24 + 2 * 24)
  with pytest.raises(
    exit_codes.UserError,
    match=r"deflation: told to stop at step (\d+) of 72; the same command goes",
  ) as caught:
    deflation.fit(_Pixel(1.0), _Pixel(), told, config, tmp_path)
  assert caught.value.exit_code == exit_codes.PREEMPTED
  assert 0 < int(re.search(r"step (\d+)", str(caught.value))[1]) <= 26
  again = _Pixel()
  history = deflation.fit(
    _Pixel(1.0), again, _dataset(images), config, tmp_path
  )
  assert history == expected
  for ours, theirs in zip(again.weights, straight.weights, strict=True):
    np.testing.assert_array_equal(ours, theirs)


def _order(epoch, count=10, **changes):
  """Returns the numbers of images and of targets, by batch."""
  images = np.zeros([count, 1, 1, 3], np.float32)
  images += np.arange(count)[:, None, None, None]
  targets = np.arange(count, dtype=np.float32)[:, np.newaxis]
  batches = deflation.epoch_batches(
    _dataset(images), targets, _config(**changes), epoch
  )
  pairs = [(i[:, 0, 0, 0].numpy(), t[:, 0].numpy()) for i, t in batches]
  for numbers, rows in pairs:
    np.testing.assert_array_equal(numbers, rows)
  return [numbers.astype(int).tolist() for numbers, _ in pairs]


def test_order_is_of_seed_and_epoch():
  orders = [
    _order(epoch, 20, seed=seed, batch_size=20)[0]
    for epoch in (0, 1)
    for seed in (0, 1)
  ]
  assert orders[0] == _order(0, 20, batch_size=20)[0]
  assert len({tuple(order) for order in orders}) == 4
  for order in orders:
    assert sorted(order) == list(range(20))
    assert order != sorted(order)


def test_images_are_mixed_within_blocks_and_batches_are_whole():
  batches = _order(3, 10, shuffle_buffer=5, batch_size=4)
  assert [len(batch) for batch in batches] == [4, 4]
  numbers = sum(batches, [])
  assert sorted(numbers[:5]) == [0, 1, 2, 3, 4]
  assert set(numbers[5:]) < {5, 6, 7, 8, 9}


def _fit(deflated=None, video_network=None, dataset=None, **changes):
  return deflation.fit(
    _Pixel() if video_network is None else video_network,
    _Pixel() if deflated is None else deflated,
    _dataset(_images(8)) if dataset is None else dataset,
    _config(**changes),
  )


@pytest.mark.parametrize(
  "name", ["num_frames", "epochs", "learning_rate", "decay_factor"]
)
def test_values_that_are_not_above_0(name):
  with pytest.raises(ValueError, match=rf"`{name}` \(0\) must be above 0"):
    _fit(**{name: 0})


def test_networks_of_other_sizes():
  wide = tf.keras.Sequential([_Pixel(), tf.keras.layers.Dense(5)], name="wide")
  with pytest.raises(
    ValueError, match=r"outputs of `pixel` \(3\) .* `wide` \(5\) must have one"
  ):
    _fit(video_network=wide)


def test_network_without_batch_norm():
  with pytest.raises(ValueError, match="`time_sum` must have a batch norm"):
    _fit(_TimeSum())


def test_batch_norm_of_the_video_network_itself():
  video_network = _Pixel()
  with pytest.raises(
    ValueError, match="own, but 2 parameters are the video network's, such as"
  ):
    _fit(_Pixel(norm=video_network.norm), video_network)


def test_no_image_at_all():
  dataset = _dataset(_images(8)).filter(lambda image: False)
  with pytest.raises(ValueError, match=r"\(0 images\) must hold at least"):
    _fit(dataset=dataset)


def test_fewer_images_than_a_batch():
  with pytest.raises(
    ValueError, match=r"\(3 images\) must fill a batch of `batch_size` \(4\)"
  ):
    _fit(dataset=_dataset(_images(3)))


def test_endless_images():
  with pytest.raises(ValueError, match=r"\(endless\) must end; leave `repeat`"):
    _fit(dataset=_dataset(_images(8)).repeat())


@pytest.mark.parametrize(
  "dataset",
  [
    _dataset(_images(8)).batch(4),
    tf.data.Dataset.zip((_dataset(_images(8)), tf.data.Dataset.range(8))),
  ],
)
def test_elements_that_are_no_single_images(dataset):
  with pytest.raises(ValueError, match=r"must hold single images of one size"):
    _fit(dataset=dataset)


def test_images_of_integers():
  dataset = _dataset(np.zeros([8, 2, 2, 3], np.uint8))
  with pytest.raises(TypeError, match=r"\(uint8\) must be float32; scale"):
    _fit(dataset=dataset)


def test_images_that_are_shuffled_by_the_dataset():
  dataset = _dataset(_images(40)).shuffle(40, seed=0)
  with pytest.raises(
    ValueError, match="first 20 differ in a second one; leave shuffling"
  ):
    _fit(dataset=dataset, batch_size=20)


def test_video_network_that_is_broken():
  images = _images(8)
  images[5, 0, 0] = np.nan
  with pytest.raises(
    ValueError, match="those of 1 of 8 images are not, the first is image 5"
  ):
    _fit(dataset=_dataset(images))


def test_difference_that_is_not_finite():
  deflated = _Pixel()
  deflated(tf.zeros([1, 1, 1, 1, 3]))
  deflated.norm.gamma.assign([1.0, np.nan, 1.0])
  with pytest.raises(
    exit_codes.UserError, match=r"not finite in epoch 0; .* \(0.01\)"
  ) as caught:
    _fit(deflated)
  assert caught.value.exit_code == exit_codes.NUMERICAL
