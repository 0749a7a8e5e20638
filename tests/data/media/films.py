"""Films that tell their own time: brightness and tone say the second."""

import pathlib
import subprocess

import numpy as np

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header
from tfvssl.data.media import streams

STEP = 7  # of luma for a second
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "12", "-bf", "2")
MPEG2 = ("-c:v", "mpeg2video", "-qscale:v", "2", "-bf", "2")


def run(*args: str | pathlib.Path) -> None:
  """Runs ffmpeg."""
  subprocess.run(
    [ffmpeg.path(), "-v", "error", "-y", *map(str, args)],
    check=True,
    timeout=60,
  )


def make(
  path: pathlib.Path,
  *args: str,
  seconds: float,
  first: int = 0,
  size: str = "64x48",
  channels: int = 1,
  rate: int = 48_000,
  key_frames: int = 250,
  pictures: bool = True,
  sound: bool = True,
) -> pathlib.Path:
  """Writes a film whose second s, from `first`, is 16 + STEP s and 200 + 100 s.

  The former is its luma, the latter the Hz of its tone; `args` choose codecs.
  """
  second = f"({first}+floor({'{}'}+0.001))"
  luma = f"16+{STEP}*{second.format('T')}"
  tone = f"0.4*sin(2*PI*(200+100*{second.format('t')})*t)"
  inputs: list[str] = []
  if pictures:
    inputs += [
      "-f",
      "lavfi",
      "-i",
      f"color=size={size}:rate=25:duration={seconds},format=yuv420p,"
      f"geq=lum='{luma}':cb=128:cr=128",
    ]
    args = ("-g", str(key_frames), "-sc_threshold", "1000000000", *args)
  if sound:
    inputs += [
      "-f",
      "lavfi",
      "-i",
      f"aevalsrc='{'|'.join([tone] * channels)}':s={rate}:d={seconds}",
    ]
  run(*inputs, *args, f"file:{path}")
  return path


def seconds_shown(frames: np.ndarray, step: float = STEP) -> list[int]:
  """Returns the second that every frame is of."""
  luma = frames.mean(axis=(1, 2, 3)) * (219 / 255) + 16
  return [round(value) for value in (luma - 16) / step]


def expected(start_s: float, end_s: float) -> list[int]:
  """Returns the second of every 25th of a second of a stretch."""
  count = round((end_s - start_s) * 25)
  return [int(start_s + k / 25 + 0.001) for k in range(count)]


def assert_shows(frames: np.ndarray, wanted: list[int]) -> None:
  """Fails where more than a frame is missing or out of place."""
  shown = seconds_shown(frames)
  assert abs(len(shown) - len(wanted)) <= 1
  changes = sum(a != b for a, b in zip(shown, wanted, strict=False))
  assert changes <= len(set(wanted)), (shown, wanted)  # one each second


def tones(samples: np.ndarray, rate: int = 48_000) -> list[int]:
  """Returns the Hz, to the nearest 10, of the middle of every whole second."""
  found = []
  for start in range(0, len(samples) - rate + 1, rate):
    middle = samples[start + rate // 4 : start + 3 * rate // 4].astype(float)
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    found.append(round(float(np.argmax(power)) * 2 / 10) * 10)
  return found


def read(
  path: pathlib.Path, start_s: float = 0.0, duration_s: float | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
  """Returns frames, samples and remarks of a stretch."""
  info = header.probe(path)
  remarks: list[str] = []
  span = {"start_s": start_s, "duration_s": duration_s, "remarks": remarks}
  frames = streams.stream_frames(path, info, short_side=None, **span)
  shown = np.stack(list(frames))
  samples = np.concatenate(list(streams.stream_audio(path, info, **span)))
  return shown, samples, remarks
