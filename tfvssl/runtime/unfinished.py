"""Who makes a file or folder, and what killed makers of it left.

Beside `NAME` stands the folder `.NAME.unfinished` while it is made, with a
lock that the system frees when its process dies: so what a dead maker left is
told from what a running one needs, on every host that sees the folder.
"""

from collections.abc import Iterator
import contextlib
import os
import re
import shutil

from tfvssl.runtime import storage

_LOCK = ".lock"


@contextlib.contextmanager
def held(output: storage.PathLike) -> Iterator[storage.Path]:
  """Gives the folder for what a maker of `output` keeps until it is whole.

  What killed makers left of storage.new_file and storage.new_folder is gone
  then; what they kept in the folder is there. A folder that ends empty is
  removed.

  Raises:
    ValueError: another process is making `output`.
  """
  place = storage.Path(os.path.realpath(output))
  folder = place.with_name(f".{place.name}.unfinished")
  with _alone(folder, place):
    _remove_left(place)
    try:
      yield folder
    finally:
      if [path.name for path in folder.iterdir()] == [_LOCK]:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _alone(folder, place):
  """Holds the lock of the folder, which is made."""
  while True:
    folder.mkdir(parents=True, exist_ok=True)
    try:
      with storage.lock(folder / _LOCK):
        if _is_ours(folder / _LOCK):
          yield
          return
    except storage.InUseError as error:
      raise ValueError(
        f"{place} is being made by {error.owner or 'another process'}; wait for"
        " it, or choose another --output."
      ) from error


def _is_ours(path):
  """Returns whether the lock is there; its last holder may have removed it."""
  try:
    return path.read_text().split()[:1] == [str(os.getpid())]
  except FileNotFoundError:
    return False


def _remove_left(place):
  left = re.compile(rf"\.{re.escape(place.name)}\.unfinished-\d+")
  for path in place.parent.iterdir():
    if left.fullmatch(path.name):
      if path.is_dir():
        shutil.rmtree(path)
      else:
        path.unlink(missing_ok=True)
