"""Still pictures, decoded like videos by a process that can be killed.

A file that is named .jpg, .jpeg or .png counts as a picture; its first bytes
decide which of the two formats it is, as in ImageNet, where names are wrong.
An orientation in its EXIF data is honoured, transparency is ignored as by
tf.io.decode_image, and the first picture of an animation is taken.
"""

import os
import pathlib
import re

import numpy as np

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import streams

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
# Demuxers of one file each; `image2` would read %03d in a name as a pattern.
_DEMUXERS = {b"\xff\xd8\xff": "jpeg_pipe", b"\x89PNG\r\n\x1a\n": "png_pipe"}
_PPM = re.compile(rb"P6\s(\d+) (\d+)\s255\s")


def is_named_so(path: str | pathlib.Path) -> bool:
  """Returns if a file is named as a picture."""
  return os.path.splitext(path)[1].lower() in SUFFIXES


def decode(
  path: str | pathlib.Path,
  *,
  short_side: int,
  max_pixels: int = streams.MAX_PIXELS,
  budget_s: float | None = None,
) -> np.ndarray:
  """Returns the picture, uint8 [H, W, 3], with its short side scaled.

  Args:
    path: the file.
    short_side: in pixels; smaller pictures are enlarged.
    max_pixels: of the picture, before and after scaling.
    budget_s: how long ffmpeg may take; None for 30 s.

  Raises:
    media.MediaError: `not_media`, `empty_file`, `too_large`, `truncated`,
      `damaged`, `unreadable`, `no_frames` or `timeout`.
  """
  demuxer = _demuxer(path)
  longest = min(streams.MAX_SIDE, max_pixels // short_side)
  with ffmpeg.Decoder(
    path,
    # The last of two lists counts: nothing but this format can be opened.
    ["-format_whitelist", demuxer, "-f", demuxer],
    _output(short_side, longest),
    budget_s=30.0 if budget_s is None else budget_s,
    max_pixels=max_pixels,
  ) as decoder:
    content = decoder.read(64 + 3 * short_side * (longest + 1))
    log = decoder.close()
  _check(log, decoder.return_code, max_pixels)
  head = _PPM.match(content)
  if not head:
    raise streams.MediaError("no_frames", "the file gives no picture")
  width, height = int(head[1]), int(head[2])
  if max(width, height) > longest:
    raise streams.MediaError(
      "too_large",
      f"at short side {short_side} its long side is more than {longest}",
    )
  pixels = np.frombuffer(content, np.uint8, offset=head.end())
  return pixels.reshape(height, width, 3)


def _demuxer(path):
  try:
    with open(path, "rb") as file:
      begin = file.read(8)
  except OSError as error:
    raise streams.MediaError("unreadable", error.strerror or "") from error
  if not begin:
    raise streams.MediaError("empty_file", "the file has no bytes")
  for signature, demuxer in _DEMUXERS.items():
    if begin.startswith(signature):
      return demuxer
  raise streams.MediaError("not_media", "the content is neither JPEG nor PNG")


def _output(short_side, longest):
  """Returns ffmpeg's arguments for one PPM, which says its size itself.

  Only ffmpeg knows if the picture is turned, so that the filter chooses which
  side is short. It stops one pixel above `longest`, to be refused.
  """
  width, height = (
    f"if(lte({side},{other}),{short_side},"
    f"min({longest + 1},round({side}*{short_side}/{other})))"
    for side, other in (("iw", "ih"), ("ih", "iw"))
  )
  flags = "bicubic+accurate_rnd+full_chroma_int+bitexact"
  return [
    "-map",
    "0:v:0",
    "-frames:v",
    "1",
    "-vf",
    f"scale=w='{width}':h='{height}':flags={flags}",
    "-c:v",
    "ppm",
    "-pix_fmt",
    "rgb24",
    "-f",
    "image2pipe",
    "pipe:1",
  ]


def _check(log, return_code, max_pixels):
  if "exceeds specified max pixel count" in log:
    raise streams.MediaError("too_large", f"more than {max_pixels} pixels")
  if "EOI missing" in log:  # a warning only; the rest of the picture is grey
    raise streams.MediaError("truncated", "the picture has no end")
  ffmpeg.check(log, return_code, "video")
