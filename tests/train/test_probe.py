"""The online probe learns, and the method does not feel it."""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.train import probe


def _batch(labels):
  return {
    "narrow": views.View(
      labels=tf.constant(labels, tf.int64),
      sample_index=tf.range(len(labels), dtype=tf.int64),
    )
  }


def test_nearest_neighbour_by_hand():
  features = tf.constant(
    [[1.0, 0.0], [5.0, 0.1], [0.0, 1.0], [0.1, 3.0], [1.0, 0.9]]
  )
  labels = tf.constant([0, 0, 1, 0, -1], tf.int64)
  indices = tf.range(5, dtype=tf.int64)
  # 0 and 1 find each other; 2 and 3 find each other, with another label; the
  # fifth has no label: it neither counts nor is a neighbour.
  found = probe.nearest_neighbour_accuracy(features, labels, indices)
  assert float(found) == 0.5
  # The second row is the first clip again, so both look elsewhere.
  again = tf.constant([0, 0, 2, 3, 4], tf.int64)
  found = probe.nearest_neighbour_accuracy(features, labels, again)
  assert (
    float(found) == 0.5
  )  # 0 and 1 now find 3, of label 0; 2 and 3 as before
  labels = tf.constant([0, 0, 1, 1, -1], tf.int64)
  found = probe.nearest_neighbour_accuracy(features, labels, again)
  assert float(found) == 0.5


def test_clips_without_label_and_single_clips_have_no_accuracy():
  features = tf.constant([[1.0, 0.0], [0.0, 1.0]])
  indices = tf.range(2, dtype=tf.int64)
  for labels in ([-1, -1], [0, -1]):
    found = probe.nearest_neighbour_accuracy(
      features, tf.constant(labels, tf.int64), indices
    )
    assert float(found) == 0.0


def test_separable_features_are_learned_without_a_gradient_to_them():
  generator = np.random.default_rng(0)
  labels = np.arange(32) % 4
  features = tf.Variable(
    np.eye(4, 8)[labels] + generator.normal(0, 0.1, [32, 8]), dtype=tf.float32
  )
  batch = _batch(labels)
  online = probe.OnlineProbe(num_classes=4, num_features=8)
  first = online.update(batch, features)
  assert float(first[probe.LINEAR]) == 0.25  # zero weights: always class 0
  update = tf.function(lambda: online.update(batch, features), autograph=False)
  with tf.GradientTape() as tape:
    for _ in range(200):
      scores = update()
    total = tf.add_n(list(scores.values()))
  assert tape.gradient(total, features) is None
  assert float(scores[probe.LINEAR]) == 1.0
  assert float(scores[probe.NEAREST]) == 1.0
  assert float(online.score(batch, features)[probe.LINEAR]) == 1.0


def test_clips_without_label_teach_nothing():
  features = tf.constant(
    np.random.default_rng(1).normal(size=[6, 3]), tf.float32
  )
  plain, other = (probe.OnlineProbe(2, 3) for _ in range(2))
  plain.update(_batch([0, 1, 0, 1, -1, -1]), features)
  other.update(_batch([0, 1, 0, 1, -1, -1]), features)
  before = [v.numpy() for v in other.trainable_variables]
  other.update(_batch([-1] * 6), features)
  scores = other.update(_batch([-1] * 6), features)
  assert float(scores[probe.LINEAR]) == 0.0
  # Adam's momentum moves on, so only a first step shows a gradient of zero.
  fresh = probe.OnlineProbe(2, 3)
  start = [v.numpy() for v in fresh.trainable_variables]
  fresh.update(_batch([-1] * 6), features)
  for variable, old in zip(fresh.trainable_variables, start, strict=True):
    np.testing.assert_array_equal(variable.numpy(), old)
  assert any(np.abs(value).max() > 0 for value in before)
