"""A decoder process that cannot hurt: whitelisted, capped, killable.

Files are not trusted. ffmpeg runs without a shell, with the `file:` prefix,
with lists of allowed formats and protocols (a playlist that calls itself .mp4
opens nothing), with a cap on pixels, and is killed when it makes its reader
wait too long. Its exit code says little: damage is what its demuxer and
decoders report. Only `data.media` and `data_prep.prepare_records.still_picture`
use this.
"""

from collections.abc import Iterator, Sequence
import contextlib
import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

_BLOCK = 1 << 22
_SHORTEST_WAIT_S = 1e-3  # a limit of 0 would be none
# Demuxers that open nothing but the file itself.
FORMATS = (
  "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,wav,w64,mp3,flac,"
  "aac,aiff,h264,hevc"
)
_DAMAGE_WARNINGS = ("corrupt decoded frame", "acket corrupt", "corrupt input")
# H.264 forgets a picture that it has not seen: one in front of a cut.
_NO_DAMAGE = "mmco: unref short failure"
# Lines of these parts of ffmpeg concern its output, never the file.
_NOT_INPUT = re.compile(
  r"^\[(out#|vost#|aost#|null|rawvideo|s16le|graph|Parsed_|auto_|swscaler)"
)

_NO_DECODER = re.compile(
  r"(?:no decoder found for: |Decoder \(codec )([^\s)]+)"
)


class MediaError(ValueError):
  """A file that gives no usable media.

  Attributes:
    reason: one word, such as `damaged`; the keys of report.json.
    detail: one line for a person.
  """

  def __init__(self, reason: str, detail: str):
    super().__init__(f"{reason}: {detail}")
    self.reason = reason
    self.detail = detail


@functools.cache
def path() -> str:
  """Returns the system's ffmpeg, else the one that imageio-ffmpeg ships."""
  found = shutil.which("ffmpeg")
  if found:
    return found
  import imageio_ffmpeg

  return imageio_ffmpeg.get_ffmpeg_exe()


@functools.cache
def version() -> str:
  """Returns the third word of `ffmpeg -version`."""
  lines = subprocess.run(
    [path(), "-version"], capture_output=True, text=True, check=True
  ).stdout
  return lines.split()[2]


def first_error(log: str) -> str:
  """Returns the first error that ffmpeg reports, without its context."""
  for line in log.splitlines():
    if "[error]" in line or "[fatal]" in line:
      return _text(line)
  return "ffmpeg cannot open it"


def _text(line):
  """Returns what a line says, without who says it."""
  return re.sub(r"\[[^\]]*\] ?", "", line).strip() or line


def check(log: str, return_code: int, kind: str) -> None:
  """Raises MediaError where the log of a decoding tells of damage.

  Its reason is `truncated`, `damaged`, `unreadable` or `no_decoder`.

  Args:
    log: what ffmpeg said at level `verbose`.
    return_code: of its process.
    kind: `video` or `audio`, the stream that was decoded.
  """
  if missing := _NO_DECODER.search(log):
    raise no_decoder(kind, missing[1], log)
  lines = faults(log)
  packets, frames, errors = _counts(log, kind)
  if lines or errors:
    cut = re.search(r"partial file|ended prematurely", log)
    told = f"the decoder counts {errors} errors"
    detail = _text(lines[0]) if lines else told
    raise MediaError(
      "truncated" if cut else "damaged",
      f"{detail} ({frames} of {packets} {kind} packets decoded)",
    )
  if return_code:
    is_told = "Input #0, " not in log or "[error]" in log or "[fatal]" in log
    ended = f"ffmpeg ended with exit code {return_code} while decoding {kind}"
    raise MediaError("unreadable", first_error(log) if is_told else ended)


def no_decoder(kind: str, codec: str, text: str) -> MediaError:
  """Returns the error for a codec that this ffmpeg cannot decode.

  Args:
    kind: `video` or `audio`.
    codec: ffmpeg's name, `none` for one that it does not know.
    text: what it prints of the file, for the tag of an unknown one.
  """
  tag = re.search(rf"{kind.title()}: none[^\n(]*\((.{{1,16}}?) / 0x", text)
  if codec == "none":
    codec = f"with the tag {tag[1]!r}" if tag else "(it has no name for it)"
  return MediaError(
    "no_decoder",
    f"this ffmpeg ({version()}) has no decoder for the {kind} codec {codec};"
    " install an ffmpeg that has it, or convert the file to H.264 and AAC",
  )


def faults(log: str) -> list[str]:
  """Returns the lines of a log that tell of damage to the input.

  Packets that give no picture are none: fields, pictures that an edit list
  hides, and chunks that repeat a picture. Nor is what decoders say while ffmpeg
  opens the file: they try all its streams, and say it again of the one wanted.
  """
  opening, found, rest = log.partition("Input #0, ")
  lines = rest.splitlines() if found else log.splitlines()
  if found:
    demuxer = rf"\[(in#0|{re.escape(rest.split(', from ')[0])})\b"
    lines += [x for x in opening.splitlines() if re.match(demuxer, x)]
  return [line for line in lines if is_fault(line)]


def _counts(log, kind):
  """Returns how many packets were read, frames decoded, and decode errors."""
  counts = re.search(
    rf"\({kind}\): (\d+) packets read .*?; (\d+) frames decoded"
    r"(?:.*?; (\d+) decode errors)?",
    log,
  )
  return tuple(int(n or 0) for n in counts.groups()) if counts else (0, 0, 0)


def is_fault(line: str) -> bool:
  """Returns if a line of a log tells of damage to the input."""
  if _NOT_INPUT.match(line) or _NO_DAMAGE in line:
    return False
  if "[error]" in line or "[fatal]" in line:
    return True
  return "[warning]" in line and any(word in line for word in _DAMAGE_WARNINGS)


class Decoder(contextlib.AbstractContextManager):
  """One ffmpeg process; killed, with its group, on every way out."""

  def __init__(
    self,
    file: str | pathlib.Path,
    input_args: Sequence[str],
    output_args: Sequence[str],
    *,
    budget_s: float,
    max_pixels: int,
  ):
    """Starts it.

    Args:
      file: what it reads.
      input_args: options of the input.
      output_args: options of the output, which goes to pipe:1.
      budget_s: how long `read` may wait for it, in all, in seconds.
      max_pixels: of one picture; larger ones are an error.
    """
    self._log = tempfile.TemporaryFile()
    # Not a pipe: the system itself waits for a whole picture, for a while.
    self._output, output = socket.socketpair()
    for end in (self._output, output):
      end.settimeout(None)  # whatever the process has as its default
    self._budget_s = budget_s
    self._allowed_s = budget_s
    self._heard = 0
    self.return_code = 0
    with output:
      self._process = subprocess.Popen(
        [
          path(),
          "-nostdin",
          "-hide_banner",
          "-nostats",
          "-loglevel",
          "level+verbose",
          "-filter_threads",
          "1",
          "-threads",
          "1",
          "-max_pixels",
          str(max_pixels),
          "-format_whitelist",
          FORMATS,
          "-protocol_whitelist",
          "file",
          *input_args,
          "-i",
          f"file:{file}",
          *output_args,
        ],
        stdin=subprocess.DEVNULL,
        stdout=output.fileno(),
        stderr=self._log,
        start_new_session=True,
        # Python ignores SIGXFSZ and SIGPIPE; ffmpeg inherits that and fails
        # with a message instead of dying by a signal.
        restore_signals=False,
        # A static ffmpeg, as in many wheels of imageio-ffmpeg, dies in the
        # system's tables of characters when a stream names its programme.
        env={**os.environ, "GCONV_PATH": os.devnull},
      )

  def read(self, size: int) -> bytearray:
    """Returns `size` bytes, fewer at the end.

    Only waiting counts against the budget, so that a slow consumer does not
    condemn the file. A signal during a wait lets it begin anew.

    Raises:
      MediaError: `timeout`.
    """
    blocks: list[bytearray] = []
    while missing := size - sum(map(len, blocks)):
      block = bytearray(min(missing, _BLOCK))
      filled = self._fill(memoryview(block))
      blocks.append(block if filled == len(block) else block[:filled])
      if filled < len(block):
        break
    # A picture of usual size is not copied.
    return blocks[0] if len(blocks) == 1 else bytearray().join(blocks)

  def _fill(self, block):
    """Returns how much of `block` there was to fill it."""
    filled = 0
    while filled < len(block):
      began = time.monotonic()
      try:
        count = self._output.recv_into(block[filled:], 0, self._wait())
      except BlockingIOError:
        raise MediaError(
          "timeout", f"ffmpeg gave nothing more after {self._allowed_s:.0f} s"
        ) from None
      finally:
        self._budget_s -= time.monotonic() - began
      if not count:
        break
      filled += count
    return filled

  def _wait(self):
    """Returns the flag of a read that waits for what is left of the budget."""
    if self._budget_s < _SHORTEST_WAIT_S:
      return socket.MSG_DONTWAIT  # what lies ready is taken still
    whole, part = divmod(self._budget_s, 1.0)
    limit = struct.pack("@ll", int(whole), int(part * 1e6))  # struct timeval
    self._output.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    return socket.MSG_WAITALL

  def said(self) -> str:
    """Returns the whole lines that ffmpeg has added to its log since last.

    What it says of a frame stands there before the frame can be read.
    """
    content = os.pread(self._log.fileno(), 1 << 24, self._heard)
    content = content[: content.rfind(b"\n") + 1]
    self._heard += len(content)
    return content.decode("utf-8", "replace")

  def lines(self) -> Iterator[str]:
    """Yields the lines of the log of a process that has ended."""
    self._log.seek(0)
    for line in self._log:
      yield line.decode("utf-8", "replace").rstrip()

  def wait(self, wait_s: float = 30.0) -> None:
    """Waits for its end.

    Raises:
      MediaError: `timeout`.
    """
    try:
      self.return_code = self._process.wait(timeout=wait_s)
    except subprocess.TimeoutExpired:
      raise MediaError("timeout", "ffmpeg does not end") from None

  def close(self, wait_s: float = 30.0) -> str:
    """Waits for the end and returns what ffmpeg said (at most 1 MB).

    Raises:
      MediaError: `timeout`.
    """
    self.wait(wait_s)
    self._log.seek(0)
    text = self._log.read(1 << 19)
    end = self._log.seek(0, os.SEEK_END)
    self._log.seek(max(len(text), end - (1 << 19)))
    return (text + self._log.read()).decode("utf-8", "replace")

  def __exit__(self, *unused):
    if self._process.poll() is None:
      # The group still exists: its leader has not been waited for.
      os.killpg(self._process.pid, signal.SIGKILL)
      self._process.wait()
    self._output.close()
    self._log.close()
