"""Average precision by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from tfvssl.evaluate.classifiers import average_precision


def test_hand_worked_ranking():
  # Class 0: positives at ranks 1 and 3: (1/1 + 2/3) / 2. Class 1: rank 2: 1/2.
  scores = np.array([[0.9, 0.8], [0.6, 0.9], [0.5, 0.1], [0.1, 0.2]])
  targets = np.array([[1, 1], [0, 0], [1, 0], [0, 0]], bool)
  precision = average_precision.mean_average_precision(scores, targets)
  assert precision.per_class == pytest.approx({0: 5 / 6, 1: 1 / 2})
  assert precision.mean == pytest.approx(2 / 3)


def test_equals_scikit_learn_over_classes_with_a_positive():
  generator = np.random.default_rng(0)
  scores = generator.normal(size=[50, 6])
  targets = generator.uniform(size=[50, 6]) < 0.2
  targets[:, 4] = False
  precision = average_precision.mean_average_precision(scores, targets)
  others = [0, 1, 2, 3, 5]
  assert list(precision.per_class) == others
  expected = metrics.average_precision_score(
    targets[:, others], scores[:, others], average="macro"
  )
  assert precision.mean == pytest.approx(expected)


def test_no_positive_clip_at_all_is_an_error():
  with pytest.raises(ValueError, match="none of the 3 test clips is of any of"):
    average_precision.mean_average_precision(
      np.zeros([3, 2]), np.zeros([3, 2], bool)
    )


def test_rows_of_labels_become_columns():
  hot = average_precision.multi_hot(
    np.array([[4, 7], [9, -1], [-1, -1]]), np.array([4, 9])
  )
  assert hot.tolist() == [[True, False], [False, True], [False, False]]


def test_eleven_points_by_hand():
  # Positives at ranks 1, 3 and 4 of 5: precision 1 up to a recall of 1/3 (0 to
  # 0.3, four points), 3/4 up to 1 (seven points), as it is above 2/3.
  scores = np.array([[0.9], [0.8], [0.7], [0.6], [0.5]])
  labels = np.array([[1], [0], [1], [1], [0]])
  found = average_precision.eleven_point_average_precision(scores, labels)
  assert found.mean == pytest.approx((4 * 1 + 7 * 3 / 4) / 11, rel=1e-12)


def test_recall_of_exactly_three_tenths_counts():
  # 3 of 10 positives come first, then 7 negatives, then the others; in floats
  # 3/10 is below 3 * 0.1.
  labels = np.array([1] * 3 + [0] * 7 + [1] * 7)[:, np.newaxis]
  scores = -np.arange(17.0)[:, np.newaxis]
  found = average_precision.eleven_point_average_precision(scores, labels)
  assert found.mean == pytest.approx((4 * 1 + 7 * 10 / 17) / 11, rel=1e-12)


def test_equal_scores_enter_together_in_any_order():
  # One threshold takes all four: precision 1/2 at every recall.
  labels = np.array([[1], [0], [0], [1]])
  for order in ([0, 1, 2, 3], [1, 2, 0, 3], [0, 3, 1, 2]):
    found = average_precision.eleven_point_average_precision(
      np.zeros([4, 1]), labels[order]
    )
    assert found.mean == pytest.approx(1 / 2, rel=1e-12)


def test_ignored_images_are_as_if_absent():
  generator = np.random.default_rng(0)
  scores = generator.normal(size=[40, 3])
  labels = generator.integers(-1, 2, size=[40, 3])
  found = average_precision.eleven_point_average_precision(scores, labels)
  for column in range(3):
    kept = labels[:, column] >= 0
    alone = average_precision.eleven_point_average_precision(
      scores[kept, column : column + 1], labels[kept, column : column + 1]
    )
    assert alone.mean == found.per_class[column]


def test_eleven_points_are_those_of_scikit_learns_curve():
  generator = np.random.default_rng(1)
  # Coarse scores: some are equal.
  scores = generator.normal(size=[60, 4]).round(1)
  labels = (generator.uniform(size=[60, 4]) < 0.25).astype(int)
  labels[:, 2] = 0
  found = average_precision.eleven_point_average_precision(scores, labels)
  assert list(found.per_class) == [0, 1, 3]
  for column, value in found.per_class.items():
    precision, recall, _ = metrics.precision_recall_curve(
      labels[:, column], scores[:, column]
    )
    # Its last point, precision 1 at recall 0, is not a threshold's.
    best = [
      precision[:-1][recall[:-1] >= tenth - 1e-9].max()
      for tenth in np.linspace(0, 1, 11)
    ]
    assert value == pytest.approx(np.mean(best), rel=1e-12)
  mean = np.mean(list(found.per_class.values()))
  assert found.mean == pytest.approx(mean, rel=1e-12)


def test_eleven_points_of_what_cannot_be_scored():
  score = average_precision.eleven_point_average_precision
  with pytest.raises(
    ValueError, match=r"`labels` \(3 images, 2 classes\) must"
  ):
    score(np.zeros([3, 2]), np.array([[0, 0], [-1, 0], [0, -1]]))
  with pytest.raises(
    ValueError, match=r"\(shape \[3, 1\]\) and `scores` \(shape \[3, 2\]\) must"
  ):
    score(np.zeros([3, 2]), np.ones([3, 1], int))
  with pytest.raises(ValueError, match=r"`labels` \(2\) must be 1, 0, or -1"):
    score(np.zeros([3, 1]), np.array([[0], [2], [1]]))
  with pytest.raises(
    ValueError, match="`scores` must be finite, but 1 of 3 .* is row 1;"
  ):
    score(np.array([[0.1], [np.nan], [0.2]]), np.array([[0], [1], [1]]))
