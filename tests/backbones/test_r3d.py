import numpy as np
import pytest
import tensorflow as tf

from configs import tiny_brave_r3d
from tests import tiny_runs
from tests.backbones import reference_3d
from tfvssl.backbones import r3d
from tfvssl.config import stored_config
from tfvssl.config import tree

_SMALL = {"blocks": (1, 1, 2), "width": 0.0625}


def _small(seed=0, **changes):
  tf.keras.utils.set_random_seed(seed)
  return r3d.R3DConfig(**{**_SMALL, **changes}).build("backbone")


def _video(shape=(2, 4, 24, 20, 3)):
  return tf.random.stateless_uniform(shape, [0, 1])


def test_number_of_parameters_is_that_of_the_slow_pathway():
  count = reference_3d.number_of_weights(r3d.R3DConfig())["all"]
  assert count == 31_634_496
  # The paper's 31.8M needs a linear layer for the 101 classes of UCF101.
  assert f"{(count + 2049 * 101) / 1e6:.1f}" == "31.8"


def _expected(network, video, training):
  """Returns the feature map of `_SMALL`, in NumPy."""

  def conv(x, layer, size, stride):
    return reference_3d.conv_norm(x, layer, size, stride, training)

  relu = reference_3d.relu
  x = video.numpy().astype(np.float64)
  x = relu(conv(x, network.stem[0], (1, 7, 7), (1, 2, 2)))
  x = reference_3d.max_pool(x)
  # Unit, block, temporal size of conv_0, stride, is the shortcut x itself?
  for unit, block, frames, stride, identity in (
    (0, 0, 1, (1, 1, 1), False),
    (1, 0, 1, (1, 2, 2), False),
    (2, 0, 3, (1, 2, 2), False),
    (2, 1, 3, (1, 1, 1), True),
  ):
    layers = network.units[unit][block]
    shortcut = x
    if not identity:
      shortcut = conv(x, layers.shortcut, (1, 1, 1), stride)
    x = relu(conv(x, layers.branch[0], (frames, 1, 1), (1, 1, 1)))
    x = relu(conv(x, layers.branch[1], (1, 3, 3), stride))
    x = relu(shortcut + conv(x, layers.branch[2], (1, 1, 1), (1, 1, 1)))
  return x


@pytest.mark.parametrize("training", [False, True])
def test_feature_map_is_that_of_the_definition(training):
  network = _small()
  network(_video())
  reference_3d.randomise(network, seed=1)
  video = _video((2, 5, 41, 38, 3))
  expected = _expected(network, video, training)
  features = network.feature_map(video, training)
  assert features.shape == [2, 5, 3, 3, 64]
  np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
  # Every block of the third unit looks one frame further.
  ("blocks", "reach"),
  [((1, 1), 0), ((1, 2), 0), ((1, 1, 1), 1), ((1, 1, 2), 2)],
)
def test_frames_meet_only_from_the_third_unit_on(blocks, reach):
  backbone = _small(blocks=blocks)
  video = _video((1, 7, 32, 32, 3))
  first = tf.one_hot(3, 7)[:, tf.newaxis, tf.newaxis, tf.newaxis]
  change = backbone.feature_map(video + 0.5 * first)
  change -= backbone.feature_map(video)
  changed = np.abs(change).max(axis=(0, 2, 3, 4)) > 0
  assert changed.tolist() == [abs(t - 3) <= reach for t in range(7)]


def test_tiny_config_trains_the_narrow_backbone():
  experiment = tiny_brave_r3d.get_config()
  experiment.validate()
  # 6.25 of 25 frames per second.
  assert experiment.method.narrow.frame_step == 4
  assert stored_config.from_tree(tree.to_tree(experiment)) == experiment
  method = experiment.method.build()
  assert isinstance(method.narrow_backbone, r3d.R3D)
  with tf.GradientTape() as tape:
    loss = method.loss(tiny_runs.batch(method, 4), seed=0)[0]
  variables = method.narrow_backbone.trainable_variables
  for variable, gradient in zip(variables, tape.gradient(loss, variables)):
    assert np.abs(gradient).max() > 0, variable.name
