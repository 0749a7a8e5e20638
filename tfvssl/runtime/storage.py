"""Files and folders that appear whole or not at all, and how they are held.

Whatever a run, a record folder or an export consists of is written through
this module, so that one place knows what a disk promises: written beside,
synchronised, and published by one rename. Paths are those of etils.
"""

from collections.abc import Iterable, Iterator
import contextlib
import errno
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
from typing import IO, TypeAlias

from etils import epath

PathLike: TypeAlias = str | os.PathLike
_BLOCK = 1 << 20
_UNFINISHED = re.compile(r"\..+\.unfinished-\d+")
_held: set[int] = set()  # descriptors of the locks of this process


class Path(type(epath.Path())):  # type: ignore[misc]
  """A path of etils that treats files of this machine as pathlib does.

  etils' own takes brackets in a folder's name for a pattern, overlooks names
  that end with `~`, follows no link, takes a pipe for a file, reads a byte
  order mark as text and cannot ask about files of a user without a name.
  """

  def glob(self, pattern: str) -> Iterator["Path"]:
    return map(type(self), pathlib.Path(self).glob(pattern))

  def iterdir(self) -> Iterator["Path"]:
    return map(type(self), pathlib.Path(self).iterdir())

  def resolve(self, strict: bool = False) -> "Path":
    return type(self)(pathlib.Path(self).resolve(strict))

  def is_file(self) -> bool:
    return os.path.isfile(self)

  def open(self, mode: str = "r", encoding: str | None = None) -> IO:
    encoding = None if "b" in mode else encoding or "utf-8"
    return open(self, mode, encoding=encoding)

  def stat(self) -> os.stat_result:
    return os.stat(self)


class InUseError(Exception):
  """Another process, or another place of this one, holds a lock.

  Attributes:
    owner: what the holder wrote about itself; may be empty.
  """

  def __init__(self, path: PathLike, owner: str):
    super().__init__(f"{os.fspath(path)} is held by {owner or 'another'}")
    self.owner = owner


@contextlib.contextmanager
def new_file(path: PathLike) -> Iterator[Path]:
  """Gives a path to write to; `path` appears, or is replaced, when it is whole.

  Its folder must exist: a misspelt one is not made. After an exception nothing
  is left, and what stood at `path` stays. A link stays, and what it leads to is
  replaced; a pipe or device is written to.
  """
  place = Path(os.path.realpath(path))
  _refuse_folder(path)
  if os.path.exists(place) and not os.path.isfile(place):
    yield place
    return
  unfinished = _beside(place)
  try:
    yield unfinished
    _synchronise(unfinished)
    unfinished.replace(place)
    _synchronise(place.parent)
  finally:
    unfinished.unlink(missing_ok=True)


def check_place(path: PathLike) -> None:
  """Finds out before the work whether `new_file` can write `path` after it.

  Makes its folder; what stands at `path` stays.

  Raises:
    OSError: it cannot; `path` is named.
  """
  _refuse_folder(path)
  place = Path(os.path.realpath(path))
  try:
    place.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(place):
      pass
  except OSError as error:
    raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _refuse_folder(path):
  if os.path.isdir(path):
    code = errno.EISDIR  # etils would not say which folder
    raise IsADirectoryError(code, os.strerror(code), os.fspath(path))


def write_text(path: PathLike, text: str) -> None:
  """Writes a file as `new_file` does, in UTF-8."""
  write_bytes(path, text.encode("utf-8"))


def write_bytes(path: PathLike, content: bytes) -> None:
  """Writes a file as `new_file` does."""
  with new_file(path) as unfinished:
    unfinished.write_bytes(content)


@contextlib.contextmanager
def new_folder(path: PathLike) -> Iterator[Path]:
  """Gives a folder to fill; `path`, which is empty or not there, is it then.

  After an exception nothing is left.
  """
  place = Path(path)
  place.parent.mkdir(parents=True, exist_ok=True)
  with scratch_folder(place) as unfinished:
    yield unfinished
    for part in [*below(unfinished), unfinished]:
      _synchronise(part)
    os.rename(unfinished, place)
    _synchronise(place.parent)


@contextlib.contextmanager
def scratch_folder(path: PathLike) -> Iterator[Path]:
  """Gives an empty folder beside `path`, which is gone afterwards."""
  unfinished = _beside(Path(path))
  shutil.rmtree(unfinished, ignore_errors=True)
  unfinished.mkdir()
  try:
    yield unfinished
  finally:
    shutil.rmtree(unfinished, ignore_errors=True)


def remove_unfinished(folder: PathLike) -> None:
  """Removes what processes that died left in `folder`."""
  for left in Path(folder).iterdir():
    if not _UNFINISHED.fullmatch(left.name):
      continue
    if left.is_dir():
      shutil.rmtree(left)
    else:
      left.unlink(missing_ok=True)


def append_lines(path: PathLike, lines: Iterable[str]) -> None:
  """Adds lines to the end of a log; `path` need not exist.

  A last line without an end was cut off when its writer died: it goes.
  """
  with open(path, "a+b") as file:
    file.truncate(_end_of_lines(file))
    file.write("".join(f"{line}\n" for line in lines).encode("utf-8"))


@contextlib.contextmanager
def open_from(path: PathLike, begin: int) -> Iterator[IO[bytes]]:
  """Gives a file, cut off at byte `begin`, to add to; on disk afterwards."""
  with open(path, "ab") as file:
    file.truncate(begin)
    file.seek(begin)
    yield file
    file.flush()
    os.fsync(file.fileno())


def _end_of_lines(file):
  """Returns how many bytes of a file are lines with an end."""
  end = file.seek(0, os.SEEK_END)
  while end:
    begin = max(0, end - _BLOCK)
    file.seek(begin)
    found = file.read(end - begin).rfind(b"\n")
    if found >= 0:
      return begin + found + 1
    end = begin
  return 0


@contextlib.contextmanager
def lock(path: PathLike) -> Iterator[None]:
  """Holds the lock file `path`; the system frees it when the process dies.

  Forked workers do not hold it: one that outlives its parent keeps nobody
  out.

  Raises:
    InUseError: it is held already.
  """
  # Not a POSIX lock, which a process loses when it closes any other
  # descriptor of the file, as it does after it was refused.
  descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
  _held.add(descriptor)
  try:
    try:
      fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      owner = os.read(descriptor, _BLOCK).decode("utf-8", "replace").strip()
      raise InUseError(path, owner) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()} on {os.uname().nodename}\n".encode())
    try:
      yield
    finally:
      if descriptor in _held:  # at once, whatever a fork has copied
        fcntl.flock(descriptor, fcntl.LOCK_UN)
  finally:
    if descriptor in _held:  # a forked child has closed it
      _held.discard(descriptor)
      os.close(descriptor)


def _let_go():
  """Closes what a fork copied: a lock is held as long as one of them is."""
  for descriptor in _held:
    os.close(descriptor)
  _held.clear()


os.register_at_fork(after_in_child=_let_go)


def digest(path: PathLike) -> str:
  """Returns the SHA-256 of a file, in 64 hexadecimal digits."""
  result = hashlib.sha256()
  with open(path, "rb") as file:
    while block := file.read(_BLOCK):
      result.update(block)
  return result.hexdigest()


def digests(folder: PathLike) -> dict[str, str]:
  """Returns the SHA-256 of every file below `folder` by relative path."""
  root = Path(folder)
  files = [path for path in below(root) if path.is_file()]
  return {
    path.relative_to(root).as_posix(): digest(path) for path in sorted(files)
  }


def size(path: PathLike) -> int:
  """Returns the size of a file in bytes."""
  return Path(path).stat().st_size


def free_bytes(folder: PathLike) -> int:
  """Returns how many bytes can still be written where `folder` is."""
  return shutil.disk_usage(folder).free


def below(folder: PathLike) -> Iterator[Path]:
  """Yields every file and folder below `folder`, sorted in each folder."""
  for path in sorted(Path(folder).iterdir()):
    yield path
    if path.is_dir():
      yield from below(path)


def _beside(path):
  return path.with_name(f".{path.name}.unfinished-{os.getpid()}")


def _synchronise(path):
  """Writes one file or folder to the disk, so that it survives a power loss."""
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)
