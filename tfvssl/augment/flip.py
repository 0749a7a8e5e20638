"""Horizontal flip, and the choice per clip that every operation shares."""

import tensorflow as tf


def mirror(video: tf.Tensor) -> tf.Tensor:
  """Returns [B, T, H, W, C] with left and right exchanged."""
  return tf.reverse(video, axis=[3])


def select(
  applied: tf.Tensor, changed: tf.Tensor, unchanged: tf.Tensor
) -> tf.Tensor:
  """Returns `changed` where `applied`, else `unchanged`.

  Args:
    applied: bool [B].
    changed: [B, ...].
    unchanged: of the same shape and dtype.
  """
  applied = tf.reshape(applied, [-1] + [1] * (changed.shape.rank - 1))
  return tf.where(applied, changed, unchanged)
