"""Which clips the two sides of a split hold, and whether they overlap."""

from collections.abc import Iterator
import dataclasses
import os
from typing import NamedTuple

from google.protobuf import message
import numpy as np
import tensorflow as tf
import tqdm

from tfvssl.data import pipeline
from tfvssl.data.records import content
from tfvssl.data.records import contexts
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.runtime import storage


class ClipInfo(NamedTuple):
  """A usable clip of a record folder.

  Attributes:
    sample_index: position of the record in its folder.
    clip_id: as in the record.
    source: path of the file that the clip was cut from; the clips of one file
      share it, whatever their ids are.
    labels: indices into the folder's classes; none where it has no label.
    digest: of pictures and sound, see `content`.
  """

  sample_index: int
  clip_id: str
  source: str
  labels: tuple[int, ...]
  digest: str


def read_clips(records: reader.Records) -> list[ClipInfo]:
  """Returns the usable clips in the order of the folder.

  Reads all bytes of a folder whose manifest has no digests, of others the
  beginning of every record.

  Raises:
    exit_codes.UserError: a shard is damaged; the record is named.
    ValueError: a record does not hold what the schema says.
  """
  shards = records.manifest.shards
  told = all(len(shard.digests) == shard.record_count for shard in shards)
  with (
    tqdm.tqdm(
      _told(records) if told else _looked_at(records),
      desc=f"clips of {records.folder.name}",
      total=len(records.usable),
      unit=" clips",
    ) as clips,
    damage.explained(records),
  ):
    return [clip for clip in clips if clip is not None]


def _told(records) -> Iterator[ClipInfo | None]:
  """Yields the clips with the digests of the manifest; None for unusable."""
  for first, path, shard in zip(
    records.offsets, records.paths, records.manifest.shards, strict=True
  ):
    for number, context in contexts.of_shard(storage.Path(path)):
      sample_index = int(first) + number
      usable = records.usable[sample_index]
      digest = shard.digests[number]
      yield _of_context(sample_index, context, digest) if usable else None


def _of_context(sample_index, context, digest):
  return ClipInfo(
    sample_index,
    context["clip/id"].decode("utf-8", "replace"),
    # Older records have the path as a csv spelled it.
    os.path.normpath(context["clip/path"].decode("utf-8", "replace")),
    tuple(label for label in context[contexts.LABELS] if label >= 0),
    digest,
  )


def _looked_at(records) -> Iterator[ClipInfo | None]:
  """Yields the clips by all their bytes; None for unusable ones."""
  dataset = pipeline.settled(tf.data.TFRecordDataset(records.paths))
  for sample_index, record in enumerate(dataset.as_numpy_iterator()):
    usable = records.usable[sample_index]
    yield _clip_info(records, sample_index, record) if usable else None


def _clip_info(records, sample_index, record):
  try:
    example = tf.train.SequenceExample.FromString(record)
    context = {
      name: _only_value(example.context.feature, name)
      for name in ("clip/id", "clip/path")
    }
    context[contexts.LABELS] = _values(example.context.feature, contexts.LABELS)
  except (message.DecodeError, ValueError) as error:
    shard = int(np.searchsorted(records.offsets, sample_index, "right")) - 1
    number = sample_index - int(records.offsets[shard])
    raise ValueError(
      f"{records.paths[shard]}: record {number} is not a clip of this schema"
      f" ({error}); prepare the records again."
    ) from error
  lists = example.feature_lists.feature_list
  return _of_context(sample_index, context, content.describe(_held(lists)))


def _only_value(features, name):
  values = _values(features, name)
  if len(values) != 1:
    raise ValueError(f"{name} has {len(values)} values")
  return values[0]


def _values(features, name):
  feature = features[name]
  kind = feature.WhichOneof("kind")
  values = getattr(feature, kind).value if kind else []
  if not values:
    raise ValueError(f"{name} has 0 values")
  return values


def _held(lists):
  return {
    modality: [step.bytes_list.value[0] for step in lists[name].feature]
    for modality, name in schema.FEATURE_LISTS.items()
    if name in lists
  }


def restrict(
  records: reader.Records, clips: list[ClipInfo], kept: np.ndarray
) -> tuple[reader.Records, list[ClipInfo]]:
  """Returns the records with some of their usable clips only, and these.

  Args:
    records: of one folder.
    clips: all that are usable, of `read_clips`.
    kept: bool, one per clip.
  """
  chosen = [clip for clip, keep in zip(clips, kept, strict=True) if keep]
  usable = np.zeros_like(records.usable)
  usable[[clip.sample_index for clip in chosen]] = True
  return dataclasses.replace(records, usable=usable), chosen


def label_rows(clips: list[ClipInfo]) -> np.ndarray:
  """Returns the labels of every clip, int64 [N, L], filled up with -1.

  L is the largest number of labels that a clip has, at least 1.
  """
  length = max([1, *(len(clip.labels) for clip in clips)])
  rows = np.full([len(clips), length], -1, np.int64)
  for row, clip in zip(rows, clips, strict=True):
    row[: len(clip.labels)] = clip.labels
  return rows


def check_single_labels(clips: list[ClipInfo], folder: str) -> None:
  """Raises ValueError naming the first clip that has several labels."""
  for clip in clips:
    if len(clip.labels) > 1:
      raise ValueError(
        f"clip {clip.clip_id!r} of {folder} has {len(clip.labels)} labels; this"
        " protocol takes one per clip. Use --protocol=mlp or, for images,"
        " --protocol=pascal."
      )


def renumber(
  labels: np.ndarray, own: list[str], common: list[str]
) -> np.ndarray:
  """Returns labels as indices into `common`, of the same shape; -1 stays.

  Folders that were prepared apart may number their classes differently.

  Args:
    labels: int64 [N] or [N, L], of one folder.
    own: its classes.
    common: the names to count in; holds all that `labels` has of `own`.
  """
  places = {name: place for place, name in enumerate(common)}
  numbers = np.array([places.get(name, -1) for name in own] + [-1], np.int64)
  return numbers[np.where(labels >= 0, labels, -1)]


def classes_of(clips: list[ClipInfo], classes: list[str]) -> list[str]:
  """Returns those of a folder's classes that its usable clips have."""
  held = {label for clip in clips for label in clip.labels}
  return [name for number, name in enumerate(classes) if number in held]


def common_classes(train: list[str], test: list[str]) -> list[str]:
  """Returns the training classes followed by those of the test clips only."""
  return train + [name for name in test if name not in train]


def check_leakage(
  train: list[ClipInfo],
  test: list[ClipInfo],
  split: str,
  same_paths_differ: bool = False,
) -> None:
  """Checks that no test clip was trained on.

  Clips are equal by pictures and sound together. Those in which nothing
  changes, such as black and silent ones, are never told to be the same.

  Args:
    train: clips of the classifier's training side.
    test: clips of its test side.
    split: name of the split, for the message.
    same_paths_differ: the two sides were prepared from different folders, so
      that equal relative paths are different files; only content counts.

  Raises:
    ValueError: clips of equal content, or cut from the same file.
  """
  digests = [[clip.digest for clip in side] for side in (train, test)]
  equal = [
    f"{test[j].clip_id!r} = {train[i].clip_id!r}"
    for i, j in content.equal_pairs(*digests)
  ]
  if equal:
    raise ValueError(
      f"{split}: {len(equal)} test clips are also training clips"
      f" ({_some(equal)}); prepare them with separate splits."
    )
  sources = {clip.source for clip in train}
  shared = sorted({clip.source for clip in test if clip.source in sources})
  if shared and not same_paths_differ:
    raise ValueError(
      f"{split}: training and test clips come from {len(shared)} same paths"
      f" ({_some([repr(path) for path in shared])}). If these are different"
      " files in different folders, pass --same_paths_differ."
    )


def _some(items):
  more = f" and {len(items) - 3} more" if len(items) > 3 else ""
  return ", ".join(items[:3]) + more
