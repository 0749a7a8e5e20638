"""Arrays of a file that np.savez wrote, read without trusting it."""

import tokenize
import zipfile
import zlib

import numpy as np

from tfvssl.runtime import storage


def read(path: storage.Path, writer: str, again: str) -> dict[str, np.ndarray]:
  """Returns every array by its name; no pickle is loaded.

  Args:
    path: of the file.
    writer: command that writes such files.
    again: what to do about one that cannot be used.

  Raises:
    ValueError: it cannot be read, or would be larger in memory than on disk.
  """
  try:
    _check_stored(path, writer, again)
    with np.load(path, allow_pickle=False) as table:
      return {name: table[name] for name in table.files}
  except (
    ValueError,
    EOFError,
    OSError,
    OverflowError,
    MemoryError,  # a forged shape
    RuntimeError,  # what zipfile does not know
    SyntaxError,
    tokenize.TokenError,  # two of a damaged header
    TypeError,  # an array with an archive behind it
    AttributeError,  # an array alone, not a table
    zipfile.BadZipFile,
    zlib.error,
  ) as error:
    raise ValueError(f"{path} cannot be read as .npz: {error}.") from error


def _check_stored(path, writer, again):
  with zipfile.ZipFile(path) as archive:
    for member in archive.infolist():
      if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(
          f"{member.filename!r} is compressed, which {writer} never does, as a"
          f" small file could fill the memory; {again}"
        )
