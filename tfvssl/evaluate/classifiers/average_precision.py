"""Mean average precision where a clip or image may have several labels."""

from typing import NamedTuple

import numpy as np


class Precision(NamedTuple):
  """Average precision over the classes of which a test clip or image is.

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


def eleven_point_average_precision(
  scores: np.ndarray, labels: np.ndarray
) -> Precision:
  """Returns the 11-point average precision of PASCAL VOC 2007.

  That of a class is the mean over recalls 0, 0.1, ..., 1 of the highest
  precision at that recall or more. Images of equal score enter together. A
  class without a positive image is left out.
  Source: MMV paper, appendix A.2, "Linear on PASCAL/ImageNet".

  Args:
    scores: float [N, K], the higher the likelier.
    labels: int [N, K]; 1 is positive, 0 negative, and -1 ignored. The files of
      VOC write -1 for a negative and 0 for a difficult, ignored image.

  Raises:
    ValueError: shapes differ, other labels, scores that are not finite (their
      row is named), or no class has a positive image.
  """
  _check_images(scores, labels)
  positive = np.flatnonzero((labels == 1).any(axis=0))
  if not len(positive):
    raise ValueError(
      f"`labels` ({len(labels)} images, {labels.shape[1]} classes) must have a"
      " 1; no image is of any class."
    )
  per_class = {
    int(column): _eleven_points(scores[:, column], labels[:, column])
    for column in positive
  }
  return Precision(float(np.mean(list(per_class.values()))), per_class)


def _eleven_points(scores, labels):
  """Returns the average precision of one class, [N] and [N]."""
  scores, hits = scores[labels >= 0], labels[labels >= 0]
  order = np.argsort(-scores, kind="stable")
  # A threshold lies behind the last of equal scores only.
  last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
  found = np.cumsum(hits[order])[last]
  precision = found / (last + 1)
  best = [
    # In integers: 0.3 >= 3 * 0.1 is false, and would lose a recall of 3/10.
    precision[10 * found >= tenths * found[-1]].max()
    for tenths in range(11)
  ]
  return float(np.mean(best))


def _check_images(scores, labels):
  if scores.ndim != 2 or scores.shape != labels.shape:
    raise ValueError(
      f"`labels` (shape {list(labels.shape)}) and `scores` (shape"
      f" {list(scores.shape)}) must be of one shape, [images, classes]."
    )
  other = np.setdiff1d(labels, (-1, 0, 1))
  if len(other):
    raise ValueError(
      f"`labels` ({other[0]}) must be 1, 0, or -1 for what is ignored."
    )
  broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
  if len(broken):
    raise ValueError(
      f"`scores` must be finite, but {len(broken)} of {len(scores)} rows are"
      f" not, the first is row {broken[0]}; lower the learning rate."
    )


def multi_hot(labels: np.ndarray, columns: np.ndarray) -> np.ndarray:
  """Returns bool [N, K]: which of `columns` are among a row's labels.

  Args:
    labels: int64 [N, L], filled up with -1.
    columns: int64 [K], labels.
  """
  return np.any(labels[:, :, np.newaxis] == columns, axis=1)
