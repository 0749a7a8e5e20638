"""HMDB51: ACTION_test_split{1,2,3}.txt, lines `name.avi 0|1|2`.

1 is for training, 2 for testing, 0 is in neither. Videos lie in ACTION/
folders. Classes are the sorted actions.
Source: the lists of testTrainMulti_7030_splits; used by paper Sec. 4.1.
"""

import os
import pathlib
import re

from ..prepare_records import splits
from . import official

NUM_SPLITS = 3
_LIST = re.compile(r"(.+)_test_split([1-3])\.txt", re.DOTALL)
_SPLITS = {"1": splits.TRAIN, "2": splits.TEST}


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists of split `number` say; see official.Definition."""
  lists = official.find_lists(annotations)
  actions = sorted(
    {match[1] for name in lists if (match := _LIST.fullmatch(name))}
  )
  if not actions:
    raise FileNotFoundError(
      f"`--annotations` ({annotations}) holds no ACTION_test_split{number}.txt;"
      " give the folder of the dataset's official lists, as distributed."
    )
  lines, unused = official.Lines(), 0
  for action in actions:
    if problem := official.label_problem(action):
      lines.refuse("the name of a list", problem)
  lines.check_problems()
  for action in actions:
    path = official.only_list(lists, f"{action}_test_split{number}.txt")
    for place, text in official.read_lines(path, lines):
      unused += _add(lines, place, text, action)
  lines.check()
  return official.OfficialList(lines.entries, actions, unused)


def _add(lines, place, text, action):
  """Keeps the entry of a line; returns 1 for a clip of neither side."""
  name, _, group = text.rpartition(" ")
  name = name.strip()
  if not name or group not in ("0", "1", "2"):
    lines.refuse(place, f"{text!r:.80} must be `name.avi 0|1|2`; mend it")
  elif "/" in name:
    lines.refuse(place, f"{name!r:.80} must be a plain file name; mend it")
  elif group == "0":
    return 1
  else:
    stem = os.path.splitext(name)[0]
    entry = official.Entry((action,), _SPLITS[group], (stem,))
    lines.add(entry, (action, stem), place)
  return 0


DEFINITION = official.Definition("hmdb51", NUM_SPLITS, read)
