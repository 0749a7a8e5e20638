"""The table of benchmarks/cross_modal.py: pooled queries with intervals.

Every query of every run counts once. The 95 % interval is over clips: clips
are drawn again, with replacement, and each brings its queries of all runs, as
these are not independent. Chance is what random orders reach: their mean, and
the range that 95 of 100 pools of as many queries fall into.
"""

from typing import NamedTuple

import numpy as np

_DRAWS = 10_000
_SEED = 0  # of the draws
_QUANTILES = (2.5, 97.5)
_ENTRIES = ("R@1", "R@5", "R@10", "median rank")
_KINDS = ("trained", "initial")


class Queries(NamedTuple):
  """Where the queries of one direction find an item of their clip.

  Attributes:
    clips: int64 [Q], whose query it is.
    ranks: float64 [Q], from 1; with equal scores the mean of what is possible.
  """

  clips: np.ndarray
  ranks: np.ndarray


class Run(NamedTuple):
  """One run.

  Attributes:
    seed: of the run.
    steps: of its training.
    directions: name to cross_modal.describe's tree.
    trained: name of a direction to its queries.
    initial: the same with initial weights.
  """

  seed: int
  steps: int
  directions: dict[str, dict]
  trained: dict[str, Queries]
  initial: dict[str, Queries]


class Row(NamedTuple):
  """Four figures with their 95 % interval; recalls as shares.

  Attributes:
    values: float [4]: recall at 1, 5 and 10, and the median rank.
    low: float [4].
    high: float [4].
  """

  values: np.ndarray
  low: np.ndarray
  high: np.ndarray

  def is_above(self, other: "Row") -> np.ndarray:
    """Returns whether figures are better and intervals disjoint, bool [4]."""
    better = self.low > other.high
    better[-1] = self.high[-1] < other.low[-1]  # of a rank less is better
    return better


def pooled(queries: list[Queries]) -> Row:
  """Returns the figures of the queries of all runs; intervals over clips."""
  ranks = np.concatenate([run.ranks for run in queries])
  _, owners = np.unique(
    np.concatenate([run.clips for run in queries]), return_inverse=True
  )
  of_clip = [np.flatnonzero(owners == clip) for clip in range(owners.max() + 1)]
  random = np.random.default_rng(_SEED)
  draws = [
    _figures(ranks[np.concatenate([of_clip[clip] for clip in drawn])])
    for drawn in random.integers(len(of_clip), size=(_DRAWS, len(of_clip)))
  ]
  return Row(_figures(ranks), *np.percentile(draws, _QUANTILES, axis=0))


def chance(num_queries: int, gallery: int, mean: dict[str, float]) -> Row:
  """Returns what random orders reach.

  Args:
    num_queries: of one run, times the number of runs.
    gallery: items that are searched.
    mean: zero_shot.Summary as a dict, of random orders.
  """
  random = np.random.default_rng(_SEED)
  draws = [
    _figures(random.integers(1, gallery + 1, num_queries))
    for _ in range(_DRAWS)
  ]
  return Row(
    np.array(list(mean.values())), *np.percentile(draws, _QUANTILES, axis=0)
  )


def _figures(ranks):
  recalls = [np.mean(ranks <= most) for most in (1, 5, 10)]
  return np.array([*recalls, np.median(ranks)])


def markdown(runs: list[Run]) -> str:
  """Returns the table of the runs as a page."""
  seeds = ", ".join(str(run.seed) for run in runs)
  lines = [
    f"{len(runs)} runs of {runs[0].steps} steps (seeds {seeds}); in brackets"
    " the 95 % interval.",
    "",
    "| " + " | ".join(["", *_ENTRIES]) + " |",
    "|---" * 5 + "|",
  ]
  for name, about in runs[0].directions.items():
    rows = {
      kind: pooled([getattr(run, kind)[name] for run in runs])
      for kind in _KINDS
    }
    count = about["queries"] * len(runs)
    by_chance = chance(count, about["gallery"], about["chance"])
    above = rows["trained"].is_above(by_chance)
    above &= rows["trained"].is_above(rows["initial"])
    words = f"{name.replace('_', ' ')}: {count} queries among"
    lines.append(f"| **{words} {about['gallery']}** | | | | |")
    lines.append(_line("trained", rows["trained"], above))
    lines.append(_line("initial weights", rows["initial"]))
    lines.append(_line("chance", by_chance))
  lines += ["", "Bold: better than both, with disjoint intervals.", ""]
  return "\n".join(lines)


def _line(title, row, is_bold=(False,) * 4):
  cells = []
  for number, (value, low, high) in enumerate(zip(*row)):
    scale = 1 if number == 3 else 100
    text = f"{scale * value:.1f}"
    bold = "**" if is_bold[number] else ""
    cells.append(f"{bold}{text}{bold} [{scale * low:.1f}, {scale * high:.1f}]")
  return f"| {title} | " + " | ".join(cells) + " |"
