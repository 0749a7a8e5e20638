"""Kinetics-400, -600 and -700: train.csv, validate.csv (val.csv), test.csv.

Columns label, youtube_id, time_start, time_end, split, perhaps is_cc; a list
of test clips may lack `label`. Files are `YOUTUBEID_000012_000022.mp4`, one
clip each, or whole videos `YOUTUBEID.mp4`, of which the stretch is cut. Of the
three lists only those that are there count. Classes are the sorted labels.
Source: the lists of the dataset's publisher; used by paper Sec. 4.1.
"""

import pathlib
import re

from . import official

_LISTS = (("train.csv",), ("validate.csv", "val.csv"), ("test.csv",))
_COLUMNS = ("?label", "youtube_id", "time_start", "time_end", "?split")
_SPLITS = {
  "train": "train",
  "val": "validate",
  "validate": "validate",
  "validation": "validate",
  "test": "test",
}
_ID = re.compile(r"[A-Za-z0-9_-]+")
# What a spreadsheet made of ids that begin with `-`, in published lists.
_LOST_ID = "#NAME?"


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists say; see official.Definition."""
  del number  # there is one split
  lists = official.find_lists(annotations)
  there = [names for names in _LISTS if any(name in lists for name in names)]
  lines = official.Lines()
  for names in there or _LISTS[:1]:
    path = official.only_list(lists, *names)
    for place, cells in official.read_rows(path, lines, _COLUMNS):
      _add(lines, place, cells, path.stem)
  lines.check()
  classes = {label for entry in lines.entries for label in entry.labels}
  return official.OfficialList(lines.entries, sorted(classes))


def _add(lines, place, cells, file):
  """Keeps the entry of a row; the list's name stands for an absent split."""
  label, video, start, end, split = cells
  stretch = official.stretch(start, end)
  problem = official.label_problem(label) if label else ""
  if problem:
    lines.refuse(place, problem)
  elif video != _LOST_ID and not _ID.fullmatch(video):
    lines.refuse(
      place,
      f"`youtube_id` ({video!r:.40}) must be letters, digits, - and _; mend it",
    )
  elif stretch is None:
    lines.refuse(
      place,
      f"`time_start` ({start!r:.20}) and `time_end` ({end!r:.20}) must be"
      " seconds, the end above the start; mend it",
    )
  elif (split or file) not in _SPLITS:
    lines.refuse(
      place,
      f"`split` ({split!r:.20}) must be train, val, validate, validation or"
      " test; mend it",
    )
  else:
    start_s, end_s = stretch
    entry = official.Entry(
      (label,) if label else (),
      _SPLITS[split or file],
      (f"{video}_{int(start_s):06d}_{int(end_s):06d}",),
      (video,),
      start_s,
      end_s,
    )
    key = (place,) if video == _LOST_ID else (video, start_s)
    lines.add(entry, key, place)


DEFINITION = official.Definition("kinetics", 0, read)
