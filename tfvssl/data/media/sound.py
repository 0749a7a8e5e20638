"""The sound of a stretch, every sample at its time.

The filters of ffmpeg begin anew wherever a stream changes its channels or its
rate. What they give is laid on the clock by the stamp of their first frame,
which `asetpts` writes to the log. Where they begin a second time the file is
read again, and `ashowinfo` tells the length of every frame, by which the place
of the change is known.
"""

from collections.abc import Iterator
import functools
import itertools
import pathlib
import re

import numpy as np

from tfvssl.data.media import ffmpeg
from tfvssl.data.media import header
from tfvssl.data.media import stretch

_FIRST = re.compile(r"^(?:\[Eval @ \w+\] )?\[info\] (-?\d+)\.0+$")
_FRAME = re.compile(r" n:(\d+) pts:(-?\d+) .* nb_samples:(\d+)")
_FORMAT = re.compile(r"samplefmt:\S+ samplerate:(\d+) chlayout:(.+)")
# Before 5.1 ffmpeg says which channels there are by a number.
_LAYOUTS = {"0x4": "mono", "0x3": "stereo", "0x3f": "5.1", "0x60f": "5.1(side)"}
# Channels of which the mean is taken.
_MEANS = ("", "mono", "stereo", "1 channels", "2 channels", "downmix")
_LATE_S = 0.05  # that sound may begin behind its stretch, by its packets
_ROUNDING_S = 1e-3  # of the first stamp, in the time base of the container
_MOST_LOG = 1 << 20
_BLOCK = 1 << 18


def stream(
  path: str | pathlib.Path,
  info: header.MediaInfo,
  wanted: stretch.Stretch,
  *,
  chunk_samples: int,
  budget_s: float,
  remarks: list[str],
) -> Iterator[np.ndarray]:
  """Yields int16 [chunk_samples], the last one shorter; see `streams`.

  Args:
    path: the file.
    info: what `probe` said of it.
    wanted: the stretch.
    chunk_samples: how many samples to yield at a time.
    budget_s: how long ffmpeg may make the reader wait, in each reading.
    remarks: what is worth a line in a report is added.
  """
  given = 0
  read = functools.partial(
    _read, path, info, wanted, chunk_samples, budget_s, remarks
  )
  try:
    for chunk in read(is_timed=False):
      given += 1
      yield chunk
  except _UntimedError:
    yield from itertools.islice(read(is_timed=True), given, None)


class _UntimedError(Exception):
  """One stamp does not say when every sample is heard."""


def _read(path, info, wanted, chunk_samples, budget_s, remarks, *, is_timed):
  """Yields the chunks of `stream`.

  Raises:
    _UntimedError: the filters began anew and frames are not timed; the chunks
      so far, all of them whole, lie before that.
  """
  stretch.check_start(wanted, info)
  for place in wanted.places(info):
    with ffmpeg.Decoder(
      path,
      place.args,
      [
        *_output(wanted, place, info, is_timed),
        *stretch.other_stream(wanted, info, place.lead / wanted.rate_hz),
      ],
      budget_s=budget_s + place.budget_s(wanted),
      max_pixels=header.MAX_PIXELS,
    ) as decoder:
      clock = _Clock(decoder, place.lead, wanted, is_timed)
      pieces = clock.pieces()
      first = next(pieces, None)
      if not place.is_beginning and (first is None or clock.is_late):
        continue
      yield from _chunks(first, pieces, chunk_samples)
      break
  stretch.check_faults(path, info, wanted, clock.log, decoder.return_code)
  if not clock.count:
    raise stretch.no_content(wanted, info)
  remarks += _choices(info) + clock.changes
  stretch.check_end(wanted, info, clock.count, remarks)


def _choices(info):
  """Returns lines about which sound is taken and how it becomes mono."""
  lines = []
  if info.num_audio > 1:
    lines.append(
      f"sound is that of audio stream {info.audio_number + 1} of"
      f" {info.num_audio}, the default one or the first"
    )
  if info.audio_layout not in _MEANS:
    lines.append(
      f"sound of {info.audio_layout} is mixed: centre 1, front 0.71, surround"
      " and back 0.5, LFE 0, by their sum"
    )
  return lines


def _output(wanted, place, info, is_timed):
  """Returns ffmpeg's arguments for mono samples, with their stamps logged."""
  start = f"start_pts={place.lead}" if place.lead else ""
  end = "" if wanted.count is None else f":end_pts={place.lead + wanted.count}"
  trim = f"atrim={(start + end).lstrip(':')}," if start or end else ""
  return [
    "-map",
    f"0:a:{info.audio_number}",
    "-f",
    "s16le",
    "-af",
    f"aresample={wanted.rate_hz}:async=1,"
    "aformat=sample_fmts=s16:channel_layouts=mono,"
    f"{trim}asetpts='if(N,PTS,print(PTS))'{',ashowinfo' * is_timed}",
    "pipe:1",
  ]


class _Clock:
  """Lays what one decoder gives on the clock.

  Attributes:
    count: samples so far.
    is_late: the first one lies behind the start of the stretch.
    log: what ffmpeg said, but for the stamps.
    changes: a line for every change of channels or rate.
  """

  def __init__(
    self, decoder: ffmpeg.Decoder, lead: int, wanted, is_timed: bool
  ):
    self._decoder = decoder
    self._lead = lead
    self._wanted = wanted
    self._is_timed = is_timed
    self._starts: list[int] = []
    self._frames: list[tuple[bool, int, int]] = []
    self._is_begun = False
    self._format = ""
    self._news = ""
    self._too_many = 0
    self.count = 0
    self.is_late = False
    self.log = ""
    self.changes: list[str] = []

  def pieces(self) -> Iterator[np.ndarray]:
    """Yields int16 [n] of any length, one after the other in time."""
    rest = b""
    while raw := self._decoder.read(self._next_size(rest)):
      rest += raw
      self._hear()
      if not self._is_timed:
        if not self._starts:
          raise _UntimedError
        self._frames = [(not self._is_begun, self._starts[0], len(rest) // 2)]
      place = 0
      while self._frames:
        is_new, start, length = self._frames[0]
        if place + 2 * length > len(rest):
          break
        samples = np.frombuffer(rest, "<i2", length, place)
        place += 2 * length
        del self._frames[0]
        yield from self._laid(samples, start, is_new)
      rest = rest[place:]
    self._decoder.wait()
    self._hear()

  def _next_size(self, rest):
    """Returns how many bytes to read: of the first frame those it lacks."""
    if self._is_begun:
      return _BLOCK
    return 2 * self._frames[0][2] - len(rest) if self._frames else 2

  def _laid(self, samples, start, is_new):
    """Yields the samples, after zeros or without those that come too late."""
    self._is_begun = True
    if is_new:
      gap = start - self.count
      if not self.count and -_ROUNDING_S * self._wanted.rate_hz < gap < 0:
        gap = 0
      if not self.count:
        self.is_late = gap > _LATE_S * self._wanted.rate_hz
      self._too_many = max(0, -gap)
      if gap > 0:
        samples = np.concatenate([np.zeros(gap, np.int16), samples])
    skipped = min(self._too_many, len(samples))
    self._too_many -= skipped
    samples = samples[skipped:]
    self.count += len(samples)
    if len(samples):
      yield samples

  def _hear(self):
    """Reads the stamps of the frames that can be read by now."""
    for line in self._decoder.said().splitlines():
      if begun := _FIRST.match(line):
        self._starts.append(int(begun[1]) - self._lead)
        if len(self._starts) > 1 and not self._is_timed:
          raise _UntimedError
        continue
      if "ashowinfo" in line:
        if stamp := _FRAME.search(line):
          number, start, length = map(int, stamp.groups())
          self._frames.append((number == 0, start - self._lead, length))
          if number == 0 and self._news:
            seconds = self._wanted.start_s
            seconds += (start - self._lead) / self._wanted.rate_hz
            self.changes.append(
              f"sound changes at {seconds:.2f} s {self._news}"
            )
            self._news = ""
        continue
      if found := _FORMAT.search(line):
        now = f"{found[1]} Hz {_LAYOUTS.get(found[2], found[2])}"
        if self._format and now != self._format:
          self._news = f"from {self._format} to {now}"
        self._format = now
      if len(self.log) < _MOST_LOG:
        self.log += line + "\n"


def _chunks(first, pieces, chunk_samples):
  """Yields the pieces as chunks of one length, the last one shorter."""
  waiting = [] if first is None else [first]
  size = sum(map(len, waiting))
  while True:
    while size >= chunk_samples:
      whole = np.concatenate(waiting)
      yield whole[:chunk_samples]
      waiting = [whole[chunk_samples:]]
      size = len(waiting[0])
    piece = next(pieces, None)
    if piece is None:
      break
    waiting.append(piece)
    size += len(piece)
  if size:
    yield np.concatenate(waiting)
