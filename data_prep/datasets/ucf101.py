"""UCF101: trainlist0{1,2,3}.txt, testlist0{1,2,3}.txt, classInd.txt.

A line is `Class/name.avi`, in the training lists with the number of the class
behind it. Classes are in the order of classInd.txt.
Source: the lists of UCF101TrainTestSplits-RecognitionTask; used by paper
Sec. 4.1.
"""

import os
import pathlib

from ..prepare_records import splits
from . import official

NUM_SPLITS = 3


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists of split `number` say; see official.Definition."""
  lists = official.find_lists(annotations)
  lines = official.Lines()
  numbers = _read_classes(official.only_list(lists, "classInd.txt"), lines)
  train = official.only_list(lists, f"trainlist{number:02d}.txt")
  test = official.only_list(lists, f"testlist{number:02d}.txt")
  lines.check_problems()
  for place, text in official.read_lines(train, lines):
    name, _, last = text.rpartition(" ")
    name = name.strip() or text
    _add(lines, place, name, splits.TRAIN, numbers)
    label = name.partition("/")[0]
    if label in numbers and last != numbers[label]:
      lines.refuse(
        place,
        f"class number {last!r:.20} must be {numbers[label]}, that of {label}"
        " in classInd.txt; mend it",
      )
  for place, text in official.read_lines(test, lines):
    _add(lines, place, text, splits.TEST, numbers)
  lines.check()
  return official.OfficialList(lines.entries, list(numbers))


def _read_classes(path, lines):
  """Returns class -> its number as text, in the order of the numbers."""
  numbers = {}
  for place, text in official.read_lines(path, lines):
    number, _, name = text.partition(" ")
    name = name.strip()
    problem = official.label_problem(name)
    if not official.is_number(number) or problem:
      lines.refuse(place, problem or f"{text!r:.80} must be `1 Class`; mend it")
    elif name in numbers or number in numbers.values():
      lines.refuse(place, f"{text!r:.80} stands twice; remove one of them")
    else:
      numbers[name] = number
  return dict(sorted(numbers.items(), key=lambda item: int(item[1])))


def _add(lines, place, name, split, numbers):
  label, _, file = name.partition("/")
  if not file or "/" in file or " " in file:
    lines.refuse(place, f"{name!r:.80} must be `Class/name.avi`; mend it")
  elif label not in numbers:
    lines.refuse(place, f"class {label!r:.80} must be in classInd.txt; add it")
  else:
    stem = os.path.splitext(file)[0]
    lines.add(official.Entry((label,), split, (stem,)), (label, stem), place)


DEFINITION = official.Definition("ucf101", NUM_SPLITS, read)
