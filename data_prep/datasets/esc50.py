"""ESC-50: meta/esc50.csv and audio/*.wav.

In split k the clips of fold k are for testing, all others for training.
Classes are in the order of `target`.
Source: the repository of the dataset; used by paper Sec. 4.1.
"""

import os
import pathlib

from ..prepare_records import splits
from . import official

NUM_SPLITS = 5
_COLUMNS = ("filename", "fold", "target", "category")


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what esc50.csv says of split `number`; see official.Definition."""
  lists = official.find_lists(annotations)
  path = official.only_list(lists, "esc50.csv")
  lines = official.Lines()
  targets: dict[str, int] = {}
  for place, cells in official.read_rows(path, lines, _COLUMNS):
    if problem := _problem(cells, targets):
      lines.refuse(place, problem)
      continue
    name, fold, target, category = cells
    targets[category] = int(target)
    stem = os.path.splitext(name)[0]
    split = splits.TEST if int(fold) == number else splits.TRAIN
    lines.add(official.Entry((category,), split, (stem,)), (stem,), place)
  lines.check()
  return official.OfficialList(
    lines.entries, sorted(targets, key=lambda name: targets[name])
  )


def _problem(cells, targets):
  """Returns what is wrong with a row; empty if nothing is."""
  name, fold, target, category = cells
  if not name or "/" in name:
    return f"`filename` ({name!r:.80}) must be a plain file name; mend it"
  if fold not in ("1", "2", "3", "4", "5"):
    return f"`fold` ({fold!r:.20}) must be 1 to 5; mend it"
  if not official.is_number(target):
    return f"`target` ({target!r:.20}) must be a whole number; mend it"
  is_new = category not in targets and int(target) not in targets.values()
  if not is_new and targets.get(category) != int(target):
    return (
      f"`target` {target} and `category` {category!r:.80} must go together in"
      " every row; mend it"
    )
  return official.label_problem(category)


DEFINITION = official.Definition("esc50", NUM_SPLITS, read)
