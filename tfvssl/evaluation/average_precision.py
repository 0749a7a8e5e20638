"""Mean average precision of clips that may have several labels."""

from typing import NamedTuple

import numpy as np


class Precision(NamedTuple):
  """Average precision over the classes of which a test clip is.

  Attributes:
    mean: over these classes, each with the same weight.
    per_class: column -> average precision.
  """

  mean: float
  per_class: dict[int, float]


def mean_average_precision(
  scores: np.ndarray, targets: np.ndarray
) -> Precision:
  """Returns the mean over all classes that have a positive clip.

  A class without one has no average precision and is left out.

  Args:
    scores: float [N, K], the higher the likelier.
    targets: bool [N, K].

  Raises:
    ValueError: no class has a positive clip.
  """
  from sklearn import metrics

  positive = np.flatnonzero(targets.any(axis=0))
  if not len(positive):
    raise ValueError(
      f"none of the {len(targets)} test clips is of any of the"
      f" {targets.shape[1]} classes."
    )
  per_class = {
    int(column): float(
      metrics.average_precision_score(targets[:, column], scores[:, column])
    )
    for column in positive
  }
  return Precision(float(np.mean(list(per_class.values()))), per_class)


def multi_hot(labels: np.ndarray, columns: np.ndarray) -> np.ndarray:
  """Returns bool [N, K]: which of `columns` are among a row's labels.

  Args:
    labels: int64 [N, L], filled up with -1.
    columns: int64 [K], labels.
  """
  return np.any(labels[:, :, np.newaxis] == columns, axis=1)
