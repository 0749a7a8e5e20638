"""An index of embedded files, as tfvssl.embed writes it; no TensorFlow."""

import os
import re
from typing import NamedTuple

import numpy as np

from tfvssl.export import description as export_format
from tfvssl.runtime import npz
from tfvssl.runtime import storage

# Their kinds of values as NumPy names them.
_ROW_COLUMNS = {
  "path": "U",
  "start_s": "f",
  "has_video": "b",
  "has_audio": "b",
  "audio_s": "f",
}
_LABEL = {"label": "U"}  # of files whose embedding knew some
_LONGEST_S = 1e7  # four months


class Index(NamedTuple):
  """Embedded files.

  Attributes:
    folder: of the files.
    model: export_format.identity of the export that made the embeddings.
    columns: of tfvssl.embed.
  """

  folder: storage.Path
  model: str
  columns: dict[str, np.ndarray]


def load_index(file: storage.PathLike) -> Index:
  """Returns what tfvssl.embed wrote of media.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is not such a table, or an older one.
  """
  path = storage.Path(file)
  if not path.is_file():
    raise FileNotFoundError(
      f"--index={path} is not a file; make it with tfvssl.embed --input."
    )
  columns = npz.read(path, "tfvssl.embed", "embed the files again")
  _check_columns(path, columns)
  folder = path.parent / str(columns["root"])
  return Index(folder, str(columns["model"]), columns)


def _check_columns(path, columns):
  """Raises where a table has not the columns that `rank` needs."""
  for name, values in columns.items():
    if not isinstance(values, np.ndarray):  # has not begun as an array does
      raise ValueError(f"{path}: column {name} is no array; embed anew.")
  lacking = [name for name in _ROW_COLUMNS if name not in columns]
  if lacking:
    raise ValueError(
      f"{path} has no column {', '.join(lacking)}: it is not a table of files;"
      " make one with tfvssl.embed --input."
    )
  if not {"model", "root"} <= set(columns):
    raise ValueError(
      f"{path} does not say which model made it: an older tfvssl.embed wrote"
      " it. Embed the files again."
    )
  count = columns["path"].size
  embeddings = dict.fromkeys(
    (name for name in columns if name.startswith(("video_", "audio_"))), "f"
  )
  rows = {**_ROW_COLUMNS, **(_LABEL if "label" in columns else {})}
  for name, kind in {**embeddings, **rows}.items():
    shape, num_axes = columns[name].shape, 1 if name in rows else 2
    if len(shape) != num_axes or shape[0] != count:
      raise ValueError(
        f"{path}: column {name} has the shape {list(shape)}, not {count} rows"
        f" of rank {num_axes}; embed the files again."
      )
    if columns[name].dtype.kind != kind:
      raise ValueError(
        f"{path}: column {name} has values of {columns[name].dtype}, of"
        f" another kind than tfvssl.embed writes; embed the files again."
      )

  for name in ("start_s", "audio_s"):
    if not ((columns[name] >= 0) & (columns[name] < _LONGEST_S)).all():
      raise ValueError(
        f"{path}: column {name} has times that are none; embed the files again."
      )


def check_model(index: Index, model: storage.PathLike) -> dict:
  """Returns the description of an export that made the index.

  Raises:
    FileNotFoundError: `model` is not an export.
    ValueError: it is another one, or damaged.
  """
  check_identity(index, export_format.identity(model), model)
  return export_format.load_description(model)


def check_identity(
  index: Index, identity: str, model: storage.PathLike
) -> None:
  """Raises ValueError where an index was made with another export.

  Args:
    index: to be searched.
    identity: of the export.
    model: its folder.
  """
  if identity != index.model:
    raise ValueError(
      f"the index was made with export {index.model:.12}, but {model} is"
      f" {identity:.12}; embeddings of two models cannot be compared. Embed"
      " the files again."
    )


def file_of(index: Index, name: str) -> storage.Path | None:
  """Returns a file of the index, None where it is not there any more.

  A name that leads out of the folder is none of embed's, and not followed.

  Args:
    index: of the file.
    name: its path in the index, where bytes that are no UTF-8 are escapes.
  """
  parts = storage.Path(name)
  if parts.is_absolute() or ".." in parts.parts:
    return None
  raw = name.encode("utf-8", "surrogatepass")
  unescaped = re.sub(
    rb"\\x([89a-f][0-9a-f])",
    lambda match: bytes.fromhex(match[1].decode()),
    raw,
  )
  for candidate in (raw, unescaped):
    file = index.folder / os.fsdecode(candidate)
    if os.path.isfile(file):
      return file
  return None
