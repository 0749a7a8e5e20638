"""Every usable clip of a record folder once, in order."""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.data import pipeline
from tfvssl.data.records import reader


@pipeline.without_autograph
def dataset(
  records: reader.Records,
  sample_views: pipeline.SampleViews,
  *,
  modalities: set[views.Modality],
  seed: int,
  epoch: int = 0,
  batch_size: int,
) -> tf.data.Dataset:
  """Returns every usable clip once, in order; the last batch may be smaller.

  Args:
    records: of reader.open_records.
    sample_views: as for pipeline.training_dataset.
    modalities: what `sample_views` needs of a clip.
    seed: of the draws of `sample_views`.
    epoch: that the clips carry; another one gives other draws.
    batch_size: clips of a batch.

  Raises:
    ValueError: the records were opened for other modalities.
  """
  pipeline.check_modalities(records, modalities)
  shards = np.flatnonzero(records.usable_per_shard())
  clips = pipeline.read_in_turn(records, tf.constant(shards, tf.int64), 1).map(
    lambda number, record: (tf.constant(epoch, tf.int64), number, record)
  )
  return pipeline.views_of(
    records,
    clips,
    sample_views,
    modalities,
    seed=seed,
    batch_size=batch_size,
    drop_remainder=False,
  )
