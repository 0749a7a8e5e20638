"""A stretch of a file: where to start to read, and whose fault a fault is.

Where a seek lands is a matter of the container: MP4 knows its key frames,
transport and program streams land anywhere, mostly behind the last key frame.
So a stretch is tried from places further and further in front of it, the last
of which is the beginning of the file, until its first picture is there.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import math
import pathlib
import re

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header

# Seconds in front of the stretch; sound is whole after its first packets.
_LEADS_S = {"video": (0.0, 2.0, 10.0, 60.0), "audio": (0.5, 2.0, 10.0, 60.0)}
# Most pictures have no time of their own there, and behind a seek a wrong one.
_UNTIMED = ("mpeg", "mpegvideo", "m4v", "h264", "hevc")
# Their length is that of the last clock, and a joined file has several.
_JOINED = ("mpegts", "mpeg")
# Faults that vanish from further in front are those of a cut.
_DIAGNOSES_S = (2.0, 20.0)
_EQUAL_S = 1e-3  # times of one picture may differ so much
_DIAGNOSIS_S = 120.0  # that it may take
_SHORT_S = 0.5  # that a container may claim too much, besides 2 %
_SHORT_COUNTED_S = 0.06  # likewise, where it has counted
_PACKET = re.compile(r"demuxer\+ffmpeg -> .*?(?:pts|dts)_time:(-?[\d.]+)")
_PICTURE = re.compile(r"(?:decoder -> |ashowinfo).*?pts_time:(-?[\d.]+)")
_KEY = "keyframe:1 "
_START = re.compile(r"Duration: .*?, start: (-?[\d.]+)")
_CORRUPT = re.compile(r"acket corrupt \(stream = \d+, dts = (\d+)\)")
_TS_HZ = 90_000  # of the stamps of a transport stream
_REORDERED_S = 0.2  # that a picture may be decoded before it is shown


@dataclasses.dataclass(frozen=True)
class Stretch:
  """What to read of a file, in seconds of its clock.

  Attributes:
    kind: `video` or `audio`.
    rate_hz: of the frames or samples that are asked for.
    start_s: where it starts.
    duration_s: how long it is; None for the rest of the file.
  """

  kind: str
  rate_hz: float
  start_s: float
  duration_s: float | None

  @property
  def count(self) -> int | None:
    """How many frames or samples it has; None for all there are."""
    if self.duration_s is None:
      return None
    return max(1, round(self.duration_s * self.rate_hz))

  @property
  def end_s(self) -> float:
    """Where it ends; infinite for the end of the file."""
    length_s = math.inf if self.duration_s is None else self.duration_s
    return self.start_s + length_s

  def places(self, info: header.MediaInfo) -> Iterator["Place"]:
    """Yields where to start to read, ever further in front."""
    is_timed = info.format_name not in _UNTIMED
    is_inside = self.start_s < (info.duration_s or math.inf)
    for seconds in _LEADS_S[self.kind] if is_timed and is_inside else ():
      lead = round(seconds * self.rate_hz)
      place_s = self.start_s - lead / self.rate_hz
      if place_s > 0:
        yield Place(("-noaccurate_seek", "-ss", f"{place_s:.6f}"), lead)
    lead = math.floor(self.start_s * self.rate_hz + 1e-6)
    shift_s = self.start_s - lead / self.rate_hz
    shift = ("-itsoffset", f"{-shift_s:.6f}") if shift_s > 1e-6 else ()
    yield Place(shift, lead, is_beginning=True)


@dataclasses.dataclass(frozen=True)
class Place:
  """Where ffmpeg starts to read.

  Attributes:
    args: of the input; the clock of the filters then starts at the place.
    lead: frames or samples from there to the beginning of the stretch.
    is_beginning: of the file: nothing lies further in front.
  """

  args: Sequence[str]
  lead: int
  is_beginning: bool = False

  def budget_s(self, wanted: Stretch) -> float:
    """Returns how much longer a decoder may take, for what lies in front."""
    return 10.0 * self.lead / wanted.rate_hz


def other_stream(
  wanted: Stretch, info: header.MediaInfo, lead_s: float
) -> tuple[str, ...]:
  """Returns arguments for a second output that keeps the clock of the file.

  In formats whose clocks may start anew ffmpeg counts from the first packet of
  the streams that it reads, and bridges a new start by their packets. Sound and
  pictures are read one after the other; both have to see the packets of both.

  Args:
    wanted: what is read.
    info: of the file.
    lead_s: how long in front of the stretch the reading starts.
  """
  if info.format_name not in _JOINED or not (info.has_video and info.has_audio):
    return ()
  limit: tuple[str, ...] = ()
  if wanted.duration_s is not None:
    limit = ("-t", f"{lead_s + wanted.duration_s + 1.0:.6f}")
  other = _stream("audio" if wanted.kind == "video" else "video", info)
  copy = ("-c", "copy", "-copyinkf")
  return ("-map", other, *copy, *limit, "-f", "null", "-")


def _stream(kind, info):
  """Returns how ffmpeg names the stream that is read of a kind."""
  return f"0:a:{info.audio_number}" if kind == "audio" else "0:V:0"


def check_faults(
  path: str | pathlib.Path,
  info: header.MediaInfo,
  wanted: Stretch,
  log: str,
  return_code: int,
) -> None:
  """Raises MediaError where the decoder told of damage inside the stretch.

  The decoder is asked again, with times, only where it told of any.

  Args:
    path: the file.
    info: what `probe` said of it.
    wanted: what was read of it.
    log: of the reading.
    return_code: likewise.
  """
  if ffmpeg.faults(log) and not return_code:
    for lead_s in _DIAGNOSES_S:
      if not _faults_inside(path, wanted, lead_s, info):
        return
      if wanted.start_s <= lead_s:
        break
  ffmpeg.check(log, return_code, wanted.kind)


def _faults_inside(path, wanted, lead_s, info):
  """Returns the lines about damage between the stretch's first and last.

  Pictures inherit damage until the next key picture, so that one in front of
  the stretch counts where no key picture follows it before the stretch.

  A packet is said before it is decoded, a picture after. With several threads
  the packets run ahead by a few: at both ends too much is counted. Streams that
  can be cut anywhere begin with the rest of a packet of sound.
  """
  is_sound = wanted.kind == "audio"
  may_begin_cut = is_sound and info.format_name in _JOINED
  place_s = max(0.0, wanted.start_s - lead_s)
  seek = ("-noaccurate_seek", "-ss", f"{place_s:.6f}") if place_s else ()
  show = _until(wanted, place_s, is_sound)
  packet_s = picture_s = -math.inf
  inside, inherited = [], []
  with ffmpeg.Decoder(
    path,
    ("-debug_ts", *seek),
    (
      *("-map", _stream(wanted.kind, info), *show, "-f", "null", "-"),
      *other_stream(wanted, info, wanted.start_s - place_s),
    ),
    budget_s=30.0,
    max_pixels=header.MAX_PIXELS,
  ) as decoder:
    try:
      decoder.wait(_DIAGNOSIS_S)
    except ffmpeg.MediaError:
      return ["no time to find the place"]  # what was said stands
    starts = map(_START.search, decoder.lines())
    begin_s = [0.0, *(float(start[1]) for start in starts if start)][-1]
    for line in decoder.lines():
      if time := _PACKET.search(line):
        packet_s = max(packet_s, place_s + float(time[1]))
      elif time := _PICTURE.search(line):
        picture_s = place_s + float(time[1])
        if _KEY in line and picture_s <= wanted.start_s + _EQUAL_S:
          # Else the fault may be the key picture's own.
          inherited = [(s, x) for s, x in inherited if s >= picture_s]
      elif ffmpeg.is_fault(line):
        if (cut := _CORRUPT.search(line)) and info.format_name == "mpegts":
          # Said ahead, at the latest while the file is opened.
          time_s = int(cut[1]) / _TS_HZ - begin_s
          if wanted.start_s <= time_s < wanted.end_s + _REORDERED_S:
            inside.append(line)
          elif not is_sound and time_s < wanted.start_s:
            inherited.append((time_s + _REORDERED_S, line))
          continue
        is_begun = packet_s >= wanted.start_s or (
          packet_s == -math.inf and not wanted.start_s  # the file's header
        )
        is_cut = may_begin_cut and picture_s == -math.inf
        if is_begun and not is_cut and picture_s < wanted.end_s:
          inside.append(line)
        elif not is_sound and picture_s < wanted.start_s:
          inherited.append((packet_s, line))
  return inside + [line for _, line in inherited]


def _until(wanted, place_s, is_sound):
  """Returns filters that end a second behind the stretch, by the stamps.

  Output's own limit counts from the first picture, a key picture in front.
  """
  filters = ["ashowinfo"] if is_sound else []
  if wanted.duration_s is not None:
    trim = "atrim" if is_sound else "trim"
    filters.insert(0, f"{trim}=end={wanted.end_s - place_s + 1.0:.6f}")
  flag = "-af" if is_sound else "-vf"
  return (flag, ",".join(filters)) if filters else ()


def check_start(wanted: Stretch, info: header.MediaInfo) -> None:
  """Raises MediaError where the stretch starts behind the end of the file."""
  if claimed_count(wanted, info) <= 0:
    raise no_content(wanted, info)


def no_content(wanted: Stretch, info: header.MediaInfo) -> ffmpeg.MediaError:
  """Returns the error for a stretch without a frame or a sample."""
  if wanted.kind == "video":
    reason, detail = "no_frames", "the video stream gives no picture"
  else:
    reason, detail = "no_audio", "the audio stream gives no sample"
  end_s = _claimed_s(wanted.kind, info) or info.duration_s
  if end_s is not None and wanted.start_s >= end_s - 1 / wanted.rate_hz:
    # Cut, not rounded: the time that is named lies in the file.
    detail = f"starts behind the end ({math.floor(end_s * 10) / 10:.1f} s)"
  return ffmpeg.MediaError(reason, detail)


def claimed_count(wanted: Stretch, info: header.MediaInfo) -> float:
  """Returns the frames from the stretch's start to the claimed end."""
  end_s = _claimed_s(wanted.kind, info) or info.duration_s
  if end_s is None or info.is_estimate or info.format_name in _JOINED:
    return math.inf
  return max(0, round((end_s - wanted.start_s) * wanted.rate_hz))


def wanted_count(wanted: Stretch, info: header.MediaInfo) -> int:
  """Returns the frames of a stretch in a file that says where it ends."""
  end_s = min(_claimed_s(wanted.kind, info), wanted.end_s)
  return max(0, round((end_s - wanted.start_s) * wanted.rate_hz))


def _claimed_s(kind, info):
  """Returns where the stream ends; None where the file does not say."""
  alone = info.duration_s if info.num_streams == 1 else None
  return info.ends_s.get(kind, alone)


def missing_s(wanted: Stretch, info: header.MediaInfo, count: int) -> float:
  """Returns the seconds that the file claims beyond `count`; 0 for few."""
  claimed_s = _claimed_s(wanted.kind, info)
  if claimed_s is None or info.is_estimate:
    return 0.0
  end_s = min(claimed_s, wanted.end_s)
  short_s = end_s - wanted.start_s - count / wanted.rate_hz
  if wanted.kind in info.ends_s:
    allowed_s = _SHORT_COUNTED_S + min(0.02 * claimed_s, 1.0)
  else:
    allowed_s = _SHORT_S + 0.02 * claimed_s
  return short_s if short_s > allowed_s else 0.0


def check_end(
  wanted: Stretch, info: header.MediaInfo, count: int, remarks: list[str]
) -> None:
  """Raises MediaError where there is less than the file claims.

  Args:
    wanted: what was asked for.
    info: of the file.
    count: frames or samples that were found.
    remarks: what is worth saying of a stretch that is good is added.
  """
  end_s = wanted.start_s + count / wanted.rate_hz
  if missing_s(wanted, info, count):
    raise ffmpeg.MediaError(
      "truncated",
      f"{end_s:.2f} s of the {_claimed_s(wanted.kind, info):.2f} s that the"
      " file claims",
    )
  end_s = min(
    end_s, wanted.start_s + claimed_count(wanted, info) / wanted.rate_hz
  )
  what = "pictures" if wanted.kind == "video" else "sound"
  verb = "end" if wanted.kind == "video" else "ends"
  if wanted.duration_s is not None and count < wanted.count - 1:
    if end_s < wanted.end_s - 1.5 / _frame_rate(wanted):
      remarks.append(
        f"{what} {verb} at {end_s:.2f} s, not at {wanted.end_s:.2f} s as the"
        " stretch does"
      )
  elif wanted.duration_s is None and info.duration_s and not info.is_estimate:
    if end_s < 0.98 * info.duration_s - _SHORT_S:
      remarks.append(
        f"{what} {verb} at {end_s:.2f} s of the {info.duration_s:.2f} s that"
        " the file claims"
      )


def _frame_rate(wanted):
  return wanted.rate_hz if wanted.kind == "video" else 25.0
