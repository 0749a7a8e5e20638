"""AudioSet: clips of several labels, from *_segments.csv.

The lists are balanced_train, unbalanced_train and eval.
Lines are `YTID, start_seconds, end_seconds, "mid,mid"` below lines that begin
with `#`. The names and the order of the classes are those of
class_labels_indices.csv (`index,mid,display_name`). Of the three lists only
those that are there count.

The publisher gives no files, so several habits of naming are known: `YTID` or
`YYTID`, the stretch or the whole video, told apart by its length; or `YTID`
and start and end in seconds or milliseconds, joined by `_`.
Source: the lists of the dataset's publisher; used by paper Sec. 4.1.
"""

import pathlib
import re

from . import official

_SPLITS = ("balanced_train", "unbalanced_train", "eval")
_ID = re.compile(r"[A-Za-z0-9_-]+")


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists say; see official.Definition."""
  del number  # there is one split
  lists = official.find_lists(annotations)
  lines = official.Lines()
  classes = _read_classes(
    official.only_list(lists, "class_labels_indices.csv"), lines
  )
  lines.check_problems()
  there = [name for name in _SPLITS if f"{name}_segments.csv" in lists]
  for split in there or _SPLITS[:1]:
    path = official.only_list(lists, f"{split}_segments.csv")
    for place, cells in official.read_rows(path, lines):
      if not cells[0].startswith("#"):
        _add(lines, place, cells, split, classes)
  lines.check()
  return official.OfficialList(lines.entries, list(classes.values()))


def _read_classes(path, lines):
  """Returns mid -> name of the class, in the order of the index."""
  rows = []
  names = set()
  mids = set()
  for place, (index, mid, name) in official.read_rows(
    path, lines, ("index", "mid", "display_name")
  ):
    problem = official.label_problem(name)
    if not official.is_number(index) or problem:
      lines.refuse(
        place, problem or f"`index` ({index!r:.20}) must be a number; mend it"
      )
    elif name in names or mid in mids:
      lines.refuse(
        place, f"{mid!r:.40}, {name!r:.80} stands twice; remove one of them"
      )
    else:
      names.add(name)
      mids.add(mid)
      rows.append((int(index), mid, name))
  return {mid: name for _, mid, name in sorted(rows)}


def _add(lines, place, cells, split, classes):
  mids = cells[3].split(",") if len(cells) == 4 else []
  mids = list(dict.fromkeys(mid.strip() for mid in mids))
  stretch = official.stretch(cells[1], cells[2]) if mids else None
  unknown = [mid for mid in mids if mid not in classes]
  if stretch is None or not _ID.fullmatch(cells[0]):
    lines.refuse(
      place,
      f'{", ".join(cells)!r:.80} must be `YTID, start, end, "mid,mid"` with'
      " start and end in seconds; mend it",
    )
  elif unknown:
    lines.refuse(
      place,
      f"label {unknown[0]!r:.40} must be in class_labels_indices.csv; add it",
    )
  else:
    start_s, end_s = stretch
    entry = official.Entry(
      tuple(classes[mid] for mid in mids),
      split,
      _names(cells[0], start_s, end_s),
      (cells[0], f"Y{cells[0]}"),
      start_s,
      end_s,
      may_be_cut=True,
    )
    lines.add(entry, (cells[0], start_s), place)


def _names(video, start_s, end_s):
  """Returns names of a file that holds just the stretch."""
  return (
    f"{video}_{int(start_s):06d}_{int(end_s):06d}",
    f"{video}_{start_s:g}_{end_s:g}",
    f"{video}_{start_s:.3f}_{end_s:.3f}",
    f"{video}_{round(1000 * start_s)}_{round(1000 * end_s)}",
  )


DEFINITION = official.Definition("audioset", 0, read)
