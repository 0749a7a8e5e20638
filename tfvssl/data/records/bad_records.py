"""Finds the bad records of a folder; readers then pass around each of them.

A record is bad if `check` finds anything wrong with it: its checksum, its
structure, its context, a picture without beginning or end. Pictures are not
decoded, which would take fifty times as long. After a bad record TensorFlow's
reader does not go on, and its `ignore_errors` would drop the rest of the shard.
"""

from collections.abc import Iterable
from concurrent import futures
import functools
from typing import NamedTuple

import tensorflow as tf
import tqdm

from tfvssl.data.records import check
from tfvssl.data.records import contexts
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import payloads
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.data.records import shard_files
from tfvssl.runtime import storage

_SHARDS_AT_ONCE = 16
_BUFFER_BYTES = 256 << 10  # as TFRecordDataset has it


class BadRecord(NamedTuple):
  """One record that is left out.

  Attributes:
    shard: name of the file.
    number: of the record, 0 for the first of the shard.
    offset: where its header begins, in bytes.
    end: where the next record begins.
    clip_id: as far as it can be read, else empty.
    problem: what is wrong with it.
  """

  shard: str
  number: int
  offset: int
  end: int
  clip_id: str
  problem: str

  def describe(self) -> str:
    """Returns shard, record, offset, clip and problem in words."""
    clip = f" (clip '{self.clip_id}')" if self.clip_id else ""
    return (
      f"{self.shard}: record {self.number} at byte {self.offset}{clip}:"
      f" {self.problem}"
    )


def find(
  folder: storage.Path,
  manifest: manifest_lib.Manifest,
  shards: Iterable[manifest_lib.Shard],
) -> list[BadRecord]:
  """Returns the bad records of some shards; reads all of their bytes.

  Shards that are not there are passed over: `reader` refuses such folders.
  """
  there = [shard for shard in shards if (folder / shard.file).is_file()]
  in_shard = functools.partial(_in_shard, folder, manifest)
  with futures.ThreadPoolExecutor(_SHARDS_AT_ONCE) as pool:
    found = tqdm.tqdm(
      pool.map(in_shard, there),
      "checking records",
      total=len(there),
      unit="shard",
      delay=3,
      dynamic_ncols=True,
    )
    return [record for records in found for record in records]


def _in_shard(folder, manifest, shard):
  path = folder / shard.file
  found, open_end = [], None
  for record in payloads.scan(path):
    if open_end is not None:
      found.append(open_end._replace(end=record.offset))
      open_end = None
    if problems := check.record_problems(record, shard, manifest):
      open_end = BadRecord(
        shard.file,
        record.number,
        record.offset,
        storage.size(path),
        _clip_id(path, record.offset),
        problems[0],
      )
  return found if open_end is None else [*found, open_end]


def _clip_id(path, offset):
  """Returns the id that stands in a record, whose checksum may be wrong."""
  with path.open("rb") as file:
    file.seek(offset + shard_files.HEADER_BYTES)
    beginning = file.read(schema.CONTEXT_BYTES)
  try:
    clip_id = contexts.parse_context(beginning).get("clip/id")
  except ValueError:
    return ""
  return clip_id.decode("utf-8", "replace") if type(clip_id) is bytes else ""


def by_shard(found: Iterable[BadRecord]) -> dict[str, dict[int, int]]:
  """Returns, for `Records.bad`, number to end of the bad records of a shard."""
  result: dict[str, dict[int, int]] = {}
  for record in found:
    result.setdefault(record.shard, {})[record.number] = record.end
  return result


class _Stretch(NamedTuple):
  """Records of a shard that lie between bad ones."""

  begin: int  # in bytes
  first: int  # number of its first record in the shard
  num_records: int


def _stretches(records):
  """Yields the stretches of each shard, in the order of the manifest."""
  for shard in records.manifest.shards:
    parts, begin, first = [], 0, 0
    for number, end in sorted(records.bad.get(shard.file, {}).items()):
      parts.append(_Stretch(begin, first, number - first))
      begin, first = end, number + 1
    parts.append(_Stretch(begin, first, shard.record_count - first))
    yield [part for part in parts if part.num_records]


def read_around(records: reader.Records, shard: tf.Tensor) -> tf.data.Dataset:
  """Returns (sample_index, record) of the records of a shard but the bad ones.

  Args:
    records: with bad ones.
    shard: its number in the manifest, int64 scalar.
  """
  stretches = list(_stretches(records))
  flat = [stretch for parts in stretches for stretch in parts]
  begins, firsts, counts = (
    tf.constant([stretch[column] for stretch in flat], tf.int64)
    for column in range(3)
  )
  splits = tf.cumsum([0] + [len(parts) for parts in stretches])
  paths, offsets = tf.constant(records.paths), tf.constant(records.offsets)

  @tf.autograph.experimental.do_not_convert
  def read(stretch):
    variant = tf.raw_ops.TFRecordDatasetV2(
      filenames=paths[shard],
      compression_type="",
      buffer_size=_BUFFER_BYTES,
      byte_offsets=begins[stretch],
    )
    content = tf.data.experimental.from_variant(
      variant, tf.TensorSpec([], tf.string)
    ).take(counts[stretch])
    first = offsets[shard] + firsts[stretch]
    return tf.data.Dataset.zip(
      (
        tf.data.Dataset.range(first, first + counts[stretch]),
        content.apply(tf.data.experimental.assert_cardinality(counts[stretch])),
      )
    )

  numbers = tf.range(splits[shard], splits[shard + 1])
  return tf.data.Dataset.from_tensor_slices(numbers).flat_map(read)
