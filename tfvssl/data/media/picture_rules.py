"""How pictures are read: the shape of pixels, interlacing, colours.

`VERSION` is of these rules and of those for sound (docs/media.md). Manifests
hold it; it grows when the same file would give other frames or samples.
"""

import dataclasses
import fractions
import re

VERSION = 2  # 1, which manifests do not name: all of this was left out
_HD_LINES = 720  # untagged pictures of so many lines are BT.709, as in players
_LARGEST_ASPECT = 4.0
_HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_STORED = re.compile(
  r", (\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?, (\d+)x(\d+)(?: |,|$)"
)
_COLOURS = re.compile(r"bt|smpte|fcc|film|gbr|ycgco|ictcp|chroma")


@dataclasses.dataclass(frozen=True)
class Look:
  """How the pictures of a stream are stored.

  Attributes:
    codec: ffmpeg's name.
    pixel_format: likewise.
    columns: of a stored picture, before it is turned.
    lines: likewise.
    matrix: from YCbCr to RGB, by ffmpeg's name; empty where no tag says.
    transfer: likewise.
    pixel_aspect: width of a pixel in its heights, by the file.
    is_interlaced: the header says so; frames say it for themselves, too.
  """

  codec: str = ""
  pixel_format: str = ""
  columns: int = 0
  lines: int = 0
  matrix: str = ""
  transfer: str = ""
  pixel_aspect: float = 1.0
  is_interlaced: bool = False

  @property
  def width_factor(self) -> float:
    """By what a width is multiplied so that pixels are square."""
    return self.pixel_aspect if self._is_believed else 1.0

  @property
  def _is_believed(self):
    return 1 / _LARGEST_ASPECT <= self.pixel_aspect <= _LARGEST_ASPECT

  @property
  def is_read_as_709(self) -> bool:
    """Whether a matrix is chosen for the pictures, as no tag names one."""
    is_rgb = re.search("rgb|bgr|gbr|pal8|gray|mono", self.pixel_format)
    return not (self.matrix or is_rgb) and self.lines >= _HD_LINES

  @property
  def _is_deinterlaced(self):
    # ffmpeg gives the fields of HEVC one by one; other formats than planar
    # ones would be converted, also where no frame is interlaced.
    is_planar = self.pixel_format.startswith("yuv")
    has_fields = min(self.columns, self.lines) >= 4
    is_whole = self.codec != "hevc" and has_fields
    return is_whole and (self.is_interlaced or is_planar)

  def filters(self, rate_hz: float) -> str:
    """Returns ffmpeg's filters behind those that set the rate, with a comma.

    Frames that are not marked as interlaced go through as they are.
    """
    if not self._is_deinterlaced:
      return ""
    rate = fractions.Fraction(str(rate_hz))
    return (
      "setpts='PTS+0*if(INTERLACED*not(ld(0)),st(0,print(0.5)))',"
      "bwdif=mode=send_frame:deint=interlaced,"
      f"settb={rate.denominator}/{rate.numerator},"
    )

  def remarks(self, log: str) -> list[str]:
    """Returns what is worth saying, by what ffmpeg said of the reading."""
    lines = []
    if not self._is_believed:
      lines.append(
        f"pixels {self.pixel_aspect:.3g} times as wide as high are not"
        " believed; taken as square"
      )
    elif self.pixel_aspect != 1:
      lines.append(
        f"pixels are {self.pixel_aspect:.3f} times as wide as high; stored"
        " with square ones"
      )
    if re.search(r"\[info\] 0\.50+$", log, re.MULTILINE):
      lines.append("interlaced pictures are deinterlaced")
    if self.is_read_as_709:
      lines.append("pictures do not name their colour matrix; read as BT.709")
    if self.transfer in _HDR:
      lines.append(
        f"pictures are HDR ({_HDR[self.transfer]}), stored without tone mapping"
      )
    return lines


def parse(line: str) -> Look:
  """Returns the look of a stream.

  Args:
    line: what ffmpeg prints of it behind `Video: `, at level `verbose`.
  """
  stored = _STORED.search(line)
  if not stored:
    return Look()
  words = re.split(r", ", stored[2] or "")
  matrix = transfer = ""
  for word in words:
    if word.count("/") == 2:
      matrix, _, transfer = word.split("/")
    elif _COLOURS.match(word):
      matrix = transfer = word
  return Look(
    codec=line.split()[0].rstrip(","),
    pixel_format=stored[1],
    columns=int(stored[3]),
    lines=int(stored[4]),
    matrix="" if matrix in ("unknown", "reserved") else matrix,
    transfer=transfer,
    pixel_aspect=_pixel_aspect(line[stored.end() - 1 :]),
    is_interlaced=any("first" in word for word in words),
  )


def _pixel_aspect(text):
  """Returns that of the container, else that of the codec, in brackets."""
  shape = re.compile(r"SAR (\d+):(\d+)")
  found = shape.search(re.sub(r"\[[^\]]*\]", "", text)) or shape.search(text)
  if not found or not int(found[1]) * int(found[2]):
    return 1.0
  return int(found[1]) / int(found[2])
