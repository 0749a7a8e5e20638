"""Frames and sound to a small mp4 file, for the demo and its report."""

import pathlib
import subprocess
import tempfile
import wave

import numpy as np

from tfvssl.runtime import storage

_TIME_LIMIT_S = 120.0


def encode(
  frames: np.ndarray,
  frame_rate_hz: float,
  path: str | pathlib.Path,
  *,
  sound: np.ndarray | None = None,
  sample_rate_hz: int = 48_000,
  quality: int = 20,
) -> None:
  """Writes H.264 pictures and AAC sound; the file appears when complete.

  Args:
    frames: uint8 [T, H, W, 3], H and W even.
    frame_rate_hz: of the pictures.
    path: of the file.
    sound: int16 [N], mono; None for a silent film.
    sample_rate_hz: of the sound.
    quality: x264's crf; smaller is better and larger.

  Raises:
    ValueError: height or width is odd, which H.264 cannot have.
    RuntimeError: ffmpeg failed; with its last line.
  """
  path = pathlib.Path(path)
  height, width = frames.shape[1:3]
  if height % 2 or width % 2:
    raise ValueError(
      f"frames of {width}x{height} pixels cannot be H.264; crop to an even"
      " width and height."
    )
  with (
    storage.new_file(path) as part,
    tempfile.TemporaryDirectory() as folder,
  ):
    sound_input = []
    if sound is not None:
      wav = pathlib.Path(folder, "sound.wav")
      _write_wav(wav, sound, sample_rate_hz)
      sound_input = ["-i", f"file:{wav}"]
    done = subprocess.run(
      _command(f"{width}x{height}", frame_rate_hz, sound_input, quality, part),
      input=frames.tobytes(),
      capture_output=True,
      check=False,
      timeout=_TIME_LIMIT_S,
    )
    if done.returncode:
      lines = done.stderr.decode(errors="replace").strip().splitlines()
      raise RuntimeError(
        f"ffmpeg could not write {path} (exit {done.returncode}):"
        f" {lines[-1] if lines else 'no message'}"
      )


def _command(size, frame_rate_hz, sound_input, quality, output):
  import imageio_ffmpeg

  return [
    # Not the system's ffmpeg, which may come without the H.264 encoder.
    imageio_ffmpeg.get_ffmpeg_exe(),
    "-nostdin",
    "-y",
    "-loglevel",
    "error",
    "-threads",
    "1",
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgb24",
    "-s",
    size,
    "-r",
    str(frame_rate_hz),
    "-i",
    "pipe:0",
    *sound_input,
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-crf",
    str(quality),
    "-pix_fmt",
    "yuv420p",
    "-threads",
    "1",
    "-c:a",
    "aac",
    "-b:a",
    "64k",
    "-fflags",
    "+bitexact",
    "-movflags",
    "+faststart",
    "-f",
    "mp4",
    f"file:{output}",
  ]


def _write_wav(path, sound, sample_rate_hz):
  with wave.open(str(path), "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(sample_rate_hz)
    file.writeframes(sound.astype("<i2").tobytes())
