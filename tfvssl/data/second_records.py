"""Batches that are half of one record folder and half of another."""

import tensorflow as tf

from tfvssl.data import pipeline


def half_and_half(
  first: tf.data.Dataset, second: tf.data.Dataset, second_index: int
) -> tf.data.Dataset:
  """Returns batches whose first half is of `first`, the rest of `second`.

  Args:
    first: of pipeline.training_dataset.
    second: of other records, for the same views.
    second_index: added to the sample_index of `second`, so that no two clips
      of a batch have the same draws on the device; the number of clips of the
      first records. Clips of `second` get the label -1.
  """

  @pipeline.without_autograph
  def join(batch, other):
    return {
      name: tf.nest.map_structure(
        lambda part, rest: None if part is None else tf.concat([part, rest], 0),
        view,
        _second(other[name], second_index),
      )
      for name, view in batch.items()
    }

  joined = tf.data.Dataset.zip((first, second)).map(join)
  return pipeline.settled(joined)


def _second(view, second_index):
  """Returns a view of the second records with an index and no label of them.

  A label is an index into the classes of its own records.
  """
  return view._replace(
    sample_index=view.sample_index + second_index,
    labels=-tf.ones_like(view.labels),
  )
