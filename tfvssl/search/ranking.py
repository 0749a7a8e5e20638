"""The files of an index that are nearest to a sentence, a clip or a sound.

A row stands for its pictures, without pictures for its sound, unless the query
says by what it is asked; a file for its best row. Knows no TensorFlow.
"""

import os
from typing import NamedTuple

import numpy as np

from tfvssl.runtime import exit_codes
from tfvssl.search import index as searching

_MODALITIES = ("video", "audio")
_FINE_SPACE = "va"  # where video and sound meet; MMV paper Sec. 3.1


class Query(NamedTuple):
  """What is looked for.

  Attributes:
    vectors: text, video or audio, or both of these -> `embedding` and every
      other space -> float32 [D]; of a file the mean over its windows.
    remarks: what the user must know about it, a sentence each.
    by: video, audio or both: pictures are compared with pictures and sound
      with sound. None: pictures or, without them, sound or the sentence with
      what stands for a row.
    file: its path; None for a sentence.
  """

  vectors: dict[str, dict[str, np.ndarray]]
  remarks: list[str]
  by: str | None = None
  file: str | None = None

  @property
  def kind(self) -> str:
    """Text, video, audio or both."""
    return "both" if len(self.vectors) > 1 else next(iter(self.vectors))


class Comparison(NamedTuple):
  """A vector of the query, and what of the files it is compared with.

  Attributes:
    space: of the vector.
    vector: float32 [D].
    modalities: the first that a row has stands for it.
  """

  space: str
  vector: np.ndarray
  modalities: tuple[str, ...]


class Hit(NamedTuple):
  """A file and its best window.

  Attributes:
    path: in the index's folder.
    start_s: of the window, in seconds.
    score: cosine; of a query by both the mean of two.
    is_sound: whether its sound alone was compared.
    label: empty where the index knows none.
  """

  path: str
  start_s: float
  score: float
  is_sound: bool
  label: str = ""


class Noise(NamedTuple):
  """How near the files of an index are to each other.

  Attributes:
    level: 95th percentile of the similarity of pairs of different files.
    num_files: whose pairs were compared; a sample where it is less than
      `of_files`.
    of_files: that could be compared.
  """

  level: float
  num_files: int
  of_files: int


class Result(NamedTuple):
  """What a search found.

  Attributes:
    hits: the best files, best first.
    space: in which query and files were compared; two with `and`.
    num_files: that were compared, without the query's own.
    num_left_out: files of the index that have nothing in that space.
    own: the query's own file, by every name that stood among the best.
    noise: None for an index of fewer than two files.
    remarks: what the user must know, a sentence each.
  """

  hits: list[Hit]
  space: str
  num_files: int
  num_left_out: int
  own: list[Hit]
  noise: Noise | None
  remarks: list[str]


def comparisons(index: searching.Index, query: Query) -> list[Comparison]:
  """Returns which vectors of a query meet what of the files, and where.

  Raises:
    exit_codes.UserError: the index has nothing in the space of a sentence (3).
  """
  found = []
  for modality, vectors in query.vectors.items():
    space = _shared_space(index, modality, vectors)
    modalities = (modality,) if query.by else _MODALITIES
    found.append(Comparison(space, vectors[space], modalities))
  return found


def _shared_space(index, modality, vectors):
  """Returns the space in which a vector meets the files.

  Of a sentence that of its network; of sound `va`, where video and sound meet,
  if the network has it; else `embedding`.
  """
  named = [
    space
    for space in vectors
    if space != "embedding"
    and any(f"{other}_{space}" in index.columns for other in _MODALITIES)
  ]
  if modality == "text":
    if not named:
      raise exit_codes.UserError(
        exit_codes.DATA,
        "no file of the index can be compared with a sentence; it has the"
        f" columns {', '.join(index.columns)}. Embed the videos, too.",
      )
    return named[0]
  if modality == "audio" and _FINE_SPACE in named:
    return _FINE_SPACE
  return "embedding"


def rank(index: searching.Index, query: Query, top: int) -> Result:
  """Returns the `top` files whose best rows are nearest to a query, by cosine.

  Of equal files the first in the index comes first. The query's own file has
  no place in the order. The noise is left out.

  Raises:
    exit_codes.UserError: no file can be compared, or one has an embedding
      that is not finite (3).
  """
  compared = comparisons(index, query)
  space = " and ".join(dict.fromkeys(part.space for part in compared))
  scores, is_sound = _scores(index, compared)
  paths = index.columns["path"]
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
  hits, own = [], []
  for row in found:
    if len(hits) == top:
      break
    hit = _hit(index, row, scores[row], is_sound[row])
    (own if _is_file(index, hit.path, query.file) else hits).append(hit)
  left_out = len(best) - len(found)
  remarks = [*query.remarks, *_left_out(left_out, space)]
  return Result(
    hits, space, len(found) - len(own), left_out, own, None, remarks
  )


def _hit(index, row, score, is_sound):
  columns = index.columns
  label = str(columns["label"][row]) if "label" in columns else ""
  start_s = float(columns["start_s"][row])
  path = str(columns["path"][row])
  return Hit(path, start_s, float(score), bool(is_sound), label)


def _is_file(index, name, file):
  """Returns whether a name of the index leads to a file, perhaps by a link."""
  own = None if file is None else searching.file_of(index, name)
  return own is not None and os.path.samefile(own, file)


def _left_out(count, space):
  if not count:
    return []
  return [
    f"{count} files of the index have no embedding in the space {space} and"
    " were not compared."
  ]


def _scores(index, compared):
  """Returns every row's score, -inf without one, and if it is of sound."""
  paths = index.columns["path"]
  total, only_sound = np.zeros(len(paths)), np.ones(len(paths), bool)
  for part in compared:
    scores = np.full(len(paths), -np.inf)
    chosen = modality_of_rows(index, part)
    for modality in part.modalities:
      rows = np.flatnonzero(chosen == modality)
      if len(rows):
        column = index.columns[f"{modality}_{part.space}"]
        scores[rows] = _cosines(column[rows], part.vector)
    total += scores / len(compared)
    only_sound &= chosen == "audio"
  if np.isnan(total).any():
    broken = str(paths[np.isnan(total)][0])
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"the embedding of {broken!r} in the index is not finite; embed the"
      " files again.",
    )
  return total, only_sound


def modality_of_rows(
  index: searching.Index, comparison: Comparison
) -> np.ndarray:
  """Returns what stands for every row, str [rows], empty where nothing does."""
  chosen = np.full(len(index.columns["path"]), "", "U5")
  for modality in reversed(comparison.modalities):
    column = index.columns.get(f"{modality}_{comparison.space}")
    # `embedding` of sight and sound need not be one space.
    if column is not None and column.shape[1] == len(comparison.vector):
      chosen[index.columns[f"has_{modality}"]] = modality
  return chosen


def _cosines(rows, vector):
  """Returns the cosines of rows [N, D] with a vector [D]; 0 for zeros."""
  rows, vector = rows.astype(np.float64), vector.astype(np.float64)
  lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
  return rows @ vector / np.where(lengths > 0, lengths, 1.0)
