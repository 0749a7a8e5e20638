import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import flip


def test_columns_are_exchanged_and_nothing_else():
  video = np.arange(2 * 2 * 2 * 3 * 2).reshape(2, 2, 2, 3, 2)
  np.testing.assert_array_equal(
    flip.mirror(tf.constant(video)), video[:, :, :, ::-1]
  )


@pytest.mark.parametrize("dtype", [tf.uint8, tf.float32])
def test_choice_is_made_per_clip(dtype):
  changed = tf.cast(tf.reshape(tf.range(6), [3, 2, 1]), dtype)
  unchanged = changed + 100
  chosen = flip.select(tf.constant([True, False, True]), changed, unchanged)
  assert chosen.dtype == dtype
  np.testing.assert_array_equal(
    chosen, [[[0], [1]], [[102], [103]], [[4], [5]]]
  )


def test_choice_between_vectors():
  chosen = flip.select(
    tf.constant([False, True]), tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
  )
  np.testing.assert_array_equal(chosen, [3.0, 2.0])
