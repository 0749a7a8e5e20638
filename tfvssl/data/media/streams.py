"""Reads video and audio files: what is in them, their pictures, their sound."""

from collections.abc import Iterator
import os
import pathlib

import numpy as np

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header
from tfvssl.data.media import picture_rules
from tfvssl.data.media import pictures
from tfvssl.data.media import sound
from tfvssl.data.media import stretch

MAX_SIDE = 65_500  # of a JPEG

MEDIA_SUFFIXES = header.MEDIA_SUFFIXES
MAX_PIXELS = header.MAX_PIXELS
MediaInfo = header.MediaInfo
MEDIA_RULES = picture_rules.VERSION
MediaError = ffmpeg.MediaError
ffmpeg_version = ffmpeg.version
probe = header.probe


def list_files(folder: str | pathlib.Path) -> list[pathlib.Path]:
  """Returns every regular file under `folder` in a fixed order.

  A link counts when it leads to a regular file; linked folders are not
  entered. Pipes, sockets and devices are left out: opening them may block.
  """
  found = []
  for root, _, names in os.walk(folder):
    found += [
      path for name in names if (path := pathlib.Path(root, name)).is_file()
    ]
  return sorted(found, key=os.fsencode)


def refusal(path: str | pathlib.Path, root: str | pathlib.Path) -> str:
  """Returns why a file below the real folder `root` is not opened, or nothing.

  Both as a reason for a report: a link may lead to what was not given.
  """
  if os.path.commonpath([os.path.realpath(path), root]) == str(root):
    return ""
  return (
    "a link to a file outside the input folder; copy the file or give its"
    " real folder"
  )


def is_named_as_media(path: str | pathlib.Path) -> bool:
  """Returns whether a file has a suffix of video or sound."""
  return os.path.splitext(path)[1].lower() in MEDIA_SUFFIXES


def is_media(path: str | pathlib.Path) -> bool:
  """Returns whether a file is video or sound by its content, not its name."""
  try:
    info = probe(path)
  except (MediaError, OSError):
    return False
  return info.has_video or info.has_audio


def scaled_size(info: MediaInfo, short_side: int | None) -> tuple[int, int]:
  """Returns (height, width) with the short side brought to `short_side`."""
  if short_side is None:
    return info.height, info.width
  scale = short_side / min(info.height, info.width)
  return round(info.height * scale), round(info.width * scale)


def stream_frames(
  path: str | pathlib.Path,
  info: MediaInfo,
  *,
  start_s: float = 0.0,
  duration_s: float | None = None,
  frame_rate_hz: float = 25.0,
  short_side: int | None = 256,
  max_pixels: int = MAX_PIXELS,
  budget_s: float | None = None,
  remarks: list[str] | None = None,
) -> Iterator[np.ndarray]:
  """Yields frames uint8 [H, W, 3] at a constant rate, resampled by time.

  Frame i is the picture shown at `start_s + i / frame_rate_hz` of the file's
  own clock; where the video starts after the audio its first picture is held.
  Rotation is honoured, frames have square pixels, and what is marked as
  interlaced is deinterlaced; see docs/media.md. Whatever was yielded is
  only good when the iterator ends without an error.

  Args:
    path: the file.
    info: what `probe` said of it.
    start_s: where to start, in seconds.
    duration_s: how long, in seconds; None for the rest of the file.
    frame_rate_hz: of the frames that are yielded.
    short_side: the frames' short side in pixels; None for their own size.
    max_pixels: of one picture, before and after scaling.
    budget_s: how long ffmpeg may make the reader wait, in all; None for ten
      times the duration and at least 30 s.
    remarks: what is worth a line in a report is added: a change of the
      pictures' size, an end before the expected one.

  Raises:
    MediaError: `no_video`, `no_frames`, `no_decoder`, `damaged`, `truncated`,
      `too_large` or `timeout`.
  """
  size = _frame_size(info, short_side, max_pixels)
  wanted = stretch.Stretch("video", frame_rate_hz, start_s, duration_s)
  return pictures.stream(
    path,
    info,
    wanted,
    size,
    max_pixels=max_pixels,
    budget_s=_budget(budget_s, info, duration_s),
    remarks=[] if remarks is None else remarks,
  )


def _frame_size(info, short_side, max_pixels):
  """Returns (height, width) of the frames; raises where there can be none."""
  if not info.has_video:
    raise MediaError("no_video", "the file has no video stream")
  height, width = scaled_size(info, short_side)
  if height * width > max_pixels or max(height, width) > MAX_SIDE:
    raise MediaError(
      "too_large",
      f"{info.width}x{info.height} becomes {width}x{height} pixels at short"
      f" side {short_side}, at most {max_pixels} in all",
    )
  return height, width


def stream_audio(
  path: str | pathlib.Path,
  info: MediaInfo,
  *,
  start_s: float = 0.0,
  duration_s: float | None = None,
  sample_rate_hz: int = 48_000,
  chunk_samples: int = 480_000,
  budget_s: float | None = None,
  remarks: list[str] | None = None,
) -> Iterator[np.ndarray]:
  """Yields the sound in chunks, int16 [chunk_samples], the last one shorter.

  Mono: of two channels the mean, of more ffmpeg's mix (docs/media.md). Sample
  i is heard at `start_s + i / sample_rate_hz` of the file's own clock, also
  behind a change of channels or rate; where the sound starts late or has a gap
  there are zeros. Arguments as in `stream_frames`.

  Raises:
    MediaError: `no_audio`, `no_decoder`, `damaged`, `truncated` or `timeout`.
  """
  if not info.has_audio:
    raise MediaError("no_audio", "the file has no audio stream")
  return sound.stream(
    path,
    info,
    stretch.Stretch("audio", sample_rate_hz, start_s, duration_s),
    chunk_samples=chunk_samples,
    budget_s=_budget(budget_s, info, duration_s),
    remarks=[] if remarks is None else remarks,
  )


def decode_frames(
  path: str | pathlib.Path,
  *,
  start_s: float = 0.0,
  duration_s: float | None = None,
  frame_rate_hz: float = 25.0,
  short_side: int | None = 256,
) -> np.ndarray:
  """Returns the frames of `stream_frames` as uint8 [T, H, W, 3]."""
  return np.stack(
    list(
      stream_frames(
        path,
        probe(path),
        start_s=start_s,
        duration_s=duration_s,
        frame_rate_hz=frame_rate_hz,
        short_side=short_side,
      )
    )
  )


def decode_audio(
  path: str | pathlib.Path,
  *,
  start_s: float = 0.0,
  duration_s: float | None = None,
  sample_rate_hz: int = 48_000,
) -> np.ndarray:
  """Returns the sound of `stream_audio` as int16 [N]."""
  return np.concatenate(
    list(
      stream_audio(
        path,
        probe(path),
        start_s=start_s,
        duration_s=duration_s,
        sample_rate_hz=sample_rate_hz,
      )
    )
  )


def _budget(budget_s, info, duration_s):
  if budget_s is not None:
    return budget_s
  known = duration_s if duration_s is not None else info.duration_s
  return max(30.0, 10.0 * (known or 60.0))
