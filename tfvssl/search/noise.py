"""The noise level of an index: how near its files are to each other.

A score below it says little: one file is as near to another by chance. Memory
is bounded, however large the index is. Knows no TensorFlow.
"""

import numpy as np

from tfvssl.search import index as searching
from tfvssl.search import ranking

_PERCENTILE = 95
_MAX_FILES = 500  # of more, as many drawn with this seed
_SEED = 0
_MAX_WINDOWS = 50_000  # of all files; of more, evenly spread ones of each


def measure(
  index: searching.Index, comparisons: list[ranking.Comparison]
) -> ranking.Noise | None:
  """Returns the noise level, None with fewer than two files.

  Each file asks for every other one as a query would: the mean of its windows
  for the other's best window. Of more than 500 files the pairs of 500, drawn
  with a fixed seed, are taken; of more than 50,000 windows as many of each
  file as fit, evenly spread.

  Args:
    index: that is searched.
    comparisons: of the query; only spaces, sizes and modalities count.
  """
  chosen = [ranking.modality_of_rows(index, part) for part in comparisons]
  usable = np.flatnonzero(np.all([part != "" for part in chosen], axis=0))
  groups, of_files = _rows_of_files(index.columns["path"], usable)
  if len(groups) < 2:
    return None
  parts = list(zip(comparisons, chosen, strict=True))
  means = [
    _unit(
      np.stack([_rows(index, *part, group).mean(axis=0) for group in groups])
    )
    for part in parts
  ]
  best = np.zeros([len(groups), len(groups)])
  for number, group in enumerate(groups):
    scores = [
      queries @ _unit(_rows(index, *part, group)).T
      for queries, part in zip(means, parts, strict=True)
    ]
    best[:, number] = np.mean(scores, axis=0).max(axis=1)
  different = ~np.eye(len(groups), dtype=bool)
  level = float(np.percentile(best[different], _PERCENTILE))
  return ranking.Noise(level, len(groups), of_files)


def _rows_of_files(paths, usable):
  """Returns the rows of every file that is taken, and how many there are."""
  names, numbers = np.unique(paths[usable], return_inverse=True)
  files = np.arange(len(names))
  if len(names) > _MAX_FILES:
    generator = np.random.default_rng(_SEED)
    files = generator.choice(len(names), _MAX_FILES, replace=False)
  order = np.argsort(numbers, kind="stable")
  begins = np.searchsorted(numbers[order], files, "left")
  ends = np.searchsorted(numbers[order], files, "right")
  most = _MAX_WINDOWS // max(1, len(files))
  return [
    usable[order[_spread(begin, end, most)]]
    for begin, end in zip(begins, ends, strict=True)
  ], len(names)


def _spread(begin, end, most):
  """Returns at most `most` numbers from `begin` to before `end`, evenly."""
  if end - begin <= most:
    return np.arange(begin, end)
  return np.linspace(begin, end - 1, most).astype(int)


def _rows(index, comparison, chosen, rows):
  """Returns what stands for some rows, float64 [N, D]."""
  result = np.zeros([len(rows), len(comparison.vector)])
  for modality in comparison.modalities:
    here = chosen[rows] == modality
    if here.any():
      column = index.columns[f"{modality}_{comparison.space}"]
      result[here] = column[rows[here]]
  return result


def _unit(rows):
  """Returns rows [N, D] of length 1; zeros stay."""
  lengths = np.linalg.norm(rows, axis=1, keepdims=True)
  return rows / np.where(lengths > 0, lengths, 1.0)
