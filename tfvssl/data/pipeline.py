"""Records to batches of views, in an order that any restart repeats.

The order of a host's clips is a pure function of (seed, epoch): its shards
are permuted, read in groups whose records alternate, and the stream of
records is permuted block by block. Nothing depends on tf.random's state, on
the number of threads or on how often the run was restarted, and a restart
reads only what lies behind its position.
"""

from collections.abc import Callable
import os

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.runtime import randomness

SampleViews = Callable[[views.Clip, int], dict[str, views.View]]

# AutoGraph would bury one-line errors in a long trace.
without_autograph = tf.autograph.experimental.do_not_convert


_SHARDS_AT_ONCE = 8  # released datasets/media_sequences: cycle length
# Said here and not left to tf.data, see `settled`.
PARALLEL_CALLS = os.cpu_count() or 1
_BATCHES_AHEAD = 2


def training_dataset(
  records: reader.Records,
  sample_views: SampleViews,
  *,
  modalities: set[views.Modality],
  seed: int,
  start_position: int,
  batch_size: int,
  shuffle_buffer: int,
  host_index: int = 0,
  num_hosts: int = 1,
) -> tf.data.Dataset:
  """Returns infinite batches of views; every pass has every usable clip once.

  Args:
    records: of reader.open_records.
    sample_views: (clip, seed) -> views by name, unbatched, static shapes.
    modalities: what `sample_views` needs of a clip.
    seed: the run's.
    start_position: how many clips this host has consumed before.
    batch_size: clips of one batch of this host.
    shuffle_buffer: records that are permuted at a time; twice as many are
      held in memory.
    host_index: which host this is.
    num_hosts: each reads shards of its own.

  Raises:
    ValueError: fewer shards than hosts, or the records were opened for other
      modalities.
  """
  check_modalities(records, modalities)
  shards = records.shards_for_host(host_index, num_hosts)
  count = records.usable_for_host(host_index, num_hosts)
  first_epoch, inside = divmod(start_position, count)

  @without_autograph
  def epoch_blocks(epoch):
    skip = tf.where(epoch == first_epoch, tf.constant(inside, tf.int64), 0)
    return _blocks(
      records,
      shards,
      seed=seed,
      epoch=epoch,
      skip=skip,
      block_size=min(shuffle_buffer, count),
    )

  epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
  clips = epochs.flat_map(epoch_blocks).prefetch(1).unbatch()
  return views_of(
    records,
    clips,
    sample_views,
    modalities,
    seed=seed,
    batch_size=batch_size,
    drop_remainder=True,
  )


def check_modalities(
  records: reader.Records, modalities: set[views.Modality]
) -> None:
  """Raises ValueError where records were opened for fewer modalities."""
  missing = sorted(m.value for m in modalities - records.modalities)
  if missing:
    raise ValueError(
      f"{records.folder} was opened without {', '.join(missing)}; give"
      " `open_records` all modalities that the views need."
    )


def views_of(
  records: reader.Records,
  clips: tf.data.Dataset,
  sample_views: SampleViews,
  modalities: set[views.Modality],
  *,
  seed: int,
  batch_size: int,
  drop_remainder: bool,
) -> tf.data.Dataset:
  """Returns batches of views of (epoch, sample_index, serialised record)."""
  may_lack = records.may_lack | {views.Modality.AUDIO}  # if `records` let it
  muted = records.muted
  muted = tf.constant(muted) if (muted & records.usable).any() else None

  @without_autograph
  def make(epoch, number, record):
    clip = schema.parse(record, modalities, number, epoch, optional=may_lack)
    if muted is not None:
      clip = _without_sound(clip, muted[number])
    return sample_views(clip, seed)

  dataset = clips.map(
    make, num_parallel_calls=PARALLEL_CALLS, deterministic=True
  )
  dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
  return settled(dataset)


def settled(dataset: tf.data.Dataset) -> tf.data.Dataset:
  """Returns a dataset in its order, two batches ahead, with fixed threads.

  With tf.data's own tuning a thread may sleep for a minute on a busy machine,
  and dropping the iterator waits for it.
  """
  options = tf.data.Options()
  options.deterministic = True
  options.autotune.enabled = False
  # The hosts are told apart above; tf.data must not split once more.
  options.experimental_distribute.auto_shard_policy = (
    tf.data.experimental.AutoShardPolicy.OFF
  )
  # Clips run in parallel; threads inside an operation would only contend.
  options.threading.max_intra_op_parallelism = 1
  return dataset.prefetch(_BATCHES_AHEAD).with_options(options)


def _without_sound(clip, muted):
  """Returns the clip, with empty sound where `muted`, a bool scalar."""

  def cut(sound):
    if sound is not None:
      sound = sound[: tf.where(muted, 0, tf.shape(sound)[0])]
    return sound

  return clip._replace(
    waveform=cut(clip.waveform), spectrogram=cut(clip.spectrogram)
  )


def _blocks(records, shards, *, seed, epoch, skip, block_size):
  """Returns one epoch from clip `skip` on, in permuted blocks.

  Elements are (epoch [n], sample_index [n], serialised record [n]).
  """
  counts = tf.constant(records.usable_per_shard(), tf.int64)
  order = tf.gather(
    tf.constant(shards, tf.int64),
    _random_order(seed, "shards", epoch, tf.range(len(shards))),
  )
  first_block = skip // block_size
  begin = first_block * block_size
  # Whole groups of shards before the first block are not opened at all.
  num_groups = -(-len(shards) // _SHARDS_AT_ONCE)
  ends = tf.cumsum(tf.gather(counts, order))
  group_ends = tf.gather(
    ends,
    tf.minimum(tf.range(1, num_groups + 1) * _SHARDS_AT_ONCE, len(shards)) - 1,
  )
  first_group = tf.searchsorted(group_ends, [begin], side="right")[0]
  before = tf.where(
    first_group > 0, tf.gather(group_ends, tf.maximum(first_group - 1, 0)), 0
  )
  stream = read_in_turn(
    records, order[first_group * _SHARDS_AT_ONCE :], _SHARDS_AT_ONCE
  ).skip(begin - before)

  @without_autograph
  def permute(block, batch):
    numbers, serialized = batch
    positions = block * block_size + tf.range(tf.size(numbers, tf.int64))
    places = _random_order(seed, "clips", epoch, positions)
    done = tf.where(block == first_block, skip - begin, 0)
    places = places[done:]
    return (
      tf.fill([tf.size(places)], epoch),
      tf.gather(numbers, places),
      tf.gather(serialized, places),
    )

  return stream.batch(block_size).enumerate(first_block).map(permute)


def _random_order(seed, what, epoch, positions):
  """Returns int32 [n] that sorts a draw for each of n positions of an epoch.

  One Threefry call: whole keys for each position would make a large graph.
  """
  with tf.init_scope():  # a constant of the graph
    key = randomness.key(seed, 0, 0, "order", what)
  positions = tf.cast(positions, tf.uint32)
  epochs = tf.fill(tf.shape(positions), tf.cast(epoch, tf.uint32))
  counters = tf.stack([positions, epochs], axis=-1)
  draws = randomness.threefry(
    tf.broadcast_to(key, tf.shape(counters)), counters
  )
  return tf.argsort(tf.cast(draws[..., 0], tf.int64), stable=True)


def read_in_turn(
  records: reader.Records, shards: tf.Tensor, shards_at_once: int
) -> tf.data.Dataset:
  """Returns (sample_index, record) of usable clips; shards in groups.

  Within a group, records of its shards alternate.
  """
  offsets = tf.constant(records.offsets)
  counts = tf.constant(
    [shard.record_count for shard in records.manifest.shards], tf.int64
  )
  paths = tf.constant(records.paths)
  usable = tf.constant(records.usable)

  @without_autograph
  def read(shard):
    if records.bad:
      from tfvssl.data.records import bad_records  # most folders have none

      dataset = bad_records.read_around(records, shard)
      return dataset.filter(lambda number, record: usable[number])
    numbers = tf.range(counts[shard]) + offsets[shard]
    dataset = tf.data.TFRecordDataset(paths[shard]).apply(
      tf.data.experimental.assert_cardinality(counts[shard])
    )
    dataset = tf.data.Dataset.zip(
      (tf.data.Dataset.from_tensor_slices(numbers), dataset)
    )
    return dataset.filter(lambda number, record: usable[number])

  @without_autograph
  def read_group(group):
    return tf.data.Dataset.from_tensor_slices(group).interleave(
      read,
      cycle_length=shards_at_once,
      block_length=1,
      num_parallel_calls=min(shards_at_once, PARALLEL_CALLS),
      deterministic=True,
    )

  groups = tf.data.Dataset.from_tensor_slices(shards).batch(shards_at_once)
  return groups.flat_map(read_group)
