"""PASCAL VOC 2007: CLASS_trainval.txt and CLASS_test.txt, lines `id -1|0|1`.

1 stands for an image of the class, 0 for one in which only objects that are
hard to see are of it, which counts neither for nor against the class: its
label is `difficult:CLASS`. The split `train` is trainval. Files are still
pictures, JPEGImages/000005.jpg.
Source: ImageSets/Main of the development kit; used by MMV paper Sec. 4.1.
"""

import pathlib
import re

from tfvssl import views

from ..prepare_records import sources
from ..prepare_records import splits
from . import official

_LIST = re.compile(r"([a-z]+)_(trainval|test)\.txt")
_SPLITS = {"trainval": splits.TRAIN, "test": splits.TEST}
_ID = re.compile(r"[0-9]{6}")
_PREFIXES = {"1": "", "0": views.DIFFICULT}


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists say; see official.Definition."""
  del number  # there is one split
  lists = official.find_lists(annotations)
  classes = sorted({m[1] for name in lists if (m := _LIST.fullmatch(name))})
  if not classes:
    raise FileNotFoundError(
      f"`--annotations` ({annotations}) holds no CLASS_trainval.txt; give the"
      " folder of the dataset's official lists, as distributed."
    )
  lines = official.Lines()
  for side, split in _SPLITS.items():
    _add_side(lists, side, split, classes, lines)
  lines.check()
  difficult = [views.DIFFICULT + name for name in classes]
  return official.OfficialList(lines.entries, classes + difficult)


def _add_side(lists, side, split, classes, lines):
  """Keeps the images of one side, with the labels of all lists."""
  labels, places = {}, {}
  for name in classes:
    path = official.only_list(lists, f"{name}_{side}.txt")
    signs = _read_signs(path, lines, places)
    if labels and signs.keys() != labels.keys():
      other = min(signs.keys() ^ labels.keys())
      lines.refuse(
        sources.printable(str(path)),
        f"the lists of {side} must name the same images, but {other} is not in"
        " all of them; give them as distributed",
      )
    for image, sign in signs.items():
      own = labels.setdefault(image, [])
      if sign in _PREFIXES:
        own.append(_PREFIXES[sign] + name)
  for image, own in labels.items():
    entry = official.Entry(tuple(own), split, (image,))
    lines.add(entry, (image,), places[image])


def _read_signs(path, lines, places):
  """Returns image -> sign of a list; `places` gets where it stands."""
  signs = {}
  for place, text in official.read_lines(path, lines):
    image, _, sign = text.partition(" ")
    sign = sign.strip()
    if not _ID.fullmatch(image) or sign not in ("-1", "0", "1"):
      lines.refuse(place, f"{text!r:.40} must be `id -1|0|1`; mend it")
    elif image in signs:
      lines.refuse(place, f"{image} stands twice; remove one of them")
    else:
      signs[image] = sign
      places.setdefault(image, place)
  return signs


DEFINITION = official.Definition("voc2007", 0, read, images=True)
