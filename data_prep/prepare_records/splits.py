"""Which inputs are for training and which for testing, and the classes."""

import functools
import hashlib
import os

from absl import logging
import tqdm

from tfvssl.data.media import streams

from . import sources

TRAIN, TEST = "train", "test"
_is_media = functools.cache(streams.is_media)  # starts a process


def assign(
  inputs: list[sources.ClipSource], keys: dict[str, str], test_share: float
) -> None:
  """Fills `split` by a hash of the relative path, stratified per label.

  Inputs without a label are one stratum; of several labels the first counts.
  Pieces of one file, and files of equal content, always share a split.

  Args:
    inputs: changed in place.
    keys: see `sources.content_keys`.
    test_share: the share that goes to the test split, between 0 and 1.
  """
  groups: dict[str, list[sources.ClipSource]] = {}
  for item in inputs:
    groups.setdefault(keys.get(item.path, item.path), []).append(item)
  strata: dict[tuple[str, ...], list[list[sources.ClipSource]]] = {}
  for group in groups.values():
    strata.setdefault(group[0].labels[:1], []).append(group)
  for stratum in strata.values():
    stratum.sort(key=lambda group: path_hash(group[0].relative))
    num_test = round(test_share * len(stratum))
    if len(stratum) > 1:
      num_test = min(max(num_test, 1), len(stratum) - 1)
    for position, group in enumerate(stratum):
      for item in group:
        item.split = TEST if position < num_test else TRAIN


def path_hash(relative: str) -> str:
  """Returns a hash that orders inputs the same way on every machine."""
  return hashlib.sha256(relative.encode("utf-8")).hexdigest()


def leave_out_small_labels(
  inputs: list[sources.ClipSource],
  suffixes: frozenset[str] = streams.MEDIA_SUFFIXES,
) -> list[str]:
  """Removes labels that fewer than two files have; returns and says them.

  Such a label cannot be in both splits. Its clip stays, without the label.

  Args:
    inputs: changed in place.
    suffixes: of files that count without a look into them.
  """
  paths = _media_of_labels(inputs, suffixes, 2)
  small = sorted(name for name, found in paths.items() if len(found) < 2)
  for item in inputs:
    item.labels = tuple(name for name in item.labels if name not in small)
  if small:
    logging.warning(
      "labels of fewer than two files cannot be in both splits; their clips"
      " are kept without a label: %s",
      ", ".join(small),
    )
  return small


def equal_content(
  inputs: list[sources.ClipSource], keys: dict[str, str]
) -> list[list[str]]:
  """Returns groups of equal files; warns where they are in several splits.

  Args:
    inputs: with their splits.
    keys: see `sources.content_keys`.
  """
  paths: dict[str, set[str]] = {}
  splits_of: dict[str, set[str]] = {}
  for source in inputs:
    if not source.refused:
      paths.setdefault(keys[source.path], set()).add(source.relative)
      splits_of.setdefault(keys[source.path], set()).add(source.split)
  for key, names in splits_of.items():
    if len(names) > 1:
      logging.warning(
        "the same content is in several splits: %s",
        ", ".join(sorted(paths[key])),
      )
  return sorted(sorted(group) for group in paths.values() if len(group) > 1)


def classes(
  inputs: list[sources.ClipSource],
  suffixes: frozenset[str] = streams.MEDIA_SUFFIXES,
) -> list[str]:
  """Returns the sorted labels of inputs that are media by name or content.

  So a sub-folder of texts is not a class, nor one of pictures unless they are
  asked for; one of videos without suffixes is.

  Args:
    inputs: with their labels.
    suffixes: of files that count without a look into them.
  """
  return sorted(_media_of_labels(inputs, suffixes, 1))


def _media_of_labels(inputs, suffixes, enough):
  """Returns the files of media by label; all that have a suffix of media.

  Of others so many are looked into that a label has `enough`.
  """
  found: dict[str, set[str]] = {}
  others = []
  tqdm.tqdm.monitor_interval = 0  # no thread: workers are forked
  for item in inputs:
    if item.refused or not item.labels:
      continue
    if os.path.splitext(item.relative)[1].lower() in suffixes:
      _add(found, item)
    else:
      others.append(item)
  for item in tqdm.tqdm(
    others, "looking into files", unit="file", delay=3, dynamic_ncols=True
  ):
    lacking = [x for x in item.labels if len(found.get(x, ())) < enough]
    if lacking and _is_media(item.path):
      _add(found, item)
  return found


def _add(found, item):
  for label in item.labels:
    found.setdefault(label, set()).add(item.file or item.path)
