"""Folds of samples that keep those of a file together."""

from collections.abc import Sequence

import numpy as np


def split(
  labels: np.ndarray, sources: Sequence[str], folds: int
) -> list[tuple[np.ndarray, np.ndarray]]:
  """Returns the rows to fit and the rows that are held out, int64, by fold.

  Args:
    labels: int64 [N].
    sources: N names of files; a file is in one fold, each class in all.
    folds: how many at most: as many as the rarest class has files.

  Raises:
    ValueError: a class has clips of fewer than two files.
  """
  from sklearn import model_selection

  files = np.asarray(sources)
  folds = min(
    folds, *(len(set(files[labels == label])) for label in np.unique(labels))
  )
  if folds < 2:
    raise ValueError(
      "choosing C by cross-validation needs clips of at least 2 files per"
      " class; one class has 1. Use --choose_c=first_test."
    )
  splitter = model_selection.StratifiedGroupKFold(
    folds, shuffle=True, random_state=0
  )
  return list(splitter.split(labels, labels, files))
