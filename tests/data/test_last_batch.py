"""The last batch is filled up with its last row."""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.data import last_batch


def test_last_row_is_repeated():
  found = last_batch.pad(tf.constant([[1, 2], [3, 4]]), 4)
  np.testing.assert_array_equal(found, [[1, 2], [3, 4], [3, 4], [3, 4]])


def test_full_batch_stays_as_it_is():
  np.testing.assert_array_equal(last_batch.pad(tf.range(3), 3), [0, 1, 2])


def test_parts_of_a_view_stay_together_and_what_lacks_stays_away():
  view = views.View(
    sample_index=tf.constant([7, 5], tf.int64),
    audio=tf.constant([[0.5], [1.5]]),
  )
  found = last_batch.pad({"a": view, "b": view}, 3)
  for one in found.values():
    assert isinstance(one, views.View)
    assert one.video is None
    assert one.sample_index.numpy().tolist() == [7, 5, 5]
    assert one.audio.numpy().tolist() == [[0.5], [1.5], [1.5]]


def test_batches_of_a_dataset_get_one_static_shape():
  batches = tf.data.Dataset.range(5).batch(2)
  padded = batches.map(lambda rows: last_batch.pad(rows, 2))
  assert padded.element_spec.shape == [2]
  assert [rows.numpy().tolist() for rows in padded] == [[0, 1], [2, 3], [4, 4]]
