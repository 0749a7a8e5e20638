"""Heads and the loop that trains them, on features made by hand."""

import os
import re
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.samples import clips
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import splits
from tfvssl.optim import adam
from tfvssl.optim import lars
from tfvssl.optim import schedules
from tfvssl.runtime import exit_codes

CLASSES, PER_CLASS, DIM = 4, 24, 8


@pytest.fixture(scope="module")
def split(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  return splits.open_split(
    "split 1",
    str(grey_records.bright_and_dark(root / "train", 10)),
    str(grey_records.bright_and_dark(root / "test", 4, first=20)),
    spec=grey_records.plain_spec(),
  )


def _separable(seed):
  generator = np.random.default_rng(seed)
  labels = np.repeat(np.arange(CLASSES), PER_CLASS)
  centres = 5.0 * np.eye(CLASSES, DIM)
  rows = centres[labels] + generator.normal(size=[len(labels), DIM]) * 0.3
  return rows.astype(np.float32), labels


def _batches(rows, labels, shuffled=True):
  """Features go as `audio` of views."""
  view = views.View(
    audio=rows,
    labels=labels[:, np.newaxis],
    sample_index=np.zeros(len(rows), np.int64),
  )
  dataset = tf.data.Dataset.from_tensor_slices(view)
  if shuffled:  # each time in another order
    dataset = dataset.shuffle(200, seed=1)
  return lambda share: (
    dataset.repeat()
    .skip(share.start_position)
    .batch(share.batch_size, drop_remainder=True)
  )


def _recipe(optimizer, learning_rate, steps=60):
  return classifier.Recipe(
    "linear", optimizer, learning_rate, 32, steps, steps // 10
  )


LINEAR = (
  lambda: heads.LinearHead(CLASSES),
  heads.softmax_loss,
  # The trust ratio is 0.001: small heads want a large rate.
  _recipe(lars.LarsConfig(weight_decay=0.0), 5.0),
)
MLP = (
  lambda: heads.MlpHead(32, CLASSES),
  heads.sigmoid_loss,
  _recipe(adam.AdamConfig(), 0.02),
)


def _fit(kind, rows, labels, split, batches=None, folder=None):
  make, loss, recipe = kind
  tf.keras.utils.set_random_seed(0)
  head = make()
  head(tf.zeros([1, DIM]))
  classifier.train(
    lambda view: head(view.audio, training=True),
    loss,
    [head],
    batches or _batches(rows, labels),
    split.train,
    recipe,
    folder,
  )
  return head


@pytest.mark.parametrize("kind", [LINEAR, MLP])
def test_separable_features_give_100_percent(kind, split):
  head = _fit(kind, *_separable(0), split)
  rows, labels = _separable(1)
  np.testing.assert_array_equal(np.argmax(head(rows), axis=1), labels)


@pytest.mark.parametrize("kind", [LINEAR, MLP])
def test_features_without_information_give_chance(kind, split):
  generator = np.random.default_rng(0)
  rows = generator.normal(size=[96, DIM]).astype(np.float32)
  head = _fit(kind, rows, generator.integers(0, CLASSES, 96), split)
  tests = generator.normal(size=[400, DIM]).astype(np.float32)
  labels = generator.integers(0, CLASSES, 400)
  right = np.mean(np.argmax(head(tests), axis=1) == labels)
  # 0.25 and 3 standard deviations of 400 draws.
  assert abs(right - 0.25) < 3 * np.sqrt(0.25 * 0.75 / 400)


def test_equal_seeds_give_equal_weights(split):
  rows, labels = _separable(0)
  one, other = (_fit(LINEAR, rows, labels, split) for _ in range(2))
  for a, b in zip(one.weights, other.weights, strict=True):
    np.testing.assert_array_equal(a, b)


def test_steps_are_counted_from_epochs():
  recipe = classifier.epochs_recipe(
    "linear",
    lars.LarsConfig(),
    learning_rate=0.5,
    batch_size=512,
    epochs=100,
    warmup_epochs=6.5,
    num_clips=10_000,
  )
  # 1953.125 steps and 126.95 of warm-up.
  assert (recipe.total_steps, recipe.warmup_steps) == (1954, 126)


def test_warmup_of_all_steps_is_refused(split):
  make, loss, recipe = LINEAR
  bad = (make, loss, recipe._replace(section="mlp", warmup_steps=60))
  with pytest.raises(
    ValueError, match=r"`mlp.warmup_steps` \(60\) .* --set=mlp.warmup_steps=4"
  ):
    _fit(bad, *_separable(0), split)


def test_batch_must_be_shared_evenly():
  with pytest.raises(
    ValueError, match=r"`linear.batch_size` \(32\) .*\(3\); .*batch_size=30"
  ):
    classifier.check_recipe(LINEAR[2], replicas=3)


def test_loss_that_is_not_finite_ends_with_its_step(split):
  rows, labels = _separable(0)
  rows[3] = np.inf
  with pytest.raises(
    exit_codes.UserError,
    match=r"not finite at step \d+ of 60 \(loss/total nan, .*\)\. The clip"
    r" '.+' \(.*: record 0\) has values that are not finite in its view:"
    r" prepare .* again\. The clips of its batch: ",
  ) as caught:
    _fit(LINEAR, rows, labels, split, _batches(rows, labels, shuffled=False))
  assert caught.value.exit_code == exit_codes.NUMERICAL


def test_labels_of_a_batch_are_columns_of_the_training_classes(split):
  # Classes are numbered by the split's list, which may differ from a record's;
  # left-out clips keep their sample_index, so it is not a row of the labels.
  kept = np.isin(np.arange(10), [2, 5, 6, 9])
  records, infos = clips.restrict(split.train, split.train_clips, kept)
  part = split._replace(
    train=records,
    train_clips=infos,
    train_labels=np.array([[7, -1], [3, 4], [4, -1], [9, -1]]),
  )
  batches = classifier.training_batches(
    part, grey_records.settings(), features.Share(4)
  )
  view = next(iter(batches))
  columns = [[2, -1], [0, 1], [1, -1], [3, -1]]
  by_sample = dict(
    zip([clip.sample_index for clip in infos], columns, strict=True)
  )
  assert view.labels.dtype == tf.int32
  assert sorted(view.sample_index.numpy()) == sorted(by_sample)
  assert view.labels.numpy().tolist() == [
    by_sample[index] for index in view.sample_index.numpy()
  ]


def test_every_host_reads_clips_of_its_own(split):
  def clips_of(host, step, count):
    context = tf.distribute.InputContext(2, host, 4)
    share = features.Share.of(context, 4, step)
    assert share.batch_size == 1
    settings = grey_records.settings()
    batches = classifier.training_batches(split, settings, share)
    return [int(view.sample_index[0]) for view in batches.take(count)]

  # Two shards of five clips; a step takes two of each host's.
  first, second = clips_of(0, 0, 5), clips_of(1, 0, 5)
  assert sorted(first + second) == list(range(10))
  assert clips_of(0, 2, 1) == first[4:]
  assert clips_of(1, 2, 1) == second[4:]


def _broken_above(level):
  """Returns two scores per view, NaN where the picture is brighter."""

  def network(pixels):
    mean = tf.reduce_mean(pixels, axis=[1, 2, 3, 4])
    score = tf.where(mean * 255 > level, np.nan, mean)
    return tf.stack([score, 1 - score], axis=-1)

  return network


def test_scores_that_are_not_finite_are_no_accuracy(split):
  settings = grey_records.settings()
  scores = classifier.test_scores(_broken_above(300), split, settings)
  assert scores.shape == (4, 2)
  np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-6)
  bright = np.flatnonzero(split.test_labels[:, 0] == 1)
  first = split.test_clips[bright[0]].clip_id
  with pytest.raises(
    exit_codes.UserError,
    match=f"split 1: 2 of 4 test clips .* not finite, the first is '{first}'",
  ) as caught:
    classifier.test_scores(_broken_above(120), split, settings)
  assert caught.value.exit_code == exit_codes.NUMERICAL


def test_placement_is_told():
  assert classifier.placement_tree(12) == {
    "replicas": 1,
    "clips_per_replica": 12,
    "precision": "float32",
  }


def _plain_fit(kind, rows, labels):
  """Trains as `_fit` does, by a loop that is written here."""
  make, loss_of, recipe = kind
  tf.keras.utils.set_random_seed(0)
  head = make()
  head(tf.zeros([1, DIM]))
  rate = schedules.WarmupCosine(
    recipe.learning_rate, recipe.warmup_steps, recipe.total_steps
  )
  optimizer = recipe.optimizer.build(rate, head.trainable_variables)
  variables = head.trainable_variables

  @tf.function(autograph=False)  # an eager one rounds differently
  def step(view):
    with tf.GradientTape() as tape:
      logits = head(view.audio, training=True)
      loss = tf.reduce_mean(loss_of(logits, view.labels))
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))

  batches = _batches(rows, labels)(features.Share(recipe.batch_size))
  for view in batches.take(recipe.total_steps):
    step(view)
  return head


@pytest.mark.parametrize("kind", [LINEAR, MLP])
def test_weights_are_those_of_a_plain_loop(kind, split):
  rows, labels = _separable(0)
  trained, plain = (
    _fit(kind, rows, labels, split),
    _plain_fit(kind, rows, labels),
  )
  for ours, theirs in zip(trained.weights, plain.weights, strict=True):
    scale = max(1.0, float(np.abs(theirs).max()))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 * scale)


def _stopping(batches, after):
  """Sends SIGTERM to this process when so many clips were read."""
  read = []

  def look(labels):
    read.append(len(labels))
    if sum(read) - len(labels) < after <= sum(read):
      os.kill(os.getpid(), signal.SIGTERM)
    return labels

  def looked_at(share):
    return batches(share).map(
      lambda view: view._replace(
        labels=tf.ensure_shape(
          tf.numpy_function(look, [view.labels], view.labels.dtype),
          view.labels.shape,
        )
      )
    )

  return looked_at


def _fit_linear(split, folder, stop_after=None):
  """Trains the linear head, told to stop when so many clips were read."""
  rows, labels = _separable(0)
  batches = _batches(rows, labels)
  if stop_after is not None:
    batches = _stopping(batches, stop_after)
  return _fit(LINEAR, rows, labels, split, batches, folder)


def test_training_that_is_stopped_goes_on_to_the_same_weights(split, tmp_path):
  folder = tmp_path / "training"
  expected = _fit_linear(split, None)
  with pytest.raises(
    exit_codes.UserError,
    match=r"linear: told to stop at step (\d+) of 60; the same command goes on",
  ) as caught:
    _fit_linear(split, folder, stop_after=30 * LINEAR[2].batch_size)
  assert caught.value.exit_code == exit_codes.PREEMPTED
  stopped = int(re.search(r"step (\d+)", str(caught.value))[1])
  assert 0 < stopped <= 31
  head = _fit_linear(split, folder)
  for ours, theirs in zip(head.weights, expected.weights, strict=True):
    np.testing.assert_array_equal(ours, theirs)


def test_damaged_checkpoint_is_named_with_its_remedy(split, tmp_path):
  folder = tmp_path / "training"
  (folder / "checkpoints" / "step-00000020").mkdir(parents=True)
  with pytest.raises(
    exit_codes.UserError,
    match="cannot go on .* all are damaged.* Remove .*training to begin it",
  ) as caught:
    _fit_linear(split, folder)
  assert caught.value.exit_code == exit_codes.DATA


@pytest.mark.parametrize("step", [58, 59, 60])
def test_stop_in_the_last_steps_is_heard(split, tmp_path, step):
  size = LINEAR[2].batch_size
  # The batch of a step is read by the time of that step.
  with pytest.raises(exit_codes.UserError, match="told to stop at step"):
    _fit_linear(split, tmp_path / "training", stop_after=step * size)


def test_stop_without_a_folder_promises_nothing(split):
  with pytest.raises(
    exit_codes.UserError, match="; nothing of it was to be ke"
  ):
    _fit_linear(split, None, stop_after=10)
