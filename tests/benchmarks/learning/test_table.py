"""The arithmetic of the learning table, on cells written by hand."""

import math

import numpy as np
import pytest
import scipy.stats

from benchmarks.learning import table


def _retrieval(at_5, clips=20):
  return {
    "recall": {"1": at_5 / 4, "5": at_5},
    "chance": {"1": 1 / clips, "5": 5 / clips},
    "clips": clips,
  }


def _cell(kind, seed, right, at_5=0.5):
  """Returns a cell of ten clips, of which the first `right` are right."""
  return {
    "set": "generated",
    "kind": kind,
    "seed": seed,
    "seconds": 10.0 + seed,
    "top_1": right / 10,
    "correct": {f"clip{n}": n < right for n in range(10)},
    "train_clips": 64,
    "draws": 4,
    "retrieval": _retrieval(at_5),
    "random_retrieval": _retrieval(0.25),
  }


_BASELINES = {
  "set": "generated",
  "kind": "baselines",
  "seed": 0,
  "seconds": 5.0,
  "top_1": {"mean image": 0.125},
  "split": {
    "train_clips": 64,
    "test_clips": 10,
    "classes": 8,
    "chance": 0.125,
    "majority": 0.2,
  },
}


@pytest.mark.parametrize("count", range(2, 12))
def test_interval_is_that_of_students_t(count):
  values = np.random.default_rng(count).normal(size=count)
  found = table.interval(values.tolist())
  low, high = scipy.stats.t.interval(
    0.95, count - 1, values.mean(), scipy.stats.sem(values)
  )
  assert found.low == pytest.approx(low, abs=1e-3)
  assert found.high == pytest.approx(high, abs=1e-3)
  assert found.seeds == count


def test_one_seed_has_no_width():
  found = table.interval([0.5])
  assert (found.mean, found.low, found.high) == (0.5, -math.inf, math.inf)


@pytest.mark.parametrize("count", [0, 12])
def test_as_many_seeds_as_there_are_quantiles(count):
  with pytest.raises(ValueError, match=f"needs 1 to 11 seeds, not {count}"):
    table.interval([0.1] * count)


def test_differences_are_of_the_same_seed_and_clips():
  first = [_cell("audio", 1, 8), _cell("audio", 0, 5), _cell("audio", 7, 1)]
  second = [_cell("random", 0, 1), _cell("random", 1, 2)]
  differences = table.paired(first, second)
  assert differences == pytest.approx([0.4, 0.6])


def test_differences_of_other_clips_are_refused():
  other = _cell("random", 0, 1)
  del other["correct"]["clip3"]
  with pytest.raises(ValueError, match=r"seed 0 were tested on .*\(10 and 9\)"):
    table.paired([_cell("audio", 0, 5)], [other])


def test_page_of_a_gain():
  cells = [_BASELINES]
  for seed, (trained, initial) in enumerate([(8, 1), (9, 2), (8, 1)]):
    cells.append(_cell("audio", seed, trained, at_5=0.9))
    cells.append(_cell("random", seed, initial))
  page = table.markdown(cells, ["the command"])
  assert "\nthe command\n" in page
  assert "64 training clips and 10 test clips of 8 classes" in page
  # Mean of 0.8, 0.9, 0.8; 4.303 * 0.057735 / sqrt(3) = 0.1434.
  assert (
    "| V-A: sound, 2.56 s | 0-2 | 64 | 83.3 ± 14.3 | 70.0 ± 0.0 | 22.5 ± 0.0"
    " | 90.0 ± 0.0 | 25.0 ± 0.0 | 25.0 | 20 | 11 |"
  ) in page
  assert "| random initialisation | 0-2 |  | 13.3 ± 14.3 |  |" in page
  assert "| raw: mean image | | | 12.5 |" in page
  assert (
    "70.0 ± 0.0 points above random initialisation (83.3 ± 14.3 against 13.3 ±"
    " 14.3 %; the intervals are disjoint). A gain of 15 points with disjoint"
    " intervals is there."
  ) in page
  assert "3.6 times chance (25.0 %). Twice chance with the interval above" in (
    page
  )
  assert page.count("is there.") == 2


@pytest.mark.parametrize(
  ("trained", "at_5"),
  [
    ([3, 3, 3], [0.4, 0.4, 0.4]),  # 15 points, but neither twice chance
    ([9, 1, 9], [0.9, 0.2, 0.9]),  # the intervals overlap
  ],
)
def test_page_without_a_gain(trained, at_5):
  cells = []
  for seed, (right, share) in enumerate(zip(trained, at_5, strict=True)):
    cells.append(_cell("audio", seed, right, share))
    cells.append(_cell("random", seed, 2))
  page = table.markdown(cells, [])
  assert "disjoint intervals is not there." in page
  assert "interval above chance is not there." in page


@pytest.mark.parametrize(
  ("one_view", "two_views", "verdict"),
  [
    ([5, 5, 5], [7, 8, 7], "the paper's order shows (23.3 ± 14.3 points, 3 s"),
    ([7, 8, 7], [5, 5, 5], "the order is the reverse of the paper's (-23.3"),
    ([5, 6, 5], [6, 5, 6], "the paper's order does not show (3.3 ± 28.7"),
    ([5], [9], "the paper's order does not show (40.0 (one seed) points"),
  ],
)
def test_verdict_on_an_order(one_view, two_views, verdict):
  cells = [_cell("rgb_rc", seed, n) for seed, n in enumerate(one_view)]
  cells += [_cell("rgb_rc_2_views", s, n) for s, n in enumerate(two_views)]
  page = table.markdown(cells, [])
  assert f"- (d) K = 2 over K = 1 (paper Table 4): {verdict}" in page


def _order(better, worse):
  page = table.markdown(better + worse, [])
  (line,) = [line for line in page.splitlines() if line.startswith("- (d)")]
  return line


def _two_views(seed, right, at_5, clips=20, train_clips=64):
  cell = _cell("rgb_rc_2_views", seed, right, at_5)
  cell["train_clips"] = train_clips
  cell["retrieval"] = _retrieval(at_5, clips)
  return cell


def test_retrievals_of_an_order_are_of_the_common_seeds():
  one = [_cell("rgb_rc", 0, 5, 0.25), _cell("rgb_rc", 2, 5, 1.0)]
  two = [_two_views(0, 6, 0.5), _two_views(1, 6, 0.75)]
  assert _order(two, one) == (
    "- (d) K = 2 over K = 1 (paper Table 4): the paper's order does not show"
    " (10.0 (one seed) points, 1 seed; retrieval at 5 50.0 (one seed) (chance"
    " 25.0) against 25.0 (one seed) (chance 25.0) %)."
  )


def test_retrievals_among_other_numbers_of_clips_are_not_ordered():
  one = [_cell("rgb_rc", seed, 5, 0.25) for seed in (0, 1)]
  two = [_two_views(seed, 6, 0.5, clips=50) for seed in (0, 1)]
  line = _order(two, one)
  assert "the paper's order shows (10.0 ± 0.0 points" in line
  assert line.endswith(
    "retrieval at 5 is not comparable: 50.0 ± 0.0 (chance 10.0) % among 50"
    " clips, 25.0 ± 0.0 (chance 25.0) % among 20)."
  )


def test_variants_trained_on_other_numbers_of_clips_are_not_ordered():
  one = [_cell("rgb_rc", seed, 5) for seed in (0, 1)]
  two = [_two_views(seed, 6, 0.5, train_clips=40) for seed in (0, 1)]
  line = _order(two, one)
  assert "no order, as they were trained on 40 and 64 clips (10.0 ± 0.0" in line
  assert "paper's" not in line


def test_a_gain_compares_the_intervals_of_common_seeds():
  cells = [_cell("audio", seed, 8) for seed in (0, 1)]
  cells += [
    _cell("random", seed, right) for seed, right in enumerate([2, 2, 9])
  ]
  page = table.markdown(cells, [])
  assert "(80.0 ± 0.0 against 20.0 ± 0.0 %; the intervals are disjoint)" in page


def test_orders_need_both_rows_and_a_common_seed():
  one = table.markdown([_cell("rgb_rc", 0, 3)], [])
  assert "(d)" not in one
  page = table.markdown(
    [_cell("rgb_rc", 0, 3), _cell("rgb_rc_2_views", 1, 4)], []
  )
  assert "- (d) K = 2 over K = 1: no seed in common yet." in page


def test_every_set_has_a_section_and_seeds_with_gaps_are_listed():
  other = {**_cell("supervised", 3, 4), "set": "real"}
  cells = [_cell("supervised", seed, 3) for seed in (0, 2)] + [other]
  page = table.markdown(cells, [])
  assert page.index("## generated") < page.index("## real")
  assert "| supervised, same network and steps | 0, 2 |  | 30.0 ± 0.0 |" in page
  assert "| 3 |  | 40.0 (one seed) |" in page
