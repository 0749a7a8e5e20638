"""Zero-shot retrieval of videos by text: where the right video ranks.

Texts and videos are compared by cosine in the space that they share; nothing
is trained. A video's embedding is the mean over its linearly spaced clips,
the windows.
Source: MMV paper, appendix A.2, "Zero-shot text-to-video retrieval".

`ranks` is what the papers' code computes; its optimism shows where scores are
equal. `places` and `expected_summary` take every order of equal scores as
equally likely, and of several right items the first one found.
"""

import bisect
import enum
from typing import NamedTuple

import numpy as np


class Aggregation(enum.Enum):
  """How the embeddings of a video's windows become one.

  AVERAGE_THEN_NORMALISE: the mean, at length 1. Source: MMV appendix A.2.
  NORMALISE_AVERAGE_NORMALISE: the mean of directions, at length 1.
  AVERAGE_COSINES: the mean of directions, whose product with a text is the
    mean of the windows' cosines.
  DOT_PRODUCT: the mean alone, and texts keep their length, too.
  """

  AVERAGE_THEN_NORMALISE = "average_then_normalise"
  NORMALISE_AVERAGE_NORMALISE = "normalise_average_normalise"
  AVERAGE_COSINES = "average_cosines"
  DOT_PRODUCT = "dot_product"


# Cosines this near are equal: float32 embeddings tell no more apart.
_SAME_SCORE = 1e-6
# 60,000 captions x 3,000 clips would be 1.4 GB of scores.
_QUERIES_AT_ONCE = 1024
_NORMALISES_WINDOWS = (
  Aggregation.NORMALISE_AVERAGE_NORMALISE,
  Aggregation.AVERAGE_COSINES,
)
_NORMALISES_MEANS = (
  Aggregation.AVERAGE_THEN_NORMALISE,
  Aggregation.NORMALISE_AVERAGE_NORMALISE,
)


class Summary(NamedTuple):
  """How well queries find what belongs to them.

  Attributes:
    recall_at_1: share of queries whose right item ranks first.
    recall_at_5: share with the right item among the first 5.
    recall_at_10: share with the right item among the first 10.
    median_rank: of the right items; the first rank is 1.
  """

  recall_at_1: float
  recall_at_5: float
  recall_at_10: float
  median_rank: float


def scores(
  texts: np.ndarray,
  videos: np.ndarray,
  windows: int,
  aggregation: Aggregation = Aggregation.AVERAGE_THEN_NORMALISE,
) -> np.ndarray:
  """Returns how near every text is to every video, float64 [Q, V].

  Args:
    texts: float [Q, D].
    videos: float [V * W, D], all windows of a video one after the other.
    windows: W.
    aggregation: of the windows.

  Raises:
    ValueError: as `aggregate_windows`, for both kinds of embeddings.
  """
  texts = _checked(texts, "texts")
  if aggregation is not Aggregation.DOT_PRODUCT:
    texts = _unit(texts)
  return texts @ aggregate_windows(videos, windows, aggregation).T


def aggregate_windows(
  embeddings: np.ndarray,
  windows: int,
  aggregation: Aggregation = Aggregation.AVERAGE_THEN_NORMALISE,
  name: str = "videos",
) -> np.ndarray:
  """Returns one embedding per video, float64 [V, D].

  Args:
    embeddings: float [V * W, D], all windows of a video one after the other.
    windows: W.
    aggregation: the default is the paper's.
    name: of the embeddings, for the message.

  Raises:
    ValueError: another rank, rows that are not a whole number of videos, or
      values that are not finite; their row is named.
  """
  rows = _checked(embeddings, name)
  if windows < 1 or len(rows) % windows:
    raise ValueError(
      f"`{name}` ({len(rows)} rows) must hold `windows` ({windows}) rows of"
      " every video; give the number of windows that they were embedded with."
    )
  if aggregation in _NORMALISES_WINDOWS:
    rows = _unit(rows)
  means = rows.reshape(-1, windows, rows.shape[1]).mean(axis=1)
  return _unit(means) if aggregation in _NORMALISES_MEANS else means


def _checked(embeddings, name):
  """Returns float64 [N, D]; raises unless all are finite."""
  rows = np.asarray(embeddings, np.float64)
  if rows.ndim != 2:
    raise ValueError(
      f"`{name}` (shape {list(rows.shape)}) must be [rows, D]; flatten or"
      " stack the embeddings."
    )
  _check_finite(rows, name)
  return rows


def _check_finite(rows, name):
  broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
  if len(broken):
    raise ValueError(
      f"`{name}` must be finite, but {len(broken)} of {len(rows)} rows are"
      f" not, the first is row {broken[0]}; the weights or that input are"
      " broken."
    )


def _unit(rows):
  """Returns rows of length 1; a row of zeros stays one, with score 0."""
  norms = np.linalg.norm(rows, axis=1, keepdims=True)
  return rows / np.where(norms > 0, norms, 1.0)


def ranks(scores: np.ndarray, correct: np.ndarray) -> np.ndarray:
  """Returns 1 + the number of items that score higher than the right one.

  Optimistic: of equal scores the right one counts as the best, so embeddings
  that are all alike rank first everywhere; `pessimistic_ranks` shows it.
  Source: the ranks of DMVR's retrieval.

  Args:
    scores: float [Q, G], the higher the nearer.
    correct: int [Q], the column of every row's right item.

  Returns:
    int64 [Q], from 1 to G.

  Raises:
    ValueError: shapes do not match, a column does not exist, or scores are
      not finite; their row is named.
  """
  scores, right = _right_scores(scores, correct)
  return 1 + np.sum(scores > right, axis=1)


def pessimistic_ranks(scores: np.ndarray, correct: np.ndarray) -> np.ndarray:
  """Returns `ranks` with the right item last among equal scores, int64 [Q].

  Args:
    scores: float [Q, G], the higher the nearer.
    correct: int [Q], the column of every row's right item.

  Raises:
    ValueError: as `ranks`.
  """
  scores, right = _right_scores(scores, correct)
  return np.sum(scores >= right, axis=1)


def _right_scores(scores, correct):
  """Returns the scores and those of the right items, [Q, G] and [Q, 1]."""
  scores, correct = np.asarray(scores), np.asarray(correct)
  if scores.ndim != 2 or correct.shape != scores.shape[:1]:
    raise ValueError(
      f"`correct` (shape {list(correct.shape)}) must hold one column for each"
      f" row of `scores` (shape {list(scores.shape)}), [Q] and [Q, G]."
    )
  outside = np.flatnonzero((correct < 0) | (correct >= scores.shape[1]))
  if len(outside):
    raise ValueError(
      f"`correct` ({correct[outside[0]]} in row {outside[0]}) must be a column"
      f" of `scores`, 0 to {scores.shape[1] - 1}."
    )
  _check_finite(scores, "scores")
  return scores, np.take_along_axis(scores, correct[:, np.newaxis], axis=1)


def summary(ranks: np.ndarray) -> Summary:
  """Returns recalls and median of ranks, int [Q].

  Raises:
    ValueError: there are no ranks.
  """
  if not len(ranks):
    raise ValueError("`ranks` is empty; there must be at least one query.")
  first, fifth, tenth = (float(np.mean(ranks <= k)) for k in (1, 5, 10))
  return Summary(first, fifth, tenth, float(np.median(ranks)))


def chance(num_gallery: int) -> Summary:
  """Returns what a random order of `num_gallery` items reaches on average.

  Raises:
    ValueError: no item.
  """
  if num_gallery < 1:
    raise ValueError(
      f"`num_gallery` ({num_gallery}) must be at least 1, the right item."
    )
  first, fifth, tenth = (min(1.0, k / num_gallery) for k in (1, 5, 10))
  return Summary(first, fifth, tenth, (num_gallery + 1) / 2)


class Places(NamedTuple):
  """Where the first right item of every query may rank, as far as scores tell.

  It is one of `right` items among `alike` wrong ones, all of the same score,
  behind `better` wrong ones.

  Attributes:
    better: int64 [Q], wrong items above the best right one.
    alike: int64 [Q], wrong items of the same score.
    right: int64 [Q], right items of that score, at least 1.
  """

  better: np.ndarray
  alike: np.ndarray
  right: np.ndarray


def places(
  queries: np.ndarray,
  query_clips: np.ndarray,
  gallery: np.ndarray,
  gallery_clips: np.ndarray,
) -> Places:
  """Returns where the queries find an item of their own clip.

  Args:
    queries: float [Q, D], of length 1.
    query_clips: int [Q], whose they are.
    gallery: float [G, D], of length 1.
    gallery_clips: int [G]; a clip may have several items, of which the best
      counts.

  Raises:
    ValueError: a query has no item of its clip; it is named.
  """
  parts = []
  for begin in range(0, len(queries), _QUERIES_AT_ONCE):
    rows = slice(begin, begin + _QUERIES_AT_ONCE)
    own = _own(query_clips[rows], gallery_clips)
    scores = queries[rows] @ gallery.T
    best = np.max(scores, axis=1, keepdims=True, where=own, initial=-np.inf)
    above = scores - best
    parts.append(
      [
        np.sum(~own & (above > _SAME_SCORE), axis=1),
        np.sum(~own & (np.abs(above) <= _SAME_SCORE), axis=1),
        np.sum(own & (above >= -_SAME_SCORE), axis=1),
      ]
    )
  return _joined(parts)


def all_alike(query_clips: np.ndarray, gallery_clips: np.ndarray) -> Places:
  """Returns the places where all embeddings are the same: chance.

  Args:
    query_clips: int [Q].
    gallery_clips: int [G].

  Raises:
    ValueError: as `places`.
  """
  parts = []
  for begin in range(0, len(query_clips), _QUERIES_AT_ONCE):
    own = _own(query_clips[begin : begin + _QUERIES_AT_ONCE], gallery_clips)
    right = np.sum(own, axis=1)
    parts.append([np.zeros_like(right), len(gallery_clips) - right, right])
  return _joined(parts)


def _own(query_clips, gallery_clips):
  """Returns whether an item is of the query's clip, bool [Q, G]."""
  own = query_clips[:, np.newaxis] == gallery_clips
  lacking = np.flatnonzero(~own.any(axis=1))
  if len(lacking):
    raise ValueError(
      f"`gallery_clips` must hold the clip of every query, but clip"
      f" {query_clips[lacking[0]]} has no item; leave its query out."
    )
  return own


def _joined(parts):
  if not parts:
    raise ValueError("there must be at least one query.")
  return Places(*(np.concatenate(column) for column in zip(*parts)))


def expected_summary(places: Places, num_gallery: int) -> Summary:
  """Returns recalls and median rank, every order of equal scores as likely.

  A recall is the mean over all orders. The median is that of the ranks of all
  queries in all orders. Without equal scores both are those of `summary`; with
  embeddings that are all alike they are those of `chance`.

  Args:
    places: of the queries.
    num_gallery: G, the last rank.
  """

  def recall(rank):
    return float(np.mean(found_within(rank, places)))

  ranks = range(1, num_gallery + 1)
  # The lower and the upper of two middle ranks; 1e-9 is rounding.
  low = bisect.bisect_left(ranks, 0.5 - 1e-9, key=recall)
  high = bisect.bisect_right(ranks, 0.5 + 1e-9, key=recall)
  median = (ranks[low] + ranks[high]) / 2
  return Summary(recall(1), recall(5), recall(10), median)


def found_within(rank: int, places: Places) -> np.ndarray:
  """Returns the share of orders with a right item up to `rank`, float64 [Q].

  Of A wrong and R right items of one score, the first j hold no right one in
  C(A, j) / C(A + R, j) = prod_{i=1..R} (A + i - j) / (A + i) of the orders.
  """
  among = np.maximum(rank - places.better, 0)  # j
  missed = np.ones(len(among))
  for number in range(1, int(places.right.max()) + 1):
    size = places.alike + number
    factor = np.maximum(size - among, 0) / size
    missed *= np.where(number <= places.right, factor, 1.0)
  return 1.0 - missed
