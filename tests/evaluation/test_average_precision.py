"""Average precision by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from tfvssl.evaluation import average_precision


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
