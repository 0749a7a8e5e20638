"""The official splits: which clips each side has, under one list of classes."""

import dataclasses
import hashlib
from typing import NamedTuple

from absl import logging
import numpy as np

from tfvssl import views
from tfvssl.data.records import content
from tfvssl.data.records import reader
from tfvssl.evaluate.samples import clips


class Kept(NamedTuple):
  """Which clips of a split can be evaluated, and what is left out.

  Attributes:
    train: bool [N].
    test: bool [M].
    train_unlabelled: training clips without label.
    test_unlabelled: test clips without label.
    unseen: class without training clips -> its test clips; left out unless
      they have another label that counts.
  """

  train: np.ndarray
  test: np.ndarray
  train_unlabelled: int
  test_unlabelled: int
  unseen: dict[str, int]


class Split(NamedTuple):
  """One official split: labelled training and test clips of one class list.

  `kept` says what was left out of the folders; all else is what is left.

  Classes without a clip on either side are none here.

  Attributes:
    name: for messages and the result.
    train: records of the training side.
    test: records of the test side.
    train_clips: N clips, in the order of the records.
    test_clips: M clips.
    train_labels: int64 [N, L], indices into `classes`, filled up with -1.
    test_labels: int64 [M, L'].
    classes: names of the labels.
    kept: what could be evaluated.
  """

  name: str
  train: reader.Records
  test: reader.Records
  train_clips: list[clips.ClipInfo]
  test_clips: list[clips.ClipInfo]
  train_labels: np.ndarray
  test_labels: np.ndarray
  classes: list[str]
  kept: Kept

  @property
  def columns(self) -> np.ndarray:
    """Labels that training clips have, which a classifier can give, [K]."""
    return known_labels(self.train_labels)


def open_split(
  name: str,
  train_folder: str,
  test_folder: str,
  *,
  spec: views.ViewSpec,
  same_paths_differ: bool = False,
  several_labels: bool = False,
  use_silent_sound: bool = True,
) -> Split:
  """Returns a checked pair of record folders.

  Args:
    name: of the split.
    train_folder: records that a classifier is fitted to.
    test_folder: records that it is tested on.
    spec: of the views.
    same_paths_differ: see clips.check_leakage.
    several_labels: a clip may have more than one.
    use_silent_sound: see reader.open_records.

  Raises:
    ValueError: the pair cannot be evaluated: records that differ from their
      manifest, too few or too many labels, clips on both sides.
    FileNotFoundError: a folder does not exist.
    exit_codes.UserError: a record is damaged.
  """
  spec = dataclasses.replace(spec, optional=False)  # zeros show no class
  train, test = (
    reader.open_for_views(folder, [spec], use_silent_sound=use_silent_sound)
    for folder in (train_folder, test_folder)
  )
  train_clips, test_clips = clips.read_clips(train), clips.read_clips(test)
  if not several_labels:
    clips.check_single_labels(train_clips, train.folder.name)
    clips.check_single_labels(test_clips, test.folder.name)
  sides = (train_clips, train.classes), (test_clips, test.classes)
  classes = clips.common_classes(*(clips.classes_of(*side) for side in sides))
  train_labels, test_labels = (
    clips.renumber(clips.label_rows(side), own, classes) for side, own in sides
  )
  kept = keep_known(train_labels, test_labels, classes, name)
  train, train_clips = clips.restrict(train, train_clips, kept.train)
  test, test_clips = clips.restrict(test, test_clips, kept.test)
  clips.check_leakage(train_clips, test_clips, name, same_paths_differ)
  return Split(
    name,
    train,
    test,
    train_clips,
    test_clips,
    train_labels[kept.train],
    test_labels[kept.test],
    classes,
    kept,
  )


def describe_split(split: Split) -> dict:
  """Returns what a split holds, and what was left out of it."""
  train, test = (
    clips_per_class(labels, len(split.classes))
    for labels in (split.train_labels, split.test_labels)
  )
  return {
    "name": split.name,
    "train_records": _records(split.train),
    "test_records": _records(split.test),
    "train_clips": len(split.train_clips),
    "test_clips": len(split.test_clips),
    "train_clips_left_out": split.train.skipped,
    "test_clips_left_out": split.test.skipped,
    "train_clips_unlabelled": split.kept.train_unlabelled,
    "test_clips_unlabelled": split.kept.test_unlabelled,
    "train_clips_constant": _count_constant(split.train_clips),
    "test_clips_constant": _count_constant(split.test_clips),
    "classes_left_out": split.kept.unseen,
    "train_clips_per_class": _per_class(split.classes, train),
    "test_clips_per_class": _per_class(split.classes, test),
    "classes_without_test_clips": [
      name
      for name, in_train, in_test in zip(
        split.classes, train, test, strict=True
      )
      if in_train and not in_test
    ],
  }


def _count_constant(found):
  """Returns of how many clips neither pictures nor sound change."""
  return sum(content.is_constant(clip.digest) for clip in found)


def clips_per_class(labels: np.ndarray, num_classes: int) -> np.ndarray:
  """Returns how many of the clips have each label, int64 [num_classes]."""
  return np.bincount(labels[labels >= 0], minlength=num_classes)


def _records(records):
  """Returns folder and manifest, without the path to them."""
  digests = "".join(shard.sha256 for shard in records.manifest.shards)
  return {
    "folder": records.folder.name,
    "config_hash": records.manifest.config_hash,
    "shards_hash": hashlib.sha256(digests.encode()).hexdigest(),
  }


def _per_class(classes, counts):
  return dict(zip(classes, counts.tolist(), strict=True))


def keep_known(
  train_labels: np.ndarray,
  test_labels: np.ndarray,
  classes: list[str],
  split: str,
) -> Kept:
  """Returns which clips can be evaluated, before any feature is made.

  Clips without label, and test clips none of whose classes a training clip
  has, are left out and named in the log: an accuracy would count them as wrong.

  Args:
    train_labels: int64 [N, L], indices into `classes`, filled up with -1.
    test_labels: int64 [M, L].
    classes: names of the labels.
    split: name of the split, for the messages.

  Raises:
    ValueError: no clips, none with a label, training clips of fewer than two
      classes, or no test clip of a training class.
  """
  for name, labels in (("training", train_labels), ("test", test_labels)):
    _check_some_labelled(labels, name, split)
  known = known_labels(train_labels)
  told = np.union1d(known, difficult_of(known, classes))
  if len(known) < 2:
    raise ValueError(
      f"{split} has training clips of 1 class only"
      f" ({class_name(classes, known[0])}); a classifier needs at least 2."
    )
  test = np.isin(test_labels, told).any(axis=1)
  others, counts = np.unique(
    test_labels[(test_labels >= 0) & ~np.isin(test_labels, told)],
    return_counts=True,
  )
  unseen = {
    class_name(classes, label): int(count)
    for label, count in zip(others, counts, strict=True)
  }
  if not test.any():
    raise ValueError(
      f"{split} tests only on classes without training clips:"
      f" {', '.join(unseen)}."
    )
  if unseen:
    logging.warning(
      "%s: classes without training clips are left out of the test: %s.",
      split,
      ", ".join(f"{name} ({n} clips)" for name, n in unseen.items()),
    )
  unlabelled = [(rows < 0).all(axis=1) for rows in (train_labels, test_labels)]
  return Kept(
    ~unlabelled[0],
    test,
    int(np.sum(unlabelled[0])),
    int(np.sum(unlabelled[1])),
    unseen,
  )


def difficult_of(labels: np.ndarray, classes: list[str]) -> np.ndarray:
  """Returns the labels that mark difficult images of `labels`, int64 [D].

  Args:
    labels: int64 [K], of classes.
    classes: names of all labels.
  """
  marks = {views.DIFFICULT + classes[label] for label in labels}
  found = [label for label, name in enumerate(classes) if name in marks]
  return np.array(found, np.int64)


def known_labels(train_labels: np.ndarray) -> np.ndarray:
  """Returns the labels that training clips have, sorted, int64 [K]."""
  return np.unique(train_labels[train_labels >= 0])


def _check_some_labelled(labels, name, split):
  if not len(labels):
    raise ValueError(f"{split} has no usable {name} clips.")
  unlabelled = int(np.sum((labels < 0).all(axis=1)))
  if unlabelled == len(labels):
    raise ValueError(
      f"{split}: none of the {len(labels)} {name} clips has a label; prepare"
      " labelled records."
    )
  if unlabelled:
    logging.warning(
      "%s: %d of %d %s clips have no label and are left out.",
      split,
      unlabelled,
      len(labels),
      name,
    )


def class_name(classes: list[str], label: int) -> str:
  """Returns the name of a label; one that has none is told by its number."""
  return classes[label] if 0 <= label < len(classes) else f"label {label}"
