"""Losses by hand, and dropout before the last layer."""

import numpy as np
import tensorflow as tf

from tfvssl.evaluate.classifiers import heads

CLASSES, DIM = 4, 8


def test_losses_by_hand():
  logits = tf.constant([[0.0, 2.0], [1.0, -1.0]])
  softmax = heads.softmax_loss(logits, tf.constant([[1], [1]]))
  np.testing.assert_allclose(
    softmax, [np.log1p(np.exp(-2.0)), np.log1p(np.exp(2.0))], rtol=1e-6
  )
  sigmoid = heads.sigmoid_loss(logits, tf.constant([[0, 1], [-1, -1]]))
  expected = [
    np.log(2.0) + np.log1p(np.exp(-2.0)),  # both are right
    np.log1p(np.exp(1.0)) + np.log1p(np.exp(-1.0)),  # none is
  ]
  np.testing.assert_allclose(sigmoid, expected, rtol=1e-6)


def test_features_dropped_leave_the_bias():
  head = heads.LinearHead(CLASSES)
  rows = np.random.default_rng(0).normal(size=[96, DIM]).astype(np.float32)
  head(rows)
  head.linear.bias.assign([1.0, -2.0, 0.5, 3.0])
  logits = head(rows, kept=tf.zeros_like(rows))
  np.testing.assert_array_equal(
    logits, np.tile([1.0, -2.0, 0.5, 3.0], [len(rows), 1])
  )
  kept = np.tile([2.0] + [0.0] * (DIM - 1), [len(rows), 1])
  first = rows.copy()
  first[:, 1:] = 0.0
  doubled = 2 * (head(first) - head.linear.bias) + head.linear.bias
  np.testing.assert_allclose(head(rows, kept=kept), doubled, atol=1e-5)
