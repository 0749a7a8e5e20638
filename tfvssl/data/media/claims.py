"""When the streams of a file end, by what the file itself says of each.

ffmpeg tells the length of the longest stream only. MP4 and AVI hold the length
of every stream in their headers, Ogg in its last pages; of Matroska's, ffmpeg
prints the tags.
"""

from collections.abc import Iterator
import pathlib
import re
import struct
from typing import BinaryIO

_KINDS = {
  b"vide": "video",
  b"soun": "audio",
  b"vids": "video",
  b"auds": "audio",
}
_LAST_PAGES = 1 << 18  # bytes at the end of an Ogg file
_MOST_BOXES = 1000  # of one level, so that a damaged file takes no time
# Containers of one sound whose header counts the samples.
_COUNTED = ("wav", "w64", "flac", "aiff")


def ends(
  path: str | pathlib.Path,
  format_name: str,
  text: str,
  audio_number: int = 0,
) -> dict[str, float]:
  """Returns the end of the stream of a kind, `video` or `audio`.

  In seconds of the file's own time, whose beginning need not be 0. A kind is
  left out where the file does not say, or where its headers make no sense.

  Args:
    path: the file.
    format_name: of its demuxer, as ffmpeg prints it.
    text: what ffmpeg prints of the input.
    audio_number: which of the audio streams, from 0; of others the first.
  """
  if format_name.startswith("matroska"):
    return _first(_of_tags(text), audio_number)
  parse = {"mov": _of_mp4, "avi": _of_avi, "ogg": _of_ogg}.get(
    format_name.split(",")[0]
  )
  if parse is None:
    return {}
  try:
    with open(path, "rb") as file:
      return _first(parse(file), audio_number)
  except (OSError, struct.error, ZeroDivisionError):
    return {}


def _first(found, audio_number):
  """Returns the first end of a kind; that of audio from a stream on."""
  ends_s = {}
  for kind, seconds in found:
    if kind == "audio" and audio_number:
      audio_number -= 1
    elif kind and seconds > 0:
      ends_s.setdefault(kind, seconds)
  return ends_s


def counts_samples(format_name: str) -> bool:
  """Returns if the length of such a file is exact, not an estimate."""
  return format_name in _COUNTED


def _of_tags(text):
  """Yields kinds and ends by Matroska's tags; old ones outlive a cut."""
  for part in re.split(r"Stream #0:\d+", text)[1:]:
    kind = re.match(r".*?: (Video|Audio): ", part)
    tag = re.search(r"\bDURATION(?:-\w+)? *: (\d+):(\d+):([\d.]+)", part)
    if kind:
      hours, minutes, seconds = map(float, tag.groups() if tag else (0, 0, 0))
      yield kind[1].lower(), 3600 * hours + 60 * minutes + seconds


def _of_mp4(file: BinaryIO) -> Iterator[tuple[str, float]]:
  """Yields the kind and the end of every track."""
  for movie in _named(file, b"moov", 0, file.seek(0, 2)):
    scale = 0
    for name, begin, end in _boxes(file, *movie):
      if name == b"mvhd":
        scale = _scale_and_length(file, begin)[0]
      elif name == b"trak":
        yield _track(file, begin, end, scale)


def _track(file, begin, end, movie_scale):
  """Returns the kind of a track and when it ends."""
  kind, media_s, shown_s = "", 0.0, 0.0
  for edits in _named(file, b"edts", begin, end):
    for start, _ in _named(file, b"elst", *edits):
      shown_s = _edits(file, start) / movie_scale
  for media in _named(file, b"mdia", begin, end):
    for start, _ in _named(file, b"mdhd", *media):
      scale, length = _scale_and_length(file, start)
      media_s = length / scale
    for start, _ in _named(file, b"hdlr", *media):
      kind = _KINDS.get(_read(file, start + 8, 4), "")
  return kind, shown_s or media_s


def _named(file, wanted, begin, end):
  """Yields (begin, end) of the contents of the boxes of one name."""
  for name, start, stop in _boxes(file, begin, end):
    if name == wanted:
      yield start, stop


def _boxes(file, begin, end):
  """Yields (name, begin, end) of the contents of the boxes of a stretch."""
  for _ in range(_MOST_BOXES):
    if begin + 8 > end:
      return
    size, name = struct.unpack(">I4s", _read(file, begin, 8))
    head = 8
    if size == 1:
      size, head = struct.unpack(">Q", _read(file, begin + 8, 8))[0], 16
    elif size == 0:
      size = end - begin
    if size < head:
      return
    yield name, begin + head, min(begin + size, end)
    begin += size


def _scale_and_length(file, begin):
  """Returns ticks a second and the ticks of an mvhd or mdhd box."""
  if _read(file, begin, 1) == b"\1":
    return struct.unpack(">IQ", _read(file, begin + 20, 12))
  return struct.unpack(">II", _read(file, begin + 12, 8))


def _edits(file, begin):
  """Returns the ticks that all edits of a list show; 0 where one is open."""
  version, count = struct.unpack(">B3xI", _read(file, begin, 8))
  layout, size = (">Q12x", 20) if version else (">I8x", 12)
  lengths = [
    struct.unpack(layout, _read(file, begin + 8 + size * k, size))[0]
    for k in range(min(count, _MOST_BOXES))
  ]
  return sum(lengths) if all(lengths) else 0


def _of_avi(file: BinaryIO) -> Iterator[tuple[str, float]]:
  """Yields the kind and the end of every stream."""
  if _read(file, 8, 4) != b"AVI ":
    return
  size, kind = struct.unpack("<I4s", _read(file, 16, 8))
  if kind != b"hdrl":
    return
  for name, begin, end in _chunks(file, 24, 20 + size):
    if name == b"LIST" and _read(file, begin, 4) == b"strl":
      for name, start, _ in _chunks(file, begin + 4, end):
        if name == b"strh":
          kind = _KINDS.get(_read(file, start, 4), "")
          scale, rate, first, length = struct.unpack(
            "<4I", _read(file, start + 20, 16)
          )
          # An index whose sample size is a lie makes nonsense of the sound's.
          if kind == "video":
            yield kind, (first + length) * scale / rate


def _of_ogg(file: BinaryIO) -> Iterator[tuple[str, float]]:
  """Yields the end of Theora's pictures, by the last of their pages."""
  head = _read(file, 0, 4096)
  place = head.find(b"\x80theora")
  page = head.rfind(b"OggS", 0, max(place, 0))
  if page < 0 or place + 42 > len(head):
    return
  rate, scale = struct.unpack(">II", head[place + 22 : place + 30])
  shift = (struct.unpack(">H", head[place + 40 : place + 42])[0] >> 5) & 31
  serial = head[page + 14 : page + 18]
  file.seek(max(0, file.seek(0, 2) - _LAST_PAGES))
  tail = file.read()
  at = len(tail)
  while (at := tail.rfind(b"OggS", 0, at)) >= 0:
    granule, owner = struct.unpack("<q4s", tail[at + 6 : at + 18])
    if owner == serial and granule >= 0:
      frames = (granule >> shift) + (granule & ((1 << shift) - 1))
      yield "video", frames * scale / rate
      return


def _chunks(file, begin, end):
  for _ in range(_MOST_BOXES):
    if begin + 8 > end:
      return
    name, size = struct.unpack("<4sI", _read(file, begin, 8))
    yield name, begin + 8, min(begin + 8 + size, end)
    begin += 8 + size + size % 2


def _read(file, begin, size):
  file.seek(begin)
  content = file.read(size)
  if len(content) < size:
    raise struct.error("the file ends")
  return content
