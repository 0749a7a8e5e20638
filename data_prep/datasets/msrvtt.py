"""MSR-VTT: MSRVTT_JSFUSION_test.csv, *videodatainfo*.json.

The csv (columns video_id and sentence) holds the 1,000 pairs on which
zero-shot retrieval is reported; where it is there it alone says what the split
`test` is. The JSON files have `videos` (`video_id`, `split`: train, validate
or test) and `sentences` (`video_id`, `caption`), twenty a video. Sentences are
captions of the whole file, `VIDEOID.mp4`, which the publisher has cut already.

Prepare it with --clip_seconds=60, longer than any clip: one that is cut
becomes several clips of the same sentences.
Source: the dataset's publisher and its 1k-A split; used by MMV paper,
appendix A.2.
"""

import pathlib
import re

from ..prepare_records import sources
from ..prepare_records import splits
from . import official

_CSV = "MSRVTT_JSFUSION_test.csv"
_JSON = re.compile(r".*videodatainfo.*\.json")
_COLUMNS = ("video_id", "sentence")
_SPLITS = ("train", "validate", "test")
_ID = re.compile(r"[A-Za-z0-9_-]+")


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists say; see official.Definition."""
  del number  # there is one split
  lists = official.find_lists(annotations)
  names = [name for name in sorted(lists) if _JSON.fullmatch(name)]
  lines, unused = official.Lines(), 0
  if not names or _CSV in lists:
    _read_csv(official.only_list(lists, _CSV, "videodatainfo.json"), lines)
  for name in names:
    path = official.only_list(lists, name)
    unused += _read_json(path, lines, has_csv=_CSV in lists)
  lines.check()
  return official.OfficialList(lines.entries, [], unused)


def _read_csv(path, lines):
  for place, (video, sentence) in official.read_rows(path, lines, _COLUMNS):
    _add(lines, place, video, splits.TEST, [sentence])


def _read_json(path, lines, has_csv):
  """Keeps the entries of a JSON; returns how many the csv replaces."""
  tree = official.read_json(path, lines)
  lines.check_problems()
  videos, sentences = (
    _dictionaries(tree, name) for name in ("videos", "sentences")
  )
  if videos is None or sentences is None:
    lines.refuse(
      sources.printable(str(path)),
      "`videos` and `sentences` must be lists of objects; give the list as"
      " distributed",
    )
    return 0
  captions = {}
  for sentence in sentences:
    captions.setdefault(str(sentence.get("video_id")), []).append(
      sentence.get("caption")
    )
  unused = 0
  for index, fields in enumerate(videos):
    video, split = str(fields.get("video_id")), fields.get("split")
    if has_csv and split == splits.TEST:
      unused += 1
    else:
      place = f"{sources.printable(str(path))} `videos` {index}"
      _add(lines, place, video, split, captions.get(video, []))
  return unused


def _dictionaries(tree, name):
  """Returns the list of objects `name`, None if it is none."""
  found = tree.get(name) if isinstance(tree, dict) else None
  if isinstance(found, list) and all(isinstance(x, dict) for x in found):
    return found
  return None


def _add(lines, place, video, split, captions):
  sentences = tuple(
    dict.fromkeys(
      text.strip()
      for text in captions
      if isinstance(text, str) and text.strip()
    )
  )
  if not _ID.fullmatch(video) or split not in _SPLITS or not sentences:
    lines.refuse(
      place,
      f"`video_id` ({video!r:.40}) must be letters, digits, - and _, `split`"
      f" ({split!r:.20}) train, validate or test, and it must have a sentence;"
      " mend it",
    )
  elif not all(map(official.is_text, sentences)):
    lines.refuse(place, "a sentence is not text in UTF-8; mend it")
  else:
    entry = official.Entry((), split, (video,), sentences=sentences)
    lines.add(entry, (video,), place)


DEFINITION = official.Definition("msrvtt", 0, read, official.captions_of_all)
