"""What a file says about itself: its streams, their sizes and lengths."""

import dataclasses
import pathlib
import re

from tfvssl.data.media import claims
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import picture_rules

MEDIA_SUFFIXES = frozenset(
  ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .m2ts .mts .flv .wmv .asf"
  " .3gp .ogv .ogg .oga .opus .wav .mp3 .flac .m4a .aac .aif .aiff".split()
)
# A damaged header; cameras' own data has a tag in brackets.
_NO_KIND = re.compile(r"none(?: \(default\))?(?:,|$)")
MAX_PIXELS = 33_177_600  # 8K: 7680 x 4320


@dataclasses.dataclass
class MediaInfo:
  """What a file says about itself.

  Attributes:
    has_video: it has a video stream that is not a cover picture.
    has_audio: it has an audio stream.
    duration_s: of the longest stream, None where the file does not say.
    width: in square pixels, as shown, so after rotation; 0 without video.
    height: likewise.
    frame_rate_hz: as the file says, None where it does not.
    video_codec: ffmpeg's name, empty without video.
    num_streams: streams of any kind.
    format_name: ffmpeg's names of the container.
    ends_s: `video` or `audio` to the end of that stream on the file's clock,
      for which its container vouches; others are left out.
    is_estimate: `duration_s` is only derived from the rate of bits.
    look: how pictures are stored, and so how they are read.
    num_audio: audio streams.
    audio_number: which of them is read, from 0: the default one, or the first.
    audio_layout: its channels, by ffmpeg's name.
    remarks: lines about what is odd, such as a stream of no kind.
  """

  has_video: bool
  has_audio: bool
  duration_s: float | None
  width: int = 0
  height: int = 0
  frame_rate_hz: float | None = None
  video_codec: str = ""
  num_streams: int = 0
  format_name: str = ""
  ends_s: dict[str, float] = dataclasses.field(default_factory=dict)
  is_estimate: bool = False
  look: picture_rules.Look = picture_rules.Look()
  num_audio: int = 0
  audio_number: int = 0
  audio_layout: str = ""
  remarks: list[str] = dataclasses.field(default_factory=list)


def probe(
  path: str | pathlib.Path, *, max_pixels: int = MAX_PIXELS
) -> MediaInfo:
  """Returns what the file holds, without decoding it.

  Raises:
    MediaError: `not_media`, `unreadable`, `empty_file`, `format_refused`,
      `no_decoder`, `too_large` or `timeout`.
    FileNotFoundError: there is no such file.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"{path} is not a file.")
  with ffmpeg.Decoder(
    path, [], [], budget_s=30.0, max_pixels=max_pixels
  ) as decoder:
    decoder.read(1)
    log = decoder.close()
  head = log.split("Input #0, ", 1)
  if len(head) < 2:
    raise _open_error(path, log, decoder.return_code)
  info = _parse_info(head[1], max_pixels)
  info.is_estimate = "Estimating duration from bitrate" in log
  _add_ends(info, path, head[1])
  if "refer to a non-existent track" in log:
    info.remarks.append("its tags name a stream that is not there")
  return info


def _add_ends(info, path, text):
  """Fills in where streams end, on a clock that starts with the file."""
  start = re.search(r"Duration: .*?, start: (-?[\d.]+)", text)
  begin_s = float(start[1]) if start else 0.0
  found = claims.ends(path, info.format_name, text, info.audio_number)
  for kind, end_s in found.items():
    # Tags of Matroska outlive a cut, its length does not.
    if end_s <= (info.duration_s or 0.0) + begin_s + 0.5:
      info.ends_s[kind] = end_s - begin_s
  if info.num_streams == 1 and claims.counts_samples(info.format_name):
    if info.duration_s is not None:
      info.ends_s["audio"] = info.duration_s


def _open_error(path, log, return_code):
  if return_code < 0:
    return ffmpeg.MediaError(
      "unreadable",
      f"ffmpeg {ffmpeg.version()} died of signal {-return_code} opening it;"
      " another version may read it",
    )
  line = ffmpeg.first_error(log)
  if path.suffix.lower() not in MEDIA_SUFFIXES:
    return ffmpeg.MediaError("not_media", line)
  if path.stat().st_size == 0:
    return ffmpeg.MediaError("empty_file", "the file has no bytes")
  if "not on whitelist" in log:
    return ffmpeg.MediaError(
      "format_refused", "the content is not a known media format"
    )
  return ffmpeg.MediaError("unreadable", line)


def _parse_info(text, max_pixels):
  duration = re.search(r"Duration: (\d+):(\d+):([\d.]+)", text)
  seconds = None
  if duration:
    hours, minutes, rest = duration.groups()
    seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
  streams = re.findall(
    r"^\[info\] +Stream #0:\d+.*?: (\w+): (.*)", text, re.MULTILINE
  )
  info = MediaInfo(
    has_video=False,
    has_audio=any(kind == "Audio" for kind, _ in streams),
    duration_s=seconds,
    num_streams=len(streams),
    format_name=text.split(", from ", 1)[0],
  )
  info.remarks += [
    f"stream {number} is of no known kind"
    for number, (kind, line) in enumerate(streams)
    if kind == "Data" and _NO_KIND.match(line)
  ]
  _parse_audio(info, [line for kind, line in streams if kind == "Audio"])
  for kind, line in streams:
    if kind == "Video" and "(attached pic)" not in line:
      _parse_video(info, line, text[text.index(line) :], max_pixels)
      break
  return info


def _parse_audio(info, lines):
  """Fills in which of the audio streams is read, as players choose it."""
  info.num_audio = len(lines)
  for number, line in enumerate(lines):
    if number == 0 or "(default)" in line:
      channels = re.search(r" Hz, ([^,]+)", line)
      info.audio_number = number
      info.audio_layout = channels[1] if channels else ""
    if "(default)" in line:
      break


def _parse_video(info, line, rest, max_pixels):
  size = re.search(r", (\d+)x(\d+)", line)
  rate = re.search(r", ([\d.]+k?) fps", line)
  info.video_codec = line.split()[0].rstrip(",")
  info.has_video = True
  if not size and _NO_KIND.match(line):
    raise ffmpeg.no_decoder("video", "none", f"Video: {line}")
  if not size:
    raise ffmpeg.MediaError(
      "unreadable", "the video stream has no picture size"
    )
  info.width, info.height = int(size[1]), int(size[2])
  if info.width * info.height > max_pixels:
    raise ffmpeg.MediaError(
      "too_large",
      f"{info.width}x{info.height} pixels, at most {max_pixels} in all",
    )
  info.look = picture_rules.parse(line)
  info.width = max(1, round(info.width * info.look.width_factor))
  if rate and not rate[1].endswith("k"):
    info.frame_rate_hz = float(rate[1])
  turned = re.search(
    r"rotation of (-?[\d.]+) degrees", rest.split("Stream #0:")[0]
  )
  if turned and round(float(turned[1]) / 90) % 2:
    info.width, info.height = info.height, info.width
