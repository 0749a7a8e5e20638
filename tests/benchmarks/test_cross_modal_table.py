"""The arithmetic of the table of pooled queries."""

import numpy as np
import scipy.stats

from benchmarks import cross_modal_table
from tfvssl.evaluation import zero_shot


def _queries(ranks, clips=None):
  ranks = np.asarray(ranks, np.float64)
  clips = np.arange(len(ranks)) if clips is None else np.asarray(clips)
  return cross_modal_table.Queries(clips, ranks)


def test_figures_are_those_of_all_queries():
  row = cross_modal_table.pooled([_queries([1, 4, 9]), _queries([1, 20, 6])])
  np.testing.assert_allclose(row.values, [2 / 6, 3 / 6, 5 / 6, 5.0])


def test_interval_of_independent_clips_is_that_of_the_binomial():
  ranks = np.where(np.arange(200) < 60, 1, 7)
  row = cross_modal_table.pooled([_queries(ranks)])
  expected = scipy.stats.binom(200, 0.3).ppf([0.025, 0.975]) / 200
  # Its steps are 0.5 %.
  np.testing.assert_allclose([row.low[0], row.high[0]], expected, atol=0.006)
  assert row.low[2] == row.high[2] == 1.0


def test_queries_of_a_clip_stay_together():
  # Two clips, of which one is found by all its queries and the other by none:
  # 20 independent queries would give 0.3 to 0.7.
  run = _queries([1] * 5 + [20] * 5, [3] * 5 + [8] * 5)
  row = cross_modal_table.pooled([run, run])
  assert (row.low[0], row.values[0], row.high[0]) == (0.0, 0.5, 1.0)


def test_chance_is_the_mean_and_the_range_of_random_orders():
  mean = zero_shot.chance(24)._asdict()
  row = cross_modal_table.chance(72, 24, mean)
  np.testing.assert_allclose(row.values, [1 / 24, 5 / 24, 10 / 24, 12.5])
  for number, share in enumerate([1 / 24, 5 / 24, 10 / 24]):
    expected = scipy.stats.binom(72, share).ppf([0.025, 0.975]) / 72
    np.testing.assert_allclose(
      [row.low[number], row.high[number]], expected, atol=0.015
    )
  assert 8 < row.low[3] < 11 < 14 < row.high[3] < 17


def test_better_means_disjoint_intervals_and_a_smaller_rank():
  def row(low, high):
    return cross_modal_table.Row(
      np.zeros(4), np.array(low, float), np.array(high, float)
    )

  one = row([0.3, 0.3, 0.3, 2], [0.5, 0.5, 0.5, 4])
  other = row([0.0, 0.2, 0.6, 5], [0.2, 0.4, 0.7, 9])
  assert one.is_above(other).tolist() == [True, False, False, True]
  assert other.is_above(one).tolist() == [False, False, True, False]


def test_table_marks_what_is_above_chance_and_initial_weights():
  def run(seed, trained):
    about = {
      "queries": 40,
      "gallery": 40,
      "chance": zero_shot.chance(40)._asdict(),
    }
    ranks = {"audio_to_video": _queries(trained)}
    spread = {"audio_to_video": _queries(np.arange(1, 41))}
    return cross_modal_table.Run(
      seed, 7, {"audio_to_video": about}, ranks, spread
    )

  text = cross_modal_table.markdown(
    [run(0, [1] * 30 + [30] * 10), run(4, [1] * 20 + [3] * 20)]
  )
  lines = text.splitlines()
  assert lines[0].startswith("2 runs of 7 steps (seeds 0, 4)")
  assert "| **audio to video: 80 queries among 40** | | | | |" in lines
  trained, initial, chance = lines[5:8]
  assert trained.startswith("| trained | **62.5** [")
  assert "| **1.0** [1.0, " in trained
  assert initial.startswith("| initial weights | 2.5 [")
  assert chance.startswith("| chance | 2.5 [")
  assert "**" not in initial + chance
