"""Which clips of a dataset's official lists are there, and a count of them.

Names in a list are only compared with names of files that lie in the input
folder, so that no line of a list can lead out of it.
"""

import dataclasses
import os
import pathlib
import re

from absl import logging

from tfvssl.data.media import streams

from ..prepare_records import sources
from ..prepare_records import still_picture
from . import official

_SOUND_SUFFIXES = frozenset(
  ".ogg .oga .opus .wav .mp3 .flac .m4a .aac .aif .aiff".split()
)


@dataclasses.dataclass
class Found:
  """A dataset's clips that are there, and a count of those that are not.

  Attributes:
    sources: the clips whose files are there.
    classes: as in official.OfficialList.
    coverage: what report.json holds of it.
    missing: the entries without a file.
  """

  sources: list[sources.ClipSource]
  classes: list[str]
  coverage: dict
  missing: list[official.Entry]


def find(
  definition: official.Definition,
  number: int,
  lists: official.OfficialList,
  folder: pathlib.Path,
) -> Found:
  """Returns which clips of `lists` have a file in `folder`.

  The file may lie at any depth. One that lies in a folder of another class is
  not taken; one in the folder of its class is preferred, and video to sound.

  Args:
    definition: of the dataset.
    number: of the split; 0 where there is only one.
    lists: what they say.
    folder: of the videos.

  Raises:
    FileNotFoundError: the folder is not there or holds no clip of the lists.
    ValueError: captions of a clip that cannot be used.
  """
  root = pathlib.Path(os.path.realpath(folder))
  if not root.is_dir():
    raise FileNotFoundError(
      f"`--input` ({folder}) is not a folder; with --dataset give that of the"
      " videos."
    )
  suffixes = streams.MEDIA_SUFFIXES
  if definition.images:
    suffixes = still_picture.SUFFIXES
  files = _Files(root, lists.classes, suffixes)
  found, present, missing = [], [], []
  taken: set[str] = set()
  counts = _Counts()
  for entry in lists.entries:
    source = files.source(entry)
    if source is not None and source.clip_id in taken:
      source = None  # a name of two classes, and no folder that tells whose
    counts.add(entry, source is not None)
    if source is None:
      missing.append(entry)
    else:
      found.append(source)
      present.append(entry)
      taken.add(source.clip_id)
  _attach_captions(definition, found, present)
  if not found:
    raise _nothing_found(definition, lists, folder)
  coverage = {
    "dataset": definition.name,
    "dataset_split": number or None,
    "splits": counts.tree(lists.classes),
    "unused_in_lists": lists.unused,
    "files_not_in_lists": files.count - len({item.path for item in found}),
  }
  return Found(found, lists.classes, coverage, missing)


def _nothing_found(definition, lists, folder):
  example = (lists.entries[0].names + lists.entries[0].videos)[0]
  return FileNotFoundError(
    f"none of the {len(lists.entries)} clips of the lists of"
    f" {definition.name} is in `--input` ({folder}); give the folder that"
    f" holds files such as {example}.*"
  )


def _attach_captions(definition, found, entries):
  """Gives clips the captions of their entries; tells what cannot be used."""
  if definition.captions is None:
    return
  lines = official.Lines()
  for source, entry in zip(found, entries, strict=True):
    source.captions = definition.captions(entry, lines)
  lines.check_problems()
  if lines.left_out:
    logging.warning(
      "%d captions have no words or last no time; they are left out.",
      lines.left_out,
    )


class _Files:
  """The files of a folder that may be clips, by name without suffix."""

  def __init__(
    self, root: pathlib.Path, classes: list[str], suffixes: frozenset[str]
  ):
    self._root = root
    self._classes = {_plain(name) for name in classes}
    self._by_name: dict[str, list[pathlib.Path]] = {}
    self.count = 0
    for path in streams.list_files(root):
      if path.suffix.lower() in suffixes:
        self._by_name.setdefault(path.stem, []).append(path)
        self.count += 1

  def source(self, entry: official.Entry) -> sources.ClipSource | None:
    """Returns the clip of an entry, None without a file."""
    for name in entry.names:
      if path := self._choose(name, entry):
        return self._source(path, entry)
    for name in entry.videos:
      if path := self._choose(name, entry):
        source = self._source(path, entry)
        source.start_s, source.end_s = entry.start_s, entry.end_s
        source.may_be_cut = entry.may_be_cut
        source.clip_id += f"#{sources.seconds_text(entry.start_s)}"
        return source
    return None

  def _source(self, path, entry):
    source = sources.of_file(path, self._root)
    source.labels, source.split = entry.labels, entry.split
    return source

  def _choose(self, name, entry):
    paths = self._by_name.get(name)
    if not paths:
      return None
    own = {_plain(label) for label in entry.labels}
    ranked = []
    for path in paths:
      parent = _plain(path.relative_to(self._root).parent.name)
      if parent in own or parent not in self._classes:
        is_sound = path.suffix.lower() in _SOUND_SUFFIXES
        ranked.append((parent not in own, is_sound, os.fsencode(path), path))
    return min(ranked)[-1] if ranked else None


def _plain(name):
  """Returns a name of a class as folders may write it: by its letters."""
  return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


class _Counts:
  """Counts of official and found clips, by split and class."""

  def __init__(self) -> None:
    self._splits: dict[str, list[int]] = {}
    self._classes: dict[tuple[str, str], list[int]] = {}

  def add(self, entry: official.Entry, is_found: bool) -> None:
    """Counts an entry; one of several labels counts for each."""
    counters = [self._splits.setdefault(entry.split, [0, 0])]
    for label in entry.labels:
      counters.append(self._classes.setdefault((entry.split, label), [0, 0]))
    for counter in counters:
      counter[0] += 1
      counter[1] += is_found

  def tree(self, classes: list[str]) -> dict:
    """Returns split -> counts, with `classes`: label -> counts."""
    return {
      split: _named(counter)
      | {
        "classes": {
          label: _named(self._classes[split, label])
          for label in classes
          if (split, label) in self._classes
        }
      }
      for split, counter in self._splits.items()
    }


def _named(counter):
  official, found = counter
  return {"official": official, "found": found, "missing": official - found}


def row(entry: official.Entry) -> list[str]:
  """Returns an entry as a row of missing.csv."""
  return [
    entry.split,
    sources.LABEL_SEPARATOR.join(entry.labels),
    (entry.names + entry.videos)[0],
    sources.seconds_text(entry.start_s),
    "" if entry.end_s is None else sources.seconds_text(entry.end_s),
  ]


def describe(coverage: dict) -> str:
  """Returns one line about how much of a dataset is there."""
  parts = []
  for split, counts in coverage["splits"].items():
    classes = counts["classes"].values()
    empty = sum(not own["found"] for own in classes)
    parts.append(
      f"{split} {counts['found']} of {counts['official']} clips"
      + (f", {empty} of {len(classes)} classes without any" if empty else "")
    )
  number = coverage["dataset_split"]
  name = coverage["dataset"] + (f" split {number}" if number else "")
  return f"{name}: found {'; '.join(parts)}"
