"""The SVM protocol on features whose accuracy is known beforehand."""

import numpy as np
import pytest

from tfvssl.evaluate.classifiers import linear_svm

CLASSES = ["clap", "jump", "run", "walk", "wave", "sit"]


def _samples(labels, features, files_per_clip=1):
  names = [f"{i // files_per_clip}.mp4" for i in range(len(labels))]
  return linear_svm.Samples(
    np.asarray(features, np.float32),
    np.asarray(labels),
    [f"{name}#{i}" for i, name in enumerate(names)],
    names,
  )


def _separable(per_class, seed, num_views=2):
  """One far-away centre per class; the views of a clip differ by noise."""
  random = np.random.default_rng(seed)
  labels = np.repeat(np.arange(len(CLASSES)), per_class)
  centres = 10 * np.eye(len(CLASSES), 8)
  noise = random.normal(size=[len(labels), num_views, 8])
  return _samples(labels, centres[labels][:, np.newaxis] + noise)


def _noise(per_class, seed):
  random = np.random.default_rng(seed)
  labels = np.repeat(np.arange(len(CLASSES)), per_class)
  return _samples(labels, random.normal(size=[len(labels), 2, 8]))


def test_separable_features_give_100_percent():
  result = linear_svm.accuracy(
    linear_svm.fit(_separable(10, 0), 1e-2), _separable(5, 1)
  )
  assert result.top_1 == 1.0
  assert result.top_5 == 1.0
  np.testing.assert_array_equal(result.confusion, 5 * np.eye(6, dtype=int))


def test_features_without_information_give_chance():
  result = linear_svm.accuracy(
    linear_svm.fit(_noise(40, 0), 1e-3), _noise(100, 1)
  )
  chance, trials = 1 / 6, 600
  deviation = np.sqrt(chance * (1 - chance) / trials)
  assert abs(result.top_1 - chance) < 4 * deviation
  assert result.confusion.sum() == trials


def test_scale_and_offset_of_features_do_not_matter():
  train, test = _separable(10, 0), _separable(5, 1)
  stretched = np.array([1, 10, 0.1, 100, 3, 1, 1, 1], np.float32)
  plain = linear_svm.fit(train, 1e-3).scores(test.features)
  scaled = linear_svm.fit(
    train._replace(features=train.features * stretched + 7), 1e-3
  ).scores(test.features * stretched + 7)
  # The features are float32: the offset costs their last digits.
  np.testing.assert_allclose(scaled, plain, atol=2e-3)


def test_scores_are_the_mean_of_the_windows_decisions():
  classifier = linear_svm.fit(_separable(10, 0), 1e-3)
  features = _separable(1, 2, num_views=3).features
  rows = classifier.scaler.transform(features.reshape(-1, 8))
  decisions = classifier.model.decision_function(rows).reshape(6, 3, 6)
  np.testing.assert_allclose(
    classifier.scores(features),
    (decisions[:, 0] + decisions[:, 1] + decisions[:, 2]) / 3,
  )


def test_a_wrong_window_is_outvoted_by_two_right_ones():
  classifier = linear_svm.fit(_separable(10, 0), 1e-2)
  centre = 10 * np.eye(6, 8, dtype=np.float32)
  clip = np.stack([centre[0], centre[1], centre[0]])[np.newaxis]
  assert np.argmax(classifier.scores(clip)) == 0


def test_two_classes_have_two_columns():
  train = _samples([0, 0, 1, 1], [[[-1.0]], [[-2.0]], [[1.0]], [[2.0]]])
  test = _samples([0, 1, 1], [[[-3.0]], [[3.0]], [[-3.0]]])
  result = linear_svm.accuracy(linear_svm.fit(train, 1.0), test)
  assert result.top_1 == pytest.approx(2 / 3)
  assert result.top_5 is None
  np.testing.assert_array_equal(result.confusion, [[1, 0], [1, 1]])


def test_top_k_counts_labels_among_the_best_columns():
  scores = np.array([[3.0, 2, 1], [1, 2, 3], [2, 3, 1]])
  columns = np.array([4, 7, 9])
  assert linear_svm.top_k(scores, columns, np.array([7, 7, 9]), 1) == 0
  assert linear_svm.top_k(
    scores, columns, np.array([7, 7, 9]), 2
  ) == pytest.approx(2 / 3)


def test_class_without_test_clips_keeps_its_column():
  train, test = _separable(10, 0), _separable(5, 1)
  present = test.labels != 3
  test = linear_svm.Samples(
    test.features[present],
    test.labels[present],
    list(np.array(test.clip_ids)[present]),
    list(np.array(test.sources)[present]),
  )
  result = linear_svm.accuracy(linear_svm.fit(train, 1e-2), test)
  assert result.top_1 == 1.0
  np.testing.assert_array_equal(np.diag(result.confusion), [5, 5, 5, 0, 5, 5])


def test_smallest_c_of_equal_accuracies_is_taken():
  assert linear_svm.best_c({1e-4: 0.5, 1e-3: 0.9, 1e-2: 0.9}) == 1e-3


@pytest.mark.parametrize("grid", [(1e-2, 1e-3), (1e-3, 1e-2)])
@pytest.mark.parametrize("rule", list(linear_svm.ChooseC))
def test_chosen_classifier_is_that_of_the_smallest_best_c(grid, rule):
  train, test = _separable(10, 0), _separable(5, 1)
  chosen = linear_svm.choose(train, test, grid, rule)
  assert chosen.sweep == {1e-3: 1.0, 1e-2: 1.0}
  assert list(chosen.sweep) == list(grid)
  assert chosen.c == 1e-3
  np.testing.assert_array_equal(
    chosen.classifier.model.coef_, linear_svm.fit(train, 1e-3).model.coef_
  )


def test_first_test_rule_takes_the_c_that_is_best_on_the_test_clips():
  train, test = _noise(30, 0), _noise(30, 1)
  chosen = linear_svm.choose(
    train, test, (1e-5, 1e-2, 1.0), linear_svm.ChooseC.FIRST_TEST
  )
  for c, top_1 in chosen.sweep.items():
    assert top_1 == linear_svm.accuracy(linear_svm.fit(train, c), test).top_1
  assert chosen.sweep[chosen.c] == max(chosen.sweep.values())
  assert linear_svm.accuracy(chosen.classifier, test).top_1 == max(
    chosen.sweep.values()
  )


def test_cross_validation_keeps_the_samples_of_a_file_together():
  # The features name the file and tell nothing of the class: only a split
  # inside files, which would leak, can be right more often than by chance.
  random = np.random.default_rng(0)
  labels = np.repeat(random.permutation(np.arange(60) % 2), 6)
  features = np.repeat(random.normal(size=[60, 40]), 6, axis=0)[:, np.newaxis]
  leaking = _samples(labels, features, files_per_clip=1)
  grouped = _samples(labels, features, files_per_clip=6)
  assert linear_svm.sweep_by_cross_validation(leaking, (1.0,))[1.0] > 0.9
  assert linear_svm.sweep_by_cross_validation(grouped, (1.0,))[1.0] < 0.7


def test_cross_validation_needs_two_files_per_class():
  train = _samples([0, 0, 1, 1], np.zeros([4, 1, 2]), files_per_clip=2)
  with pytest.raises(ValueError, match="at least 2 files per class; one class"):
    linear_svm.sweep_by_cross_validation(train, (1.0,))


def test_solver_that_stops_early_says_so(monkeypatch):
  monkeypatch.setitem(linear_svm.SOLVER, "max_iter", 1)
  assert not linear_svm.fit(_noise(40, 0), 1.0).converged


def test_fitting_is_repeatable():
  first = linear_svm.fit(_noise(40, 0), 1e-2).model.coef_
  np.testing.assert_array_equal(
    linear_svm.fit(_noise(40, 0), 1e-2).model.coef_, first
  )


def test_features_that_are_not_finite_name_their_clips():
  samples = _separable(2, 0)
  linear_svm.check_finite(samples, "split 1")
  samples.features[3, 1, 2] = np.nan
  samples.features[5, 0, 0] = np.inf
  with pytest.raises(
    ValueError, match="2 of 12 clips .* not finite: '3.mp4#3', '5.mp4#5'"
  ):
    linear_svm.check_finite(samples, "split 1")
