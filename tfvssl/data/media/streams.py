"""Reads video and audio files: what is in them, their pictures, their sound."""

from collections.abc import Iterator
import dataclasses
import os
import pathlib
import re

import numpy as np

from tfvssl.data.media import ffmpeg

MEDIA_SUFFIXES = frozenset(
  ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .m2ts .mts .flv .wmv .asf"
  " .3gp .ogv .ogg .oga .opus .wav .mp3 .flac .m4a .aac .aif .aiff".split()
)
MAX_PIXELS = 33_177_600  # 8K: 7680 x 4320
MAX_SIDE = 65_500  # of a JPEG


MediaError = ffmpeg.MediaError
ffmpeg_version = ffmpeg.version


@dataclasses.dataclass
class MediaInfo:
  """What a file says about itself.

  Attributes:
    has_video: it has a video stream that is not a cover picture.
    has_audio: it has an audio stream.
    duration_s: of the longest stream, None where the file does not say.
    width: in pixels, as shown, so after rotation; 0 without video.
    height: likewise.
    frame_rate_hz: as the file says, None where it does not.
    video_codec: ffmpeg's name, empty without video.
    num_streams: streams of any kind.
  """

  has_video: bool
  has_audio: bool
  duration_s: float | None
  width: int = 0
  height: int = 0
  frame_rate_hz: float | None = None
  video_codec: str = ""
  num_streams: int = 0


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


def list_media(folder: str | pathlib.Path) -> list[pathlib.Path]:
  """Returns the files under `folder` that are named as video or audio."""
  return [
    path for path in list_files(folder) if path.suffix.lower() in MEDIA_SUFFIXES
  ]


def probe(
  path: str | pathlib.Path, *, max_pixels: int = MAX_PIXELS
) -> MediaInfo:
  """Returns what the file holds, without decoding it.

  Raises:
    MediaError: `not_media`, `unreadable`, `empty_file`, `format_refused`,
      `too_large` or `timeout`.
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
  head = log.split("Input #0", 1)
  if len(head) < 2:
    raise _open_error(path, log)
  return _parse_info(head[1], max_pixels)


def _open_error(path, log):
  line = ffmpeg.first_error(log)
  if path.suffix.lower() not in MEDIA_SUFFIXES:
    return MediaError("not_media", line)
  if path.stat().st_size == 0:
    return MediaError("empty_file", "the file has no bytes")
  if "not on whitelist" in log:
    return MediaError(
      "format_refused", "the content is not a known media format"
    )
  return MediaError("unreadable", line)


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
  )
  for kind, line in streams:
    if kind == "Video" and "(attached pic)" not in line:
      _parse_video(info, line, text[text.index(line) :], max_pixels)
      break
  return info


def _parse_video(info, line, rest, max_pixels):
  size = re.search(r", (\d+)x(\d+)", line)
  rate = re.search(r", ([\d.]+k?) fps", line)
  info.video_codec = line.split()[0].rstrip(",")
  info.has_video = True
  if not size:
    raise MediaError("unreadable", "the video stream has no picture size")
  info.width, info.height = int(size[1]), int(size[2])
  if info.width * info.height > max_pixels:
    raise MediaError(
      "too_large",
      f"{info.width}x{info.height} pixels, at most {max_pixels} in all",
    )
  if rate and not rate[1].endswith("k"):
    info.frame_rate_hz = float(rate[1])
  turned = re.search(
    r"rotation of (-?[\d.]+) degrees", rest.split("Stream #0:")[0]
  )
  if turned and round(float(turned[1]) / 90) % 2:
    info.width, info.height = info.height, info.width


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
) -> Iterator[np.ndarray]:
  """Yields frames uint8 [H, W, 3] at a constant rate, resampled by time.

  Frame i is the picture shown at `start_s + i / frame_rate_hz` of the file's
  own clock; where the video starts after the audio its first picture is held.
  Rotation is honoured; pixels are taken as square. Whatever was yielded is
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

  Raises:
    MediaError: `no_video`, `no_frames`, `damaged`, `truncated`, `too_large`
      or `timeout`.
  """
  height, width = _frame_size(info, short_side, max_pixels)
  size = height * width * 3
  count = 0
  with ffmpeg.Decoder(
    path,
    _seek(start_s, duration_s),
    _picture_output(height, width, frame_rate_hz),
    budget_s=_budget(budget_s, info, duration_s),
    max_pixels=max_pixels,
  ) as decoder:
    while len(raw := decoder.read(size)) == size:
      count += 1
      yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)
    log = decoder.close()
    ffmpeg.check(
      log,
      decoder.return_code,
      "video",
      codec=info.video_codec,
      to_end=duration_s is None,
    )
  if not count:
    raise MediaError("no_frames", "the video stream gives no picture")
  if info.num_streams == 1 and not start_s and duration_s is None:
    _check_length(count / frame_rate_hz, info)


def _picture_output(height, width, frame_rate_hz):
  """Returns ffmpeg's arguments for raw frames of this size and rate."""
  flags = "bicubic+accurate_rnd+full_chroma_int+bitexact"
  return [
    "-map",
    "0:V:0",
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgb24",
    "-vf",
    f"fps={frame_rate_hz}:start_time=0,scale={width}:{height}:flags={flags}",
    "pipe:1",
  ]


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
) -> Iterator[np.ndarray]:
  """Yields the sound in chunks, int16 [chunk_samples], the last one shorter.

  Mono, the mean of the channels. Sample i is heard at `start_s + i /
  sample_rate_hz` of the file's own clock; where the sound starts late or has a
  gap there are zeros. Arguments as in `stream_frames`.

  Raises:
    MediaError: `no_audio`, `damaged`, `truncated` or `timeout`.
  """
  if not info.has_audio:
    raise MediaError("no_audio", "the file has no audio stream")
  output = [
    "-map",
    "0:a:0",
    "-f",
    "s16le",
    "-af",
    f"aresample={sample_rate_hz}:async=1:first_pts=0,"
    "aformat=sample_fmts=s16:channel_layouts=mono",
    "pipe:1",
  ]
  count = 0
  with ffmpeg.Decoder(
    path,
    _seek(start_s, duration_s),
    output,
    budget_s=_budget(budget_s, info, duration_s),
    max_pixels=MAX_PIXELS,
  ) as decoder:
    while raw := decoder.read(2 * chunk_samples):
      chunk = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2")
      count += len(chunk)
      yield chunk
    log = decoder.close()
    ffmpeg.check(log, decoder.return_code, "audio", to_end=duration_s is None)
  if not count:
    raise MediaError("no_audio", "the audio stream gives no sample")
  if info.num_streams == 1 and not start_s and duration_s is None:
    _check_length(count / sample_rate_hz, info)


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


def _seek(start_s, duration_s):
  seek = ["-ss", f"{start_s:.6f}"] if start_s else []
  return seek + ([] if duration_s is None else ["-t", f"{duration_s:.6f}"])


def _budget(budget_s, info, duration_s):
  if budget_s is not None:
    return budget_s
  known = duration_s if duration_s is not None else info.duration_s
  return max(30.0, 10.0 * (known or 60.0))


def _check_length(seconds, info):
  """Raises where the only stream is shorter than the container says."""
  if info.duration_s and seconds < 0.98 * info.duration_s - 0.5:
    raise MediaError(
      "truncated",
      f"{seconds:.2f} s of the {info.duration_s:.2f} s that the file claims",
    )
