"""Ranks, recalls and the mean of windows, by hand."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from tfvssl.evaluate.retrieval import ranks as zero_shot

_SCORES = np.array(
  [
    [0.9, 0.1, 0.5, 0.3],  # right: 0.9, the best
    [0.2, 0.4, 0.4, 0.4],  # right: 0.4, one of three best
    [0.5, 0.5, 0.1, 0.3],  # right: 0.1, the last
    [0.7, 0.2, 0.2, 0.1],  # right: 0.2, one of two after the best
  ]
)
_CORRECT = np.array([0, 3, 2, 1])


def test_ranks_by_hand():
  assert zero_shot.ranks(_SCORES, _CORRECT).tolist() == [1, 1, 4, 2]


def test_equal_scores_count_against_the_right_item():
  found = zero_shot.pessimistic_ranks(_SCORES, _CORRECT)
  assert found.tolist() == [1, 3, 4, 3]


def test_embeddings_that_are_all_alike_show_between_the_two():
  alike = np.zeros([3, 7])
  correct = np.array([2, 0, 6])
  assert zero_shot.ranks(alike, correct).tolist() == [1, 1, 1]
  assert zero_shot.pessimistic_ranks(alike, correct).tolist() == [7, 7, 7]


def test_recalls_and_median_by_hand():
  found = zero_shot.summary(np.array([1, 5, 6, 10, 11, 40, 1, 2]))
  assert found == zero_shot.Summary(2 / 8, 4 / 8, 6 / 8, 5.5)


def test_chance_is_the_mean_over_all_places():
  for count in (3, 8, 20):
    places = zero_shot.summary(np.arange(1, count + 1))
    assert zero_shot.chance(count) == pytest.approx(places)


# Two windows of each of two videos.
_WINDOWS = np.array([[3.0, 4.0], [0.0, 1.0], [2.0, 0.0], [0.0, 6.0]])


@pytest.mark.parametrize(
  ("aggregation", "expected"),
  [
    # Means (1.5, 2.5) and (1, 3); of directions (0.3, 0.9) and (0.5, 0.5).
    (
      zero_shot.Aggregation.AVERAGE_THEN_NORMALISE,
      [np.array([3, 5]) / 34**0.5, np.array([1, 3]) / 10**0.5],
    ),
    (
      zero_shot.Aggregation.NORMALISE_AVERAGE_NORMALISE,
      [np.array([1, 3]) / 10**0.5, np.array([1, 1]) / 2**0.5],
    ),
    (zero_shot.Aggregation.AVERAGE_COSINES, [[0.3, 0.9], [0.5, 0.5]]),
    (zero_shot.Aggregation.DOT_PRODUCT, [[1.5, 2.5], [1.0, 3.0]]),
  ],
)
def test_windows_by_hand(aggregation, expected):
  found = zero_shot.aggregate_windows(_WINDOWS, 2, aggregation)
  np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_scores_by_hand():
  texts = np.array([[0.0, 2.0]])
  cosines = zero_shot.scores(texts, _WINDOWS, 2)
  np.testing.assert_allclose(cosines, [[5 / 34**0.5, 3 / 10**0.5]], rtol=1e-12)
  products = zero_shot.scores(
    texts, _WINDOWS, 2, zero_shot.Aggregation.DOT_PRODUCT
  )
  np.testing.assert_allclose(products, [[5.0, 6.0]], rtol=1e-12)


def test_windows_that_cancel_score_0():
  windows = np.array([[1.0, 2.0], [-1.0, -2.0]])
  assert zero_shot.scores(np.ones([1, 2]), windows, 2).tolist() == [[0.0]]


@pytest.mark.parametrize(("rows", "windows"), [(4, 3), (4, 0)])
def test_windows_that_make_no_whole_videos(rows, windows):
  with pytest.raises(
    ValueError, match=rf"`videos` \(4 rows\) .* `windows` \({windows}\) rows"
  ):
    zero_shot.aggregate_windows(np.zeros([rows, 2]), windows)


def test_windows_that_are_no_matrix():
  with pytest.raises(
    ValueError, match=r"`videos` \(shape \[2, 3, 4\]\) must be \[rows, D\]"
  ):
    zero_shot.aggregate_windows(np.zeros([2, 3, 4]), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["texts", "videos"])
def test_embeddings_that_are_not_finite(name, value):
  rows = {"texts": np.ones([6, 2]), "videos": np.ones([6, 2])}
  rows[name][[3, 5], 1] = value
  with pytest.raises(
    ValueError, match=f"`{name}` .*, but 2 of 6 rows are not, .* is row 3;"
  ):
    zero_shot.scores(**rows, windows=3)


def test_scores_that_are_not_finite():
  scores = _SCORES.copy()
  scores[2, 0] = np.nan  # no score is above it: the rank would be too good
  with pytest.raises(ValueError, match="`scores` .* the first is row 2;"):
    zero_shot.ranks(scores, _CORRECT)


def test_right_items_that_do_not_fit():
  with pytest.raises(
    ValueError, match=r"`correct` \(shape \[3\]\) must .* \(shape \[4, 4\]\)"
  ):
    zero_shot.ranks(_SCORES, _CORRECT[:3])
  for column in (4, -1):
    with pytest.raises(
      ValueError, match=rf"`correct` \({column} in row 1\) .* 0 to 3"
    ):
      zero_shot.pessimistic_ranks(_SCORES, np.array([0, column, 2, 1]))


def test_nothing_to_rank():
  with pytest.raises(ValueError, match="`ranks` is empty"):
    zero_shot.summary(np.zeros([0], int))
  with pytest.raises(ValueError, match=r"`num_gallery` \(0\) must be at least"):
    zero_shot.chance(0)


# Clips 7, 8, 9; clip 7 has two items, which score 0.6 and 0.8 for (1, 0).
_ITEMS = np.array([[0.6, 0.8], [0.8, 0.6], [1.0, 0.0], [0.0, 1.0]])
_ITEM_CLIPS = np.array([7, 7, 8, 9])


def test_places_by_hand():
  queries = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.8, 0.6]])
  found = zero_shot.places(queries, np.array([7, 8, 9, 9]), _ITEMS, _ITEM_CLIPS)
  # Of clip 7 the better item counts, and its other one is not in the way.
  assert found.better.tolist() == [1, 0, 3, 3]
  assert found.alike.tolist() == [0, 0, 0, 0]
  assert found.right.tolist() == [1, 1, 1, 1]


def test_scores_that_only_rounding_tells_apart_are_equal():
  gallery = np.array([[1.0, 0.0]] * 4) * [[1], [1 + 1e-7], [1 - 1e-7], [0.9]]
  found = zero_shot.places(
    np.array([[1.0, 0.0]]), np.array([5]), gallery, np.array([5, 1, 5, 2])
  )
  assert [column.tolist() for column in found] == [[0], [1], [2]]


def test_many_queries_are_those_of_one_by_one():
  generator = np.random.default_rng(0)
  queries, gallery = generator.normal(size=(2, 2500, 3))
  clips = generator.permutation(2500)
  found = zero_shot.places(queries, clips, gallery, np.arange(2500))
  expected = zero_shot.ranks(queries @ gallery.T, clips)
  few = found.alike == 0  # of 6 million pairs some are within 1e-6
  assert few.mean() > 0.9
  np.testing.assert_array_equal(1 + found.better[few], expected[few])


def _all_orders(better, alike, right):
  """Returns the first right rank in every order of the equal scores."""
  items = [False] * alike + [True] * right
  return [
    better + 1 + order.index(True) for order in itertools.permutations(items)
  ]


@pytest.mark.parametrize(
  ("better", "alike", "right"),
  [(0, 0, 1), (4, 0, 1), (0, 4, 1), (2, 4, 1), (0, 4, 2), (3, 2, 4), (9, 3, 3)],
)
def test_equal_scores_give_the_mean_over_all_orders(better, alike, right):
  expected = np.array(_all_orders(better, alike, right))
  places = zero_shot.Places(*(np.array([n]) for n in (better, alike, right)))
  found = zero_shot.expected_summary(places, better + alike + right)
  assert found == pytest.approx(zero_shot.summary(expected))


def test_median_is_that_of_all_queries_in_all_orders():
  cases = [(0, 3, 1), (0, 0, 1), (5, 2, 2), (1, 0, 1)]
  orders = [np.array(_all_orders(*case)) for case in cases]
  # As many of each: 24 orders repeated to the common length.
  together = np.concatenate([np.resize(ranks, 24) for ranks in orders])
  places = zero_shot.Places(*np.array(cases).T)
  found = zero_shot.expected_summary(places, 12)
  assert found == pytest.approx(zero_shot.summary(together))


def test_without_equal_scores_it_is_the_plain_summary():
  ranks = np.array([1, 5, 6, 10, 11, 40, 1, 2])
  none = np.zeros(8, int)
  places = zero_shot.Places(ranks - 1, none, none + 1)
  assert zero_shot.expected_summary(places, 50) == zero_shot.summary(ranks)


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_embeddings_that_are_all_alike_are_at_chance(count):
  clips = np.arange(count)
  alike = np.full([count, 3], 3**-0.5)
  found = zero_shot.places(alike, clips, alike, clips)
  expected = zero_shot.all_alike(clips, clips)
  np.testing.assert_array_equal(found, expected)
  summary = zero_shot.expected_summary(found, count)
  assert summary == pytest.approx(zero_shot.chance(count))


def test_chance_of_several_right_items_by_hand():
  places = zero_shot.all_alike(np.array([7]), _ITEM_CLIPS)
  # 2 of 4 are right: first with 1/2, second with 1/2 * 2/3 = 1/3, third 1/6.
  assert zero_shot.expected_summary(places, 4) == pytest.approx(
    zero_shot.Summary(1 / 2, 1.0, 1.0, 1.5)
  )


def test_found_within_is_the_share_of_all_orders():
  # Behind 3 wrong ones, 2 right among 4 of one score: all places of the right.
  first = [3 + min(pair) for pair in itertools.combinations(range(1, 5), 2)]
  places = zero_shot.Places(np.array([3]), np.array([2]), np.array([2]))
  for rank in range(1, 8):
    share = np.mean([place <= rank for place in first])
    np.testing.assert_allclose(zero_shot.found_within(rank, places), [share])


def test_query_without_an_item_of_its_clip():
  with pytest.raises(ValueError, match="`gallery_clips` .* but clip 6 has no"):
    zero_shot.places(_ITEMS[:2], np.array([7, 6]), _ITEMS, _ITEM_CLIPS)
  with pytest.raises(ValueError, match="but clip 4 has no item"):
    zero_shot.all_alike(np.array([7, 4]), _ITEM_CLIPS)


def test_no_query():
  none = np.zeros([0], int)
  with pytest.raises(ValueError, match="at least one query"):
    zero_shot.places(_ITEMS[:0], none, _ITEMS, _ITEM_CLIPS)
  with pytest.raises(ValueError, match="at least one query"):
    zero_shot.all_alike(none, _ITEM_CLIPS)


def test_embeddings_are_named_in_the_message():
  with pytest.raises(ValueError, match=r"`audio` \(shape \[3\]\) must be"):
    zero_shot.aggregate_windows(np.zeros([3]), 1, name="audio")


def test_module_needs_no_tensorflow():
  program = (
    "import sys; from tfvssl.evaluate.retrieval import ranks;"
    " assert 'tensorflow' not in sys.modules"
  )
  subprocess.run([sys.executable, "-c", program], check=True)
