"""Finds the files of an index that are nearest to a sentence, clip or sound.

An index is what tfvssl.embed writes of media. A row stands for its pictures,
without pictures for its sound; a file for its best row. Loads TensorFlow only
where a query is embedded.
"""

import os
import re
import tokenize
from typing import NamedTuple
import zipfile

import numpy as np

from tfvssl.data.media import streams
from tfvssl.export import description as export_format
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_MODALITIES = ("video", "audio")
# Their kinds of values as NumPy names them.
_ROW_COLUMNS = {
  "path": "U",
  "start_s": "f",
  "has_video": "b",
  "has_audio": "b",
  "audio_s": "f",
}
_LONGEST_S = 1e7  # four months
_FINE_SPACE = "va"  # where video and sound meet; MMV paper Sec. 3.1


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


class Query(NamedTuple):
  """What is looked for.

  Attributes:
    modality: text, video or audio.
    vectors: `embedding` and every other space -> float32 [D]; of a file the
      mean over its windows.
    remarks: what the user must know about it, a sentence each.
  """

  modality: str
  vectors: dict[str, np.ndarray]
  remarks: list[str]


class Hit(NamedTuple):
  """A file and its best window.

  Attributes:
    path: in the index's folder.
    start_s: of the window, in seconds.
    score: cosine.
    is_sound: whether its sound was compared, as there are no pictures.
  """

  path: str
  start_s: float
  score: float
  is_sound: bool


class Result(NamedTuple):
  """What a search found.

  Attributes:
    hits: the best files, best first.
    space: in which query and files were compared.
    num_files: that were compared.
    num_left_out: files of the index that have nothing in that space.
  """

  hits: list[Hit]
  space: str
  num_files: int
  num_left_out: int


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
  try:
    _check_stored(path)
    with np.load(path, allow_pickle=False) as table:
      columns = {name: table[name] for name in table.files}
  except (
    ValueError,
    EOFError,
    OSError,
    MemoryError,  # a forged shape
    RuntimeError,  # what zipfile does not know
    SyntaxError,
    tokenize.TokenError,  # two of a damaged header
    TypeError,  # an array with an archive behind it
    zipfile.BadZipFile,
  ) as error:
    raise ValueError(f"{path} cannot be read as .npz: {error}.") from error
  _check_columns(path, columns)
  folder = path.parent / str(columns["root"])
  return Index(folder, str(columns["model"]), columns)


def _check_stored(path):
  """Raises where an array would be larger in memory than in the file."""
  with zipfile.ZipFile(path) as archive:
    for member in archive.infolist():
      if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(
          f"{member.filename!r} is compressed, which tfvssl.embed never does,"
          " as a small file could fill the memory; embed the files again"
        )


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
  for name, kind in {**embeddings, **_ROW_COLUMNS}.items():
    shape, num_axes = columns[name].shape, 1 if name in _ROW_COLUMNS else 2
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
  identity = export_format.identity(model)
  if identity != index.model:
    raise ValueError(
      f"the index was made with export {index.model:.12}, but {model} is"
      f" {identity:.12}; embeddings of two models cannot be compared. Embed"
      " the files again."
    )
  return export_format.load_description(model)


def embed_query(
  model: storage.PathLike, description: dict, query: str, trusted: bool
) -> Query:
  """Returns a query: a file where `query` names one, else a sentence.

  Args:
    model: folder of the export.
    description: of the export.
    query: path or sentence.
    trusted: whether to load a graph that may do more than compute.

  Raises:
    ValueError: a sentence that the model cannot read, or of which it knows no
      word.
    exit_codes.UserError: the file cannot be embedded, or the export may do
      more than compute (3).
  """
  if os.path.isfile(query):  # False, and no error, for what is too long
    return _embed_file(model, query, trusted)
  if not description.get("text"):
    raise ValueError(
      f"--query={query!r} is not a file, and {model} has no text network that"
      " could read it; give a clip or a sound."
    )
  max_words = description["text"]["max_words"]
  return _embed_sentence(model, query, max_words, trusted)


def _load(model, modalities, trusted):
  from tfvssl.embed import run

  return run.load(model, modalities, trusted=trusted)


def _embed_file(model, path, trusted):
  embedder = _load(model, ("video", "audio"), trusted)
  try:
    table = embedder.embed_file(path)
  except streams.MediaError as error:
    raise exit_codes.UserError(
      exit_codes.DATA, f"--query={path} cannot be embedded: {error}"
    ) from error
  modality = "video" if table["has_video"].any() else "audio"
  rows = table[f"has_{modality}"]
  vectors = {
    space: table[column][rows].mean(axis=0)
    for space, column in _spaces(embedder, modality).items()
  }
  remarks = []
  if rows.sum() > 1:
    remarks.append(f"The query is the mean of its {rows.sum()} windows.")
  return Query(modality, vectors, remarks)


def _embed_sentence(model, sentence, max_words, trusted):
  words = [word for word in sentence.split() if any(map(str.isalnum, word))]
  embedder = _load(model, ("text",), trusted)
  table = embedder.embed_sentences([sentence, *words])
  in_sentence, *of_words = table["text_known_words"].tolist()
  if not in_sentence:
    raise ValueError(
      f"--query={sentence!r} is not a file, and as a sentence it has no word"
      " that the model knows; try other words."
    )
  unknown = [w for w, known in zip(words, of_words, strict=True) if not known]
  remarks = []
  if unknown:
    names = ", ".join(dict.fromkeys(unknown))
    remarks.append(f"The model does not know these words: {names}.")
  if sum(of_words) > in_sentence:
    remarks.append(f"The model reads {max_words} words of a sentence.")
  vectors = {
    space: table[column][0]
    for space, column in _spaces(embedder, "text").items()
  }
  return Query("text", vectors, remarks)


def _spaces(embedder, modality):
  """Returns `embedding` and the other spaces with their columns."""
  prefix = f"{modality}_"
  outputs = [
    column.removeprefix(prefix) for column in embedder.columns(modality)
  ]
  names = ["embedding", *export_format.spaces(outputs)]
  return {name: prefix + name for name in names}


def shared_space(index: Index, query: Query) -> str:
  """Returns the space in which a query meets the files.

  Of a sentence that of its network; of sound `va`, where video and sound meet,
  if the network has it; else `embedding`.

  Raises:
    exit_codes.UserError: the index has nothing in the space of a sentence (3).
  """
  named = [
    space
    for space in query.vectors
    if space != "embedding"
    and any(f"{modality}_{space}" in index.columns for modality in _MODALITIES)
  ]
  if query.modality == "text":
    if not named:
      raise exit_codes.UserError(
        exit_codes.DATA,
        "no file of the index can be compared with a sentence; it has the"
        f" columns {', '.join(index.columns)}. Embed the videos, too.",
      )
    return named[0]
  if query.modality == "audio" and _FINE_SPACE in named:
    return _FINE_SPACE
  return "embedding"


def rank(index: Index, query: Query, top: int) -> Result:
  """Returns the `top` files whose best rows are nearest to a query, by cosine.

  Of equal files the first in the index comes first.

  Raises:
    exit_codes.UserError: no file can be compared, or one has an embedding
      that is not finite (3).
  """
  space = shared_space(index, query)
  scores, is_sound = _scores(index, space, query.vectors[space])
  paths, starts = index.columns["path"], index.columns["start_s"]
  order = np.argsort(-scores, kind="stable")
  _, first = np.unique(paths[order], return_index=True)
  best = order[np.sort(first)]
  found = best[scores[best] > -np.inf]
  if not len(found):
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"none of the {len(best)} files of the index has an embedding in"
      f" `{space}`, where the query is; embed their pictures or their sound.",
    )
  hits = [
    Hit(str(paths[i]), float(starts[i]), float(scores[i]), bool(is_sound[i]))
    for i in found[:top]
  ]
  return Result(hits, space, len(found), len(best) - len(found))


def _scores(index, space, vector):
  """Returns every row's cosine, -inf without one, and if it is of sound."""
  paths = index.columns["path"]
  scores = np.full(len(paths), -np.inf)
  is_sound = np.zeros(len(paths), bool)
  for modality in ("audio", "video"):  # where there are both, the pictures
    column = index.columns.get(f"{modality}_{space}")
    # `embedding` of sight and sound need not be one space.
    if column is not None and column.shape[1] == len(vector):
      rows = np.flatnonzero(index.columns[f"has_{modality}"])
      scores[rows] = _cosines(column[rows], vector)
      is_sound[rows] = modality == "audio"
  if np.isnan(scores).any():
    broken = str(paths[np.isnan(scores)][0])
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"the embedding of {broken!r} in the index is not finite; embed the"
      " files again.",
    )
  return scores, is_sound


def _cosines(rows, vector):
  """Returns the cosines of rows [N, D] with a vector [D]; 0 for zeros."""
  rows, vector = rows.astype(np.float64), vector.astype(np.float64)
  lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
  return rows @ vector / np.where(lengths > 0, lengths, 1.0)


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
