"""One picture to a small JPEG, for pages."""

import subprocess

import numpy as np

_TIME_LIMIT_S = 60.0


def encode(picture: np.ndarray, *, quality: int = 5) -> bytes:
  """Returns the JPEG of a picture.

  Args:
    picture: uint8 [H, W, 3].
    quality: ffmpeg's qscale, 2 to 31; smaller is better and larger.

  Raises:
    RuntimeError: ffmpeg failed; with its last line.
  """
  import imageio_ffmpeg

  height, width = picture.shape[:2]
  done = subprocess.run(
    [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error"]
    + ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    + ["-i", "pipe:0", "-frames:v", "1", "-pix_fmt", "yuvj420p"]
    + ["-c:v", "mjpeg", "-q:v", str(quality), "-f", "mjpeg", "pipe:1"],
    input=picture.tobytes(),
    capture_output=True,
    check=False,
    timeout=_TIME_LIMIT_S,
  )
  if done.returncode or not done.stdout:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    raise RuntimeError(
      f"ffmpeg could not write a JPEG of {width}x{height} pixels (exit"
      f" {done.returncode}): {lines[-1] if lines else 'no message'}"
    )
  return done.stdout
