"""Linear SVM on frozen features: fit, average over test clips, choose C.

Pure NumPy and scikit-learn; where the features come from is features.py.
Source: paper appendix B; released evaluate_video_embeddings.py.
"""

import dataclasses
import enum
from typing import TYPE_CHECKING, NamedTuple
import warnings

import numpy as np
import tqdm

if TYPE_CHECKING:
  from sklearn import preprocessing
  from sklearn import svm

# liblinear minimises the same function in its primal and its dual form; 'auto'
# takes the primal one where there are more samples than features, which is
# the usual case here and the fast one. The tolerance is scikit-learn's.
SOLVER = {
  "dual": "auto",
  "tol": 1e-4,
  "max_iter": 1000,
  "loss": "squared_hinge",
  "random_state": 0,
}
FOLDS = 3


class ChooseC(enum.Enum):
  """Which clips of the first split decide on C.

  FIRST_TEST: its test clips. Source: paper appendix B ("we use the first
    split to pick the optimal value"), so split 1 is not held out.
  CROSS_VALIDATION: folds inside its training clips, so that no test label is
    used; all samples of one source file are in the same fold.
  """

  FIRST_TEST = "first_test"
  CROSS_VALIDATION = "cross_validation"


class Samples(NamedTuple):
  """Features of the clips of one record folder.

  Attributes:
    features: float32 [N, V, D]; V are the augmented epochs of a training clip
      or the windows of a test clip.
    labels: int64 [N].
    clip_ids: N names.
    sources: N names of the files that the clips were cut from.
  """

  features: np.ndarray
  labels: np.ndarray
  clip_ids: list[str]
  sources: list[str]


@dataclasses.dataclass
class Classifier:
  """A fitted scaler and SVM over the labels that were in the training set.

  Attributes:
    labels: int64 [K], sorted; the columns of `scores`.
    converged: the solver reached its tolerance.
  """

  scaler: "preprocessing.StandardScaler"
  model: "svm.LinearSVC"
  labels: np.ndarray
  converged: bool

  def scores(self, features: np.ndarray) -> np.ndarray:
    """Returns decision values [N, K], the mean over V of [N, V, D]."""
    num_clips, num_views, dim = features.shape
    rows = self.scaler.transform(features.reshape(-1, dim))
    values = self.model.decision_function(rows)
    if values.ndim == 1:  # two classes: liblinear gives one plane
      values = np.stack([-values, values], axis=-1)
    return values.reshape(num_clips, num_views, -1).mean(axis=1)


@dataclasses.dataclass
class Accuracy:
  """How one classifier does on the test clips of one split.

  Attributes:
    top_1: share of clips whose best label is right.
    top_5: share with the right label among the best five; None with five
      classes or fewer, where it would be 1 whatever the network does.
    confusion: int [K, K] counts; rows true, columns predicted labels.
    predictions: int64 [N], the best label of every test clip.
  """

  top_1: float
  top_5: float | None
  confusion: np.ndarray
  predictions: np.ndarray


def fit(samples: Samples, c: float) -> Classifier:
  """Returns the SVM of `samples`, every view of a clip being one sample."""
  from sklearn import exceptions
  from sklearn import preprocessing
  from sklearn import svm

  num_clips, num_views, dim = samples.features.shape
  scaler = preprocessing.StandardScaler()
  rows = scaler.fit_transform(samples.features.reshape(-1, dim))
  model = svm.LinearSVC(C=c, **SOLVER)
  with warnings.catch_warnings():
    # Told in the result (`converged`) for each value of C, not on stderr.
    warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
    model.fit(rows, np.repeat(samples.labels, num_views))
  converged = int(np.max(model.n_iter_)) < model.max_iter
  return Classifier(scaler, model, model.classes_, converged)


def accuracy(classifier: Classifier, test: Samples) -> Accuracy:
  """Returns top-1, top-5 and confusion of `test`; see `accuracy_of`."""
  scores = classifier.scores(test.features)
  return accuracy_of(scores, classifier.labels, test.labels)


def accuracy_of(
  scores: np.ndarray, columns: np.ndarray, labels: np.ndarray
) -> Accuracy:
  """Returns top-1, top-5 and confusion of the clips that `scores` are of.

  The label list is that of the training set, so that a class without test
  clips changes nothing; splits.keep_known has left unknown labels out.

  Args:
    scores: float [N, K], the higher the better.
    columns: int64 [K], sorted, the labels of the columns.
    labels: int64 [N].
  """
  predictions = columns[np.argmax(scores, axis=1)]
  confusion = np.zeros([len(columns), len(columns)], int)
  np.add.at(
    confusion,
    (np.searchsorted(columns, labels), np.argmax(scores, axis=1)),
    1,
  )
  return Accuracy(
    top_1=float(np.mean(predictions == labels)),
    top_5=top_k(scores, columns, labels, 5) if len(columns) > 5 else None,
    confusion=confusion,
    predictions=predictions,
  )


def top_k(
  scores: np.ndarray, columns: np.ndarray, labels: np.ndarray, k: int
) -> float:
  """Returns the share of rows whose label is among the `k` best columns."""
  best = columns[np.argsort(-scores, axis=1, kind="stable")[:, :k]]
  return float(np.mean(np.any(best == labels[:, np.newaxis], axis=1)))


class Chosen(NamedTuple):
  """The value of C that was chosen, and what it was chosen by.

  Attributes:
    c: of the highest accuracy; of equal ones the smallest.
    sweep: top-1 accuracy for every C of the grid.
    classifier: with `c`, fitted to all training clips.
  """

  c: float
  sweep: dict[float, float]
  classifier: Classifier


def choose(
  train: Samples, test: Samples, grid: tuple[float, ...], rule: ChooseC
) -> Chosen:
  """Returns the C of `grid` that `rule` prefers.

  Raises:
    ValueError: too few files for cross-validation.
  """
  if rule == ChooseC.CROSS_VALIDATION:
    sweep = sweep_by_cross_validation(train, grid)
    c = best_c(sweep)
    return Chosen(c, sweep, fit(train, c))
  sweep, best = {}, None
  for c in tqdm.tqdm(grid, desc="C on the test clips", unit=" fits"):
    classifier = fit(train, c)
    sweep[c] = accuracy(classifier, test).top_1
    if best_c(sweep) == c:
      best = Chosen(c, sweep, classifier)
  return best


def sweep_by_cross_validation(
  train: Samples, grid: tuple[float, ...], folds: int = FOLDS
) -> dict[float, float]:
  """Returns the mean held-out top-1 accuracy for every C of `grid`.

  All clips cut from one file and all augmented epochs of a clip stay in one
  fold. The views of a held-out clip are averaged, as those of a test clip.

  Raises:
    ValueError: a class has clips of fewer than two files.
  """
  from tfvssl.evaluate.classifiers import folds as files  # few ask for it

  parts = files.split(train.labels, train.sources, folds)
  bar = tqdm.tqdm(grid, desc=f"C by {len(parts)} folds", unit=" values")
  return {
    c: float(np.mean([_fold_top_1(train, c, *part) for part in parts]))
    for c in bar
  }


def _fold_top_1(train, c, fit_rows, held_out_rows):
  classifier = fit(subset(train, fit_rows), c)
  held_out = subset(train, held_out_rows)
  scores = classifier.scores(held_out.features)
  predictions = classifier.labels[np.argmax(scores, axis=1)]
  return np.mean(predictions == held_out.labels)


def subset(samples: Samples, rows: np.ndarray) -> Samples:
  """Returns some rows, chosen by their numbers, int64 [n]."""
  return Samples(
    samples.features[rows],
    samples.labels[rows],
    [samples.clip_ids[row] for row in rows],
    [samples.sources[row] for row in rows],
  )


def best_c(sweep: dict[float, float]) -> float:
  """Returns the C of the highest accuracy; of equal ones the smallest C."""
  return min(sweep, key=lambda c: (-sweep[c], c))


def check_finite(samples: Samples, split: str) -> None:
  """Checks the features.

  Raises:
    ValueError: some are NaN or infinite; it names the clips.
  """
  broken = ~np.isfinite(samples.features).all(axis=(1, 2))
  if broken.any():
    ids = [i for i, bad in zip(samples.clip_ids, broken) if bad]
    shown = ", ".join(repr(clip_id) for clip_id in ids[:5])
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    raise ValueError(
      f"{split}: {len(ids)} of {len(samples.clip_ids)} clips have features"
      f" that are not finite: {shown}{more}."
    )
