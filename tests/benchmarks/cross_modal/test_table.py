"""The arithmetic of the table of pooled queries."""

import numpy as np
import pytest
import scipy.stats

from benchmarks.cross_modal import table
from tfvssl.evaluate.retrieval import ranks as zero_shot

_GALLERY = 40


def _queries(ranks, clips=None, gallery=_GALLERY):
  """Returns queries of these ranks without equal scores."""
  ranks = np.asarray(ranks)
  none = np.zeros_like(ranks)
  places = zero_shot.Places(ranks - 1, none, none + 1)
  clips = np.arange(len(ranks)) if clips is None else np.asarray(clips)
  return table.queries_of(places, clips, gallery)


def _alike(query_clips, gallery_clips):
  places = zero_shot.all_alike(query_clips, gallery_clips)
  return places, table.queries_of(places, query_clips, len(gallery_clips))


def test_figures_are_those_of_all_queries():
  row = table.pooled([_queries([1, 4, 9]), _queries([1, 20, 6])])
  np.testing.assert_allclose(row.values, [2 / 6, 3 / 6, 5 / 6, 5.0])


@pytest.mark.parametrize("seed", range(4))
def test_one_run_has_the_figures_of_the_protocol_with_equal_scores(seed):
  random = np.random.default_rng(seed)
  clips = np.repeat(np.arange(12), 2)
  rows = random.integers(0, 3, [24, 2]).astype(float) + 0.1
  rows /= np.linalg.norm(rows, axis=1, keepdims=True)
  places = zero_shot.places(rows, clips, rows[::-1], clips[::-1])
  expected = zero_shot.expected_summary(places, 24)
  row = table.pooled([table.queries_of(places, clips, 24)])
  np.testing.assert_allclose(row.values, expected)


def test_interval_of_independent_clips_is_that_of_the_binomial():
  ranks = np.where(np.arange(200) < 60, 1, 7)
  row = table.pooled([_queries(ranks)])
  expected = scipy.stats.binom(200, 0.3).ppf([0.025, 0.975]) / 200
  # Its steps are 0.5 %.
  np.testing.assert_allclose([row.low[0], row.high[0]], expected, atol=0.006)


def test_queries_of_a_clip_stay_together():
  # Two clips, of which one is found by all its queries and the other by none:
  # 20 independent queries would give 0.3 to 0.7.
  run = _queries([1] * 5 + [20] * 5, [3] * 5 + [8] * 5)
  row = table.pooled([run, run])
  assert (row.low[0], row.values[0], row.high[0]) == (0.0, 0.5, 1.0)


def test_none_and_all_are_not_certain():
  row = table.pooled([_queries([3] * 24), _queries([3] * 24)])
  # 24 clips whose share is so low (high) show none (all) in 2.5 of 100 cases.
  assert (row.low[0], row.values[0]) == (0.0, 0.0)
  assert (1 - row.high[0]) ** 24 == pytest.approx(0.025)
  assert (row.values[1], row.high[1]) == (1.0, 1.0)
  assert row.low[1] ** 24 == pytest.approx(0.025)
  one = table.pooled([_queries([1] + [3] * 23)])
  assert one.values[0] == pytest.approx(1 / 24)
  assert one.high[0] >= row.high[0]


def test_chance_is_the_mean_and_the_range_of_random_orders():
  clips = np.arange(24)
  _, alike = _alike(clips, clips)
  row = table.chance([alike] * 3)
  np.testing.assert_allclose(row.values, [1 / 24, 5 / 24, 10 / 24, 12.5])
  for number, share in enumerate([1 / 24, 5 / 24, 10 / 24]):
    expected = scipy.stats.binom(72, share).ppf([0.025, 0.975]) / 72
    # Its steps are 1 / 72.
    np.testing.assert_allclose(
      [row.low[number], row.high[number]], expected, atol=0.014
    )
  # The median is above m where at most 35 of 72 queries have ranks up to m.
  ranks = np.arange(25)
  below = scipy.stats.binom(72, ranks / 24).sf(35)
  assert abs(row.low[3] - np.argmax(below >= 0.025)) <= 0.5
  assert abs(row.high[3] - np.argmax(below >= 0.975)) <= 0.5


def test_chance_counts_several_right_items():
  queries, items = np.arange(8), np.repeat(np.arange(8), 5)
  places, alike = _alike(queries, items)
  row = table.chance([alike, alike])
  np.testing.assert_allclose(
    row.values, zero_shot.expected_summary(places, len(items))
  )
  assert (row.low <= row.values).all() and (row.values <= row.high).all()


def test_better_means_disjoint_intervals_and_a_smaller_rank():
  def row(low, high):
    return table.Row(np.zeros(4), np.array(low, float), np.array(high, float))

  one = row([0.3, 0.3, 0.3, 2], [0.5, 0.5, 0.5, 4])
  other = row([0.0, 0.2, 0.6, 5], [0.2, 0.4, 0.7, 9])
  assert one.is_better(other).tolist() == [True, False, False, True]
  assert other.is_better(one).tolist() == [False, False, True, False]


def test_table_marks_what_is_better_than_chance_and_initial_weights():
  clips = np.arange(_GALLERY)
  _, alike = _alike(clips, clips)

  def run(seed, trained):
    about = {"queries": 40, "gallery": _GALLERY, "ambiguous_queries": 3}
    name = "audio_to_video"
    return table.Run(
      seed,
      7,
      {name: about},
      {name: _queries(trained)},
      {name: _queries(np.arange(1, 41))},
      {name: alike},
    )

  text = table.markdown(
    [run(0, [1] * 30 + [30] * 10), run(4, [1] * 20 + [3] * 20)]
  )
  lines = text.splitlines()
  assert "networks of 7 steps, queries of all seeds (0, 4) pooled." in lines[0]
  title, trained, by_seed, initial, chance = lines[4:]
  assert title == (
    "| **audio to video: 40 queries a seed (3 ambiguous) among 40** | | | | |"
  )
  assert trained.startswith("| trained | **62.5** [")
  assert "| **1.0** [1.0, " in trained
  assert by_seed == (
    "| by seed | 75.0, 50.0 | 75.0, 100.0 | 75.0, 100.0 | 1.0, 2.0 |"
  )
  assert initial.startswith("| initial weights | 2.5 [")
  assert chance.startswith("| chance | 2.5 [")
  assert "**" not in by_seed + initial + chance
  assert "by seed" not in table.markdown([run(0, [1] * 40)])
