"""The last batch, which is as large as the others: nothing is traced again."""

from typing import TypeVar

import tensorflow as tf

_Batch = TypeVar("_Batch")


def pad(batch: _Batch, size: int) -> _Batch:
  """Returns the batch with its last row repeated up to `size` rows.

  Args:
    batch: tensors [B, ...] of the same B, from 1 to `size`, nested in any way;
      what is None stays so.
    size: rows of the result.
  """
  tensors = [part for part in tf.nest.flatten(batch) if part is not None]
  rows = tf.minimum(tf.range(size), tf.shape(tensors[0])[0] - 1)
  return tf.nest.map_structure(
    lambda part: None if part is None else tf.gather(part, rows), batch
  )
