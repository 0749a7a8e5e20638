"""HowTo100M: HowTo100M_v1.csv, and one csv of captions for every video.

The first lists the videos (`video_id`; other columns are not read). The
captions of one are in VIDEOID.csv with the columns start, end, text, in
seconds of the video; one without is a video without text. Without
HowTo100M_v1.csv the videos that have captions count. Files are whole videos,
`VIDEOID.mp4`; all are for training and none has a label. caption.json, which
holds the captions of all 1.2 million videos, is not read.

Captions overlap; those that last no time or have no words are left out and
counted.
Source: the README of the lists; used by MMV paper Sec. 4.1.
"""

import math
import pathlib
import re

from tfvssl.data.records import encoded_clip

from ..prepare_records import sources
from ..prepare_records import splits
from . import official

_LIST = "HowTo100M_v1.csv"
_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_COLUMNS = ("start", "end", "text")


def read(annotations: pathlib.Path, number: int) -> official.OfficialList:
  """Returns what the lists say; see official.Definition."""
  del number  # there is one split
  lists = official.find_lists(annotations)
  captions = {
    name.removesuffix(".csv"): official.only_list(lists, name)
    for name in sorted(lists)
    if name.endswith(".csv") and _ID.fullmatch(name.removesuffix(".csv"))
  }
  lines = official.Lines()
  if _LIST in lists:
    videos = _listed(official.only_list(lists, _LIST), lines)
  elif captions:
    videos = dict.fromkeys(captions, "")
  else:
    raise FileNotFoundError(
      f"`--annotations` ({annotations}) holds neither {_LIST} nor captions"
      " named VIDEOID.csv; give the folder of the dataset's official lists, as"
      " distributed."
    )
  for video, place in videos.items():
    entry = official.Entry(
      (), splits.TRAIN, (video,), captions_file=captions.get(video)
    )
    lines.add(entry, (video,), place)
  lines.check()
  return official.OfficialList(lines.entries, [])


def _listed(path, lines):
  """Returns video -> place; a video of two tasks is listed twice."""
  videos = {}
  for place, (video,) in official.read_rows(path, lines, ("video_id",)):
    if _ID.fullmatch(video):
      videos.setdefault(video, place)
    else:
      lines.refuse(
        place,
        f"`video_id` ({video!r:.40}) must be eleven letters, digits, - and _;"
        " mend it",
      )
  return videos


def captions(
  entry: official.Entry, lines: official.Lines
) -> tuple[encoded_clip.Caption, ...]:
  """Returns the captions of a video; see official.Definition."""
  if entry.captions_file is None:
    return ()
  found = []
  for place, (start, end, text) in official.read_rows(
    entry.captions_file, lines, _COLUMNS
  ):
    try:
      start_s, end_s = float(start), float(end)
    except ValueError:
      start_s = end_s = math.nan
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
      lines.refuse(
        place,
        f"`start` ({start!r:.20}) and `end` ({end!r:.20}) must be seconds;"
        " mend the line or remove the file, its video then has no captions",
      )
    elif 0 <= start_s < min(end_s, sources.MAX_SECONDS) and text:
      found.append(encoded_clip.Caption(text, start_s, end_s))
    else:
      lines.left_out += 1
  return tuple(sorted(found, key=lambda caption: caption[1:]))


DEFINITION = official.Definition("howto100m", 0, read, captions)
