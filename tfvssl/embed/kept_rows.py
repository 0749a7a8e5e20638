"""Rows of a table that is not whole yet, on disk, so that it can go on.

Beside the output stands a folder with two files of the digest of what the rows
depend on: `DIGEST.rows`, the values of one source after the other, and
`DIGEST.jsonl`, a line for each source whose rows are there. A source is a media
file or a block of sentences. Memory holds the rows of one source.
"""

from collections.abc import Callable, Iterator
import contextlib
import hashlib
import json
import math
from typing import IO, NamedTuple
import zipfile

from absl import logging
import numpy as np

from tfvssl.embed import embedder as embedding
from tfvssl.runtime import storage
from tfvssl.runtime import unfinished

Table = dict[str, np.ndarray]
# Of one source: its rows, and why it has none.
Computed = tuple[Table, list[embedding.Skipped]]


class _Column(NamedTuple):
  """A column of one source: kind of values, shape behind [rows], place."""

  dtype: str
  shape: list[int]
  begin: int


class _Entry(NamedTuple):
  """What is kept of one source."""

  key: list
  rows: int
  end: int
  columns: dict[str, _Column]
  skipped: list[embedding.Skipped]


class KeptRows:
  """The rows of all sources so far, in their order.

  Attributes:
    folder: where they are.
  """

  def __init__(self, folder: storage.Path, about: object):
    """Finds what an equal table has kept, and removes what another has.

    Args:
      folder: of unfinished.held.
      about: everything but the sources that the rows depend on, as JSON.
    """
    text = json.dumps(about, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    self.folder = folder
    self._journal = folder / f"{name}.jsonl"
    self._values = folder / f"{name}.rows"
    for path in folder.glob("*.*"):
      if path.suffix in (".jsonl", ".rows") and path.stem != name:
        path.unlink()
    self._kept = list(self._read())
    self._next = 0
    if self._kept:
      rows = sum(entry.rows for entry in self._kept)
      logging.info("%d rows were embedded before; going on", rows)
      self._write_journal()  # without what follows a line that is not whole
    else:
      self.remove()

  def _read(self) -> Iterator[_Entry]:
    """Yields what is whole; a kill may have cut off the last line."""
    if not self._journal.is_file() or not self._values.is_file():
      return
    size = storage.size(self._values)
    for line in self._journal.read_text(encoding="utf-8").splitlines():
      try:
        entry = _entry(**json.loads(line))
      except (ValueError, TypeError, AttributeError):
        return
      if entry.end > size:
        return
      yield entry

  def add(self, key: list, compute: Callable[[], Computed]) -> None:
    """Keeps the rows of the next source, unless they are there.

    Args:
      key: what tells the source from any other, as JSON.
      compute: returns its rows.
    """
    kept = self._kept[self._next : self._next + 1]
    if not kept or kept[0].key != key:
      self._forget()
      self._append(key, *compute())
    self._next += 1

  def _forget(self):
    """Drops what comes after the last source that was added."""
    if self._next < len(self._kept):
      del self._kept[self._next :]
      self._write_journal()

  def _write_journal(self):
    lines = [_line(entry) + "\n" for entry in self._kept]
    storage.write_text(self._journal, "".join(lines))

  def _append(self, key, table, skipped):
    begin = self._kept[-1].end if self._kept else 0
    columns = {}
    with storage.open_from(self._values, begin) as file:
      for name, values in table.items():
        columns[name] = _Column(
          values.dtype.str, list(values.shape[1:]), file.tell()
        )
        file.write(values.tobytes())
      end = file.tell()
    rows = len(next(iter(table.values()), ()))
    entry = _Entry(key, rows, end, columns, skipped)
    storage.append_lines(self._journal, [_line(entry)])
    self._kept.append(entry)

  @property
  def rows(self) -> int:
    """Returns the number of rows of the sources that were added."""
    return sum(entry.rows for entry in self._kept[: self._next])

  @property
  def first(self) -> str:
    """Returns what the key of the first source with rows begins with."""
    return next(x.key[0] for x in self._kept[: self._next] if x.rows)

  @property
  def skipped(self) -> list[embedding.Skipped]:
    """Returns the sources without rows that were added."""
    return [
      item for entry in self._kept[: self._next] for item in entry.skipped
    ]

  def write(self, output: storage.Path, others: Table) -> None:
    """Writes the table as .npz, which appears whole, and forgets the rows.

    Its bytes are those of numpy.savez. A source that lacks a column has zeros
    there, or empty text.

    Args:
      output: the file.
      others: arrays beside the rows.
    """
    self._forget()
    names = dict.fromkeys(n for entry in self._kept for n in entry.columns)
    with (
      storage.new_file(output) as path,
      zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive,
      self._values.open("rb") as values,
    ):
      for name in names:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
          self._write_column(name, values, member)
      for name, array in others.items():
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
          np.lib.format.write_array(member, array, allow_pickle=False)
    self.remove()

  def remove(self) -> None:
    """Removes what was kept."""
    self._values.unlink(missing_ok=True)
    self._journal.unlink(missing_ok=True)

  def _write_column(self, name: str, values: IO[bytes], member: IO[bytes]):
    held = [e.columns[name] for e in self._kept if name in e.columns]
    dtype = np.result_type(*(np.dtype(column.dtype) for column in held))
    header = {
      "descr": np.lib.format.dtype_to_descr(dtype),
      "fortran_order": False,
      "shape": (self.rows, *held[0].shape),
    }
    np.lib.format.write_array_header_1_0(member, header)
    for entry in self._kept:
      shape = [entry.rows, *held[0].shape]
      column = entry.columns.get(name)
      if column is None:
        part = np.zeros(shape, dtype)
      else:
        values.seek(column.begin)
        kind = np.dtype(column.dtype)
        content = values.read(math.prod(shape) * kind.itemsize)
        part = np.frombuffer(content, kind).reshape(shape)
      member.write(part.astype(dtype).tobytes())


def _line(entry):
  return json.dumps(entry._asdict())


def _entry(key, rows, end, columns, skipped):
  return _Entry(
    key,
    rows,
    end,
    {name: _Column(*column) for name, column in columns.items()},
    [embedding.Skipped(*item) for item in skipped],
  )


@contextlib.contextmanager
def opened(output: storage.Path, about: object) -> Iterator[KeptRows]:
  """Gives the rows that are kept for `output`, which nobody else makes then.

  Args:
    output: the .npz file; its folder is made.
    about: see KeptRows.

  Raises:
    ValueError: another process is making it.
  """
  with unfinished.held(output) as folder:
    yield KeptRows(folder, about)
