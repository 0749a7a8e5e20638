"""Measures of the downstream protocols against metrics.npz.

Cases are those whose keys the file holds; equal means to the last bit, but
for products of matrices, whose sums have no fixed order.
"""

import numpy as np
import pytest

from tfvssl.evaluate.classifiers import average_precision
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.retrieval import ranks as zero_shot

_SUMMARY = "R1_R5_R10_MedR"
_AGGREGATIONS = {
  "avg_then_norm": zero_shot.Aggregation.AVERAGE_THEN_NORMALISE,
  "norm_avg_norm": zero_shot.Aggregation.NORMALISE_AVERAGE_NORMALISE,
  "avg_similarity_of_normed": zero_shot.Aggregation.AVERAGE_COSINES,
  "dot_no_norm": zero_shot.Aggregation.DOT_PRODUCT,
}


@pytest.fixture(scope="module", name="vectors")
def _vectors(mmv_golden):
  return mmv_golden("metrics")


def _cases(vectors, start, end):
  """Returns what stands between `start` and `end` in the keys with both."""
  found = [
    key.removeprefix(start).removesuffix(end)
    for key in vectors
    if key.startswith(start) and key.endswith(end)
  ]
  assert found, f"the file has no {start}*{end}"
  return found


def test_every_key_is_of_a_known_kind(vectors):
  kinds = {key.split("|")[0].split("_")[0] for key in vectors}
  assert kinds == {"retr", "clips", "cls", "voc"}


def test_ranks(vectors):
  for case in _cases(vectors, "retr_", "|rank"):
    scores = vectors[f"retr_{case}|scores"]
    ranks = zero_shot.ranks(scores, np.arange(len(scores)))
    np.testing.assert_array_equal(ranks, vectors[f"retr_{case}|rank"])


def test_recalls_and_median_rank(vectors):
  rules = {
    "optimistic": zero_shot.ranks,
    "pessimistic": zero_shot.pessimistic_ranks,
  }
  for case in _cases(vectors, "retr_", f"|{_SUMMARY}"):
    name, _, ties = case.partition("|")
    scores = vectors[f"retr_{name}|scores"]
    ranks = rules[ties if ties else "optimistic"](
      scores, np.arange(len(scores))
    )
    np.testing.assert_array_equal(
      zero_shot.summary(ranks), vectors[f"retr_{case}|{_SUMMARY}"]
    )


def test_aggregations_of_windows(vectors):
  cases = _cases(vectors, "clips|", "|scores")
  assert sorted(cases) == sorted(_AGGREGATIONS)
  for case in cases:
    scores = zero_shot.scores(
      vectors["clips|text"],
      vectors["clips|video"],
      int(vectors["clips|num_clips"]),
      _AGGREGATIONS[case],
    )
    expected = vectors[f"clips|{case}|scores"]
    np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-14)
    ranks = zero_shot.ranks(scores, np.arange(len(scores)))
    np.testing.assert_array_equal(
      zero_shot.summary(ranks), vectors[f"clips|{case}|{_SUMMARY}"]
    )


def test_average_then_normalise_is_the_default(vectors):
  windows = int(vectors["clips|num_clips"])
  scores = zero_shot.scores(
    vectors["clips|text"], vectors["clips|video"], windows
  )
  expected = vectors["clips|avg_then_norm|scores"]
  np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-14)


class _Identity:
  """Stands for the scaler and the SVM: features are the decisions."""

  def transform(self, rows):
    return rows

  def decision_function(self, rows):
    return rows


def test_decisions_are_averaged_over_windows(vectors):
  decisions, labels = vectors["cls|decision"], vectors["cls|labels"]
  columns = np.arange(decisions.shape[1])
  classifier = linear_svm.Classifier(_Identity(), _Identity(), columns, True)
  scores = classifier.scores(
    decisions.reshape(len(labels), int(vectors["cls|windows"]), -1)
  )
  np.testing.assert_array_equal(scores, vectors["cls|avg"])
  accuracy = linear_svm.accuracy_of(scores, columns, labels)
  np.testing.assert_array_equal(
    [accuracy.top_1, accuracy.top_5], vectors["cls|top1_top5"]
  )


def test_eleven_point_average_precision(vectors):
  for case in _cases(vectors, "voc_", "|ap11"):
    found = average_precision.eleven_point_average_precision(
      vectors[f"voc_{case}|scores"], vectors[f"voc_{case}|labels"]
    )
    expected = vectors[f"voc_{case}|ap11"]
    assert list(found.per_class) == list(range(len(expected)))
    np.testing.assert_array_equal(list(found.per_class.values()), expected)
    assert found.mean == vectors[f"voc_{case}|map11"]


def test_area_is_another_measure(vectors):
  for case in _cases(vectors, "voc_", "|ap_area_sklearn"):
    found = average_precision.mean_average_precision(
      vectors[f"voc_{case}|scores"], vectors[f"voc_{case}|labels"] == 1
    )
    expected = vectors[f"voc_{case}|ap_area_sklearn"]
    np.testing.assert_allclose(
      list(found.per_class.values()), expected, rtol=1e-12
    )
