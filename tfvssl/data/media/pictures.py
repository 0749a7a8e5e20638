"""The pictures of a stretch, each for as long as it is shown."""

from collections.abc import Iterator
import pathlib
import re

import numpy as np

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header
from tfvssl.data.media import stretch

# The same pictures on every machine.
SCALE_FLAGS = "bicubic+accurate_rnd+full_chroma_int+bitexact"
# Setpts prints the number of the first frame of every filter graph.
_FIRST = re.compile(r"^(?:\[Eval @ \w+\] )?\[info\] (-?\d+)\.0+$", re.MULTILINE)
_FORMAT = re.compile(r"\[verbose\] w:(\d+) h:(\d+) pixfmt:")
# A chunk of a recorder that says: nothing new. MPEG-4 needs a few bytes.
_EMPTY_BYTES = 16


def stream(
  path: str | pathlib.Path,
  info: header.MediaInfo,
  wanted: stretch.Stretch,
  size: tuple[int, int],
  *,
  max_pixels: int,
  budget_s: float,
  remarks: list[str],
) -> Iterator[np.ndarray]:
  """Yields frames uint8 [H, W, 3]; see `streams.stream_frames`.

  Args:
    path: the file.
    info: what `probe` said of it.
    wanted: the stretch.
    size: (height, width) of the frames.
    max_pixels: of one picture.
    budget_s: how long ffmpeg may make the reader wait, in all.
    remarks: what is worth a line in a report is added.
  """
  stretch.check_start(wanted, info)
  for place in wanted.places(info):
    with ffmpeg.Decoder(
      path,
      place.args,
      [
        *_output(wanted, place, size, info.look),
        *stretch.other_stream(wanted, info, place.lead / wanted.rate_hz),
      ],
      budget_s=budget_s + place.budget_s(wanted),
      max_pixels=max_pixels,
    ) as decoder:
      first = decoder.read(size[0] * size[1] * 3)
      if not place.is_beginning and _is_late(first, decoder.said(), place):
        continue
      count = 0
      for frame in _within(_frames(first, decoder, size), wanted, info):
        count += 1
        yield frame
      log = decoder.close()
      break
  stretch.check_faults(path, info, wanted, log, decoder.return_code)
  if not count:
    raise stretch.no_content(wanted, info)
  if stretch.missing_s(wanted, info, count) and _ends_empty(
    path, wanted, info, count
  ):
    for _ in range(stretch.wanted_count(wanted, info) - count):
      count += 1
      yield frame
  remarks += info.look.remarks(log)
  _note_changes(log, place, wanted, remarks)
  stretch.check_end(wanted, info, count, remarks)


def _is_late(first, said, place):
  """Returns if the pictures begin behind the stretch's start."""
  shown = _FIRST.search(said)
  return not first or shown is None or int(shown[1]) > place.lead


def _output(wanted, place, size, look):
  """Returns ffmpeg's arguments for raw frames of this size and rate.

  The frames' numbers count from where the reading starts. ffmpeg itself fills
  the time in front of the first picture of a filter graph, and there is a new
  graph wherever the stream changes its size.
  """
  end = "" if wanted.count is None else f":end_pts={place.lead + wanted.count}"
  matrix = ":in_color_matrix=bt709" if look.is_read_as_709 else ""
  height, width = size
  return [
    "-map",
    "0:V:0",
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgb24",
    "-vf",
    f"fps={wanted.rate_hz},{look.filters(wanted.rate_hz)}"
    f"trim=start_pts={place.lead}{end},"
    f"setpts='if(N,PTS,print(PTS))-{place.lead}',"
    f"scale={width}:{height}:flags={SCALE_FLAGS}{matrix}",
    "pipe:1",
  ]


def _frames(first, decoder, size):
  raw, length = first, size[0] * size[1] * 3
  while len(raw) == length:
    yield np.frombuffer(raw, np.uint8).reshape(*size, 3)
    raw = decoder.read(length)


def _within(frames, wanted, info):
  """Yields the frames, without a last one that is held too long.

  How long the last picture stands is a guess of ffmpeg's, so that it ends with
  the stream; what changes behind that is shown.
  """
  end = stretch.claimed_count(wanted, info)
  previous, held = None, 0
  for number, frame in enumerate(frames):
    if number >= end and previous is not None:
      if np.array_equal(frame, previous):
        held += 1
        continue
      for _ in range(held):
        yield previous
      held = 0
    previous = frame
    yield frame


def _ends_empty(path, wanted, info, count):
  """Returns if only empty packets follow, up to the end that is claimed.

  Ogg claims what its last page says, so that its end is there; some versions
  of ffmpeg leave its empty packets out.
  """
  if info.format_name == "ogg":
    return True
  end_s = wanted.start_s + count / wanted.rate_hz
  reached_s = 0.0
  with ffmpeg.Decoder(
    path,
    (),
    ("-map", "0:V:0", "-c", "copy", "-copyinkf", "-f", "framecrc", "pipe:1"),
    budget_s=60.0,
    max_pixels=header.MAX_PIXELS,
  ) as decoder:
    table = decoder.read(1 << 28).decode("utf-8", "replace")
    decoder.close()
  base = re.search(r"#tb 0: (\d+)/(\d+)", table)
  for line in table.splitlines() if base else ():
    cells = line.split(",")
    if line.startswith("#") or len(cells) < 6 or not cells[2].strip().isdigit():
      continue
    time, length, size = (int(cell) for cell in cells[2:5])
    seconds = (time + length) * int(base[1]) / int(base[2])
    if seconds > end_s + 0.5 / wanted.rate_hz and size > _EMPTY_BYTES:
      return False
    reached_s = max(reached_s, seconds)
  shown = round((reached_s - wanted.start_s) * wanted.rate_hz)
  return not stretch.missing_s(wanted, info, shown)


def _note_changes(log, place, wanted, remarks):
  """Adds a remark for every change of size; frames are scaled to the first."""
  starts = [int(number) for number in _FIRST.findall(log)]
  formats = _FORMAT.findall(log)
  if len(starts) != len(formats):
    starts = [place.lead] * len(formats)
  before = None
  for start, size in zip(starts, formats, strict=True):
    if before is not None and size != before:
      seconds = wanted.start_s + (start - place.lead) / wanted.rate_hz
      remarks.append(
        f"pictures change at {seconds:.2f} s from {'x'.join(before)} to"
        f" {'x'.join(size)}"
      )
    before = size
