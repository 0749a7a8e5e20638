"""The table of benchmarks.cross_modal: pooled queries with intervals.

Every query of every run counts once. The 95 % interval is over clips: clips
are drawn again, with replacement, and each brings its queries of all runs, as
these are not independent; seeds and what is searched stay as they are. Chance
is what random orders reach: their mean, and the range that 95 of 100 pools of
as many queries fall into.
"""

from typing import NamedTuple

import numpy as np

from tfvssl.evaluate.retrieval import ranks as zero_shot

_DRAWS = 10_000
_SEED = 0  # of the draws
_TAIL = 0.025
_ENTRIES = ("R@1", "R@5", "R@10", "median rank")
_PLAIN = (False,) * len(_ENTRIES)


class Queries(NamedTuple):
  """Where the queries of one direction find an item of their clip.

  Attributes:
    clips: int64 [Q], whose query it is.
    found: float64 [Q, G], the share of orders of equal scores that have a
      right item among the first 1, 2, ..., G.
  """

  clips: np.ndarray
  found: np.ndarray


class Run(NamedTuple):
  """One run; the keys of its dicts are names of directions.

  Attributes:
    seed: of the run.
    steps: of its training.
    about: of each direction what `describe` says.
    trained: with the trained weights.
    initial: with initial weights.
    chance: with embeddings that are all alike.
  """

  seed: int
  steps: int
  about: dict[str, dict]
  trained: dict[str, Queries]
  initial: dict[str, Queries]
  chance: dict[str, Queries]


class Row(NamedTuple):
  """Recalls at 1, 5 and 10 as shares and the median rank, float64 [4] each.

  Attributes:
    values: of all queries.
    low: lower ends of the 95 % intervals.
    high: upper ends.
  """

  values: np.ndarray
  low: np.ndarray
  high: np.ndarray

  def is_better(self, other: "Row") -> np.ndarray:
    """Returns whether the intervals are disjoint and the right way round.

    Args:
      other: what to be better than.

    Returns:
      bool [4]; a recall is better above, a rank below.
    """
    return np.append(
      self.low[:-1] > other.high[:-1], self.high[-1:] < other.low[-1:]
    )


def queries_of(
  places: zero_shot.Places, clips: np.ndarray, gallery: int
) -> Queries:
  """Returns the queries of one direction.

  Args:
    places: of Q queries.
    clips: int64 [Q], whose they are.
    gallery: how many items are searched, G.
  """
  ranks = range(1, gallery + 1)
  found = [zero_shot.found_within(rank, places) for rank in ranks]
  return Queries(clips, np.stack(found, axis=1))


def pooled(runs: list[Queries]) -> Row:
  """Returns the figures of the queries of all runs; intervals over clips.

  Near 0 and 1 the draws are nearly all the same. No upper end is therefore
  below the share with which N clips all miss in 2.5 of 100 cases, and no lower
  end above that with which all are found.
  """
  found = np.concatenate([run.found for run in runs])
  _, owners = np.unique(
    np.concatenate([run.clips for run in runs]), return_inverse=True
  )
  clips = owners.max() + 1
  sums = np.zeros([clips, found.shape[1]])
  np.add.at(sums, owners, found)
  random = np.random.default_rng(_SEED)
  times = random.multinomial(clips, np.full(clips, 1 / clips), size=_DRAWS)
  shares = times @ sums / (times @ np.bincount(owners))[:, np.newaxis]
  values = _figures(np.mean(found, axis=0, keepdims=True))[0]
  low, high = _range(_figures(shares))
  surely = _TAIL ** (1 / clips)
  high[:3] = np.maximum(high[:3], 1 - surely)
  low[:3] = np.minimum(low[:3], surely)
  return Row(values, low, high)


def chance(runs: list[Queries]) -> Row:
  """Returns the mean of random orders and the range of their pools.

  Args:
    runs: with embeddings that are all alike.
  """
  found = np.concatenate([run.found for run in runs])
  kinds, counts = np.unique(found, axis=0, return_counts=True)
  random = np.random.default_rng(_SEED)
  shares = np.zeros([_DRAWS, found.shape[1]])
  for kind, count in zip(kinds, counts):
    rank_shares = np.diff(kind, prepend=0.0)
    ranks = random.multinomial(count, rank_shares, size=_DRAWS)
    shares += np.cumsum(ranks, axis=1) / len(found)
  values = _figures(np.mean(found, axis=0, keepdims=True))[0]
  return Row(values, *_range(_figures(shares)))


def _figures(shares):
  """Returns [N, 4] of the shares found within each rank, [N, G]."""
  recalls = [shares[:, min(k, shares.shape[1]) - 1] for k in (1, 5, 10)]
  # The lower and the upper of two middle ranks; 1e-9 is rounding.
  middle = np.argmax(shares >= 0.5 - 1e-9, axis=1)
  middle = middle + np.argmax(shares > 0.5 + 1e-9, axis=1)
  return np.stack([*recalls, 1 + middle / 2], axis=1)


def _range(figures):
  low, high = np.quantile(figures, [_TAIL, 1 - _TAIL], axis=0)
  return low, high


def markdown(runs: list[Run]) -> str:
  """Returns the page of the runs."""
  seeds = ", ".join(str(run.seed) for run in runs)
  lines = [
    f"Zero-shot retrieval by networks of {runs[0].steps} steps, queries of all"
    f" seeds ({seeds}) pooled. In brackets: the 95 % bootstrap interval over"
    " clips, for these seeds and these clips, widened to the exact bound near 0"
    " and 100 %; of chance the range of 95 % of random pools. Initial weights"
    " are the same networks before training, with batch norm calibrated on the"
    " test clips. An ambiguous query is a caption whose words another clip has,"
    " too, or a clip that has only such captions. Bold: better than initial"
    " weights and chance, with disjoint intervals.",
    "",
    "| " + " | ".join(["", *_ENTRIES]) + " |",
    "|---" * (1 + len(_ENTRIES)) + "|",
  ]
  for name in runs[0].about:
    lines += _section(name, runs)
  return "\n".join([*lines, ""])


def _section(name, runs):
  about = runs[0].about[name]
  title = f"{name.replace('_', ' ')}: {about['queries']} queries a seed"
  if about.get("ambiguous_queries"):
    title += f" ({about['ambiguous_queries']} ambiguous)"
  trained = pooled([run.trained[name] for run in runs])
  initial = pooled([run.initial[name] for run in runs])
  by_chance = chance([run.chance[name] for run in runs])
  is_bold = trained.is_better(initial) & trained.is_better(by_chance)
  by_seed = [pooled([run.trained[name]]).values for run in runs]
  return [
    f"| **{title} among {about['gallery']}** | | | | |",
    _line("trained", trained, is_bold),
    *([_line_of_seeds(by_seed)] if len(runs) > 1 else []),
    _line("initial weights", initial),
    _line("chance", by_chance),
  ]


def _line(title, row, is_bold=_PLAIN):
  cells = []
  for value, low, high, bold in zip(*map(_shown, row), is_bold):
    mark = "**" if bold else ""
    cells.append(f"{mark}{value}{mark} [{low}, {high}]")
  return f"| {title} | " + " | ".join(cells) + " |"


def _line_of_seeds(values):
  cells = [", ".join(column) for column in zip(*map(_shown, values))]
  return "| by seed | " + " | ".join(cells) + " |"


def _shown(figures):
  """Returns recalls in per cent and the median rank, as texts."""
  return [f"{figure:.1f}" for figure in (*100 * figures[:3], figures[3])]
