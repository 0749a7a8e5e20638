"""YouCook2: youcookii_annotations_trainval.json, validation_youcook.csv.

The JSON is `database`: VIDEOID: `subset` (training, validation) and
`annotations`, each a `segment` of [start, end] in seconds and a `sentence`.
The csv has the columns video_id, start, end and text; its clips, 3,350 of
which MMV had 3,190, are what zero-shot retrieval is reported on, and where it
is there it alone says what the split `validate` is. A segment is a clip, its
sentence a caption of all of it; files are whole videos, `VIDEOID.mp4`.

Prepare it with --clip_seconds=300, longer than any segment: one that is cut
becomes several clips of the same sentence.
Source: the dataset's publisher, and the csv of MIL-NCE's released code; used
by MMV paper, appendix A.2.
"""

import pathlib
import re

from ..prepare_records import sources
from . import official

_JSON = "youcookii_annotations_trainval.json"
_CSV = "validation_youcook.csv"
_COLUMNS = ("video_id", "start", "end", "text")
_VALIDATE = "validate"
_SPLITS = {"training": "train", "validation": _VALIDATE}
_ID = re.compile(r"[A-Za-z0-9_-]+")


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists say; see official.Definition."""
  del number  # there is one split
  lists = official.find_lists(annotations)
  lines, unused = official.Lines(), 0
  has_csv = _CSV in lists
  if not has_csv:
    _read_json(official.only_list(lists, _JSON, _CSV), lines, has_csv)
  elif _JSON in lists:
    unused = _read_json(official.only_list(lists, _JSON), lines, has_csv)
  if has_csv:
    path = official.only_list(lists, _CSV)
    for place, (video, start, end, text) in official.read_rows(
      path, lines, _COLUMNS
    ):
      _add(lines, place, video, official.stretch(start, end), text, _VALIDATE)
  lines.check()
  return official.OfficialList(lines.entries, [], unused)


def _read_json(path, lines, has_csv):
  """Keeps the entries of the JSON; returns how many the csv replaces."""
  tree = official.read_json(path, lines)
  lines.check_problems()
  database = tree.get("database") if isinstance(tree, dict) else None
  if not isinstance(database, dict):
    lines.refuse(
      sources.printable(str(path)),
      "no `database`; give the list as distributed",
    )
    return 0
  unused = 0
  for video, fields in database.items():
    place = f"{sources.printable(str(path))} video {video!r:.40}"
    annotations = fields.get("annotations") if isinstance(fields, dict) else 0
    if (
      not isinstance(annotations, list)
      or str(fields.get("subset")) not in _SPLITS
    ):
      lines.refuse(
        place,
        "`subset` must be training or validation and `annotations` a list;"
        " give the list as distributed",
      )
    elif has_csv and _SPLITS[fields["subset"]] == _VALIDATE:
      unused += len(annotations)
    else:
      for index, annotation in enumerate(annotations):
        _add_annotation(
          lines, f"{place} annotation {index}", video, annotation, fields
        )
  return unused


def _add_annotation(lines, place, video, annotation, fields):
  annotation = annotation if isinstance(annotation, dict) else {}
  segment, text = annotation.get("segment"), annotation.get("sentence")
  is_pair = isinstance(segment, list) and len(segment) == 2
  stretch = official.stretch(*map(str, segment)) if is_pair else None
  split = _SPLITS[fields["subset"]]
  _add(
    lines, place, video, stretch, text if isinstance(text, str) else "", split
  )


def _add(lines, place, video, stretch, text, split):
  sentence = text.strip() if official.is_text(text) else ""
  if not _ID.fullmatch(video) or stretch is None or not sentence:
    lines.refuse(
      place,
      f"video {video!r:.40} must be letters, digits, - and _, and have a start"
      f" and an end above it in seconds and a sentence ({sentence!r:.40});"
      " mend it",
    )
    return
  start_s, end_s = stretch
  entry = official.Entry(
    (),
    split,
    videos=(video,),
    start_s=start_s,
    end_s=end_s,
    sentences=(sentence,),
  )
  lines.add(entry, (video, start_s), place)


DEFINITION = official.Definition("youcook2", 0, read, official.captions_of_all)
