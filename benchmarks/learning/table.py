"""From the cells of benchmarks.learning to its table: only arithmetic.

A cell is the result of one network on one set of clips, a JSON tree. The
sample of every interval are the seeds of pretraining, never the clips or the
draws of views: t-distribution, 95 %.
"""

from collections.abc import Iterable
import math
from typing import NamedTuple

import numpy as np

from benchmarks.learning import variants as learning_variants

RANDOM, SUPERVISED, BASELINES = "random", "supervised", "baselines"
# 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_GAIN_POINTS = 15.0  # that sound and flow must gain on generated clips
_CHANCE_FACTOR = 2.0  # that retrieval at 5 must reach


class Interval(NamedTuple):
  """Mean and half the width of its 95 % interval over `seeds` seeds."""

  mean: float
  half: float
  seeds: int

  @property
  def low(self) -> float:
    """Lower end; minus infinity with one seed."""
    return self.mean - self.half

  @property
  def high(self) -> float:
    """Upper end."""
    return self.mean + self.half


def interval(values: list[float]) -> Interval:
  """Returns the t-interval of the values; infinitely wide with one of them.

  Raises:
    ValueError: no value, or more seeds than the table of quantiles has.
  """
  count = len(values)
  if not 1 <= count <= len(_T) + 1:
    raise ValueError(
      f"an interval needs 1 to {len(_T) + 1} seeds, not {count}."
    )
  if count == 1:
    return Interval(values[0], math.inf, 1)
  half = _T[count - 2] * float(np.std(values, ddof=1)) / math.sqrt(count)
  return Interval(float(np.mean(values)), half, count)


def paired(first: list[dict], second: list[dict]) -> list[float]:
  """Returns by seed how much more clips the first gets right, as a share.

  Args:
    first: cells with `correct`, clip to whether it was classified right.
    second: cells to compare with; only seeds that both have count.

  Raises:
    ValueError: the two cells of a seed were tested on different clips.
  """
  differences = []
  for cell, other in zip(*_of_common_seeds(first, second), strict=True):
    mine, theirs = cell["correct"], other["correct"]
    if mine.keys() != theirs.keys():
      raise ValueError(
        f"cells of seed {cell['seed']} were tested on different clips"
        f" ({len(mine)} and {len(theirs)}); remove them and run again."
      )
    differences.append(
      float(np.mean([int(mine[clip]) - int(theirs[clip]) for clip in mine]))
    )
  return differences


def _of_common_seeds(first, second):
  """Returns the cells of both whose seed the others have too, by seed."""
  common = {c["seed"] for c in first} & {c["seed"] for c in second}
  return [
    sorted(
      [cell for cell in cells if cell["seed"] in common],
      key=lambda cell: cell["seed"],
    )
    for cells in (first, second)
  ]


def markdown(cells: list[dict], about: list[str]) -> str:
  """Returns the whole page.

  Args:
    cells: of all sets.
    about: lines on command, seeds and machine.
  """
  sets = list(dict.fromkeys(cell["set"] for cell in cells))
  lines = [
    "# What small BraVe variants learn",
    "",
    "Written by `python -m benchmarks.learning`; do not edit.",
    "",
    *about,
    "",
    "Top-1 is the linear SVM on frozen features of the narrow network, C"
    " chosen by folds inside the training clips. Retrieval: how often the"
    " prediction of a held-out clip's narrow view finds the broad view of the"
    " same clip among all held-out clips, cosine, mean of"
    f" {_draws(cells)} draws of views, augmented as in pretraining. `random`"
    " is the same network with initial weights of the same seed, batch norm"
    " calibrated. ± is half the 95 % t-interval over seeds of pretraining;"
    " differences are paired by seed and clip. Times are of one process,"
    " training and evaluation.",
  ]
  for name in sets:
    lines += ["", *_section(name, [c for c in cells if c["set"] == name])]
  return "\n".join(lines) + "\n"


def _draws(cells):
  found = {cell["draws"] for cell in cells if "draws" in cell}
  return " or ".join(str(count) for count in sorted(found)) or "no"


def _section(name, cells):
  by_kind = {}
  for cell in sorted(cells, key=lambda cell: cell.get("seed", 0)):
    by_kind.setdefault(cell["kind"], []).append(cell)
  lines = [f"## {name}", ""]
  lines += _about_clips(by_kind)
  lines += [
    "| | seeds | train clips | top-1, % | minus random, points |"
    " retrieval @1, % | @5, % | @5 of random, % | chance @5, % |"
    " held-out clips | s per seed |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
  ]
  lines += _rows(by_kind)
  return [*lines, "", *_findings(by_kind)]


def _about_clips(by_kind):
  for cell in by_kind.get(BASELINES, []):
    split = cell["split"]
    return [
      f"{split['train_clips']} training clips and {split['test_clips']} test"
      f" clips of {split['classes']} classes; guessing"
      f" {_percent(split['chance'])} %, the most frequent class"
      f" {_percent(split['majority'])} %.",
      "",
    ]
  return []


def _rows(by_kind):
  random = by_kind.get(RANDOM, [])
  rows = []
  for name, variant in learning_variants.VARIANTS.items():
    if name in by_kind:
      rows.append(_variant_row(variant.title, by_kind[name], random))
  for kind, title in (
    (RANDOM, "random initialisation"),
    (SUPERVISED, "supervised, same network and steps"),
  ):
    if kind in by_kind:
      rows.append(_other_row(title, by_kind[kind], random, kind != RANDOM))
  for cell in by_kind.get(BASELINES, []):
    for name, top_1 in cell["top_1"].items():
      rows.append(f"| raw: {name} | | | {_percent(top_1)} | | | | | | | |")
  return rows


def _variant_row(title, cells, random):
  retrieval = [cell["retrieval"] for cell in cells]
  recalls = [
    _spread([found["recall"][k] for found in retrieval]) for k in ("1", "5")
  ]
  untrained = [
    cell["random_retrieval"]["recall"]["5"]
    for cell in cells
    if "random_retrieval" in cell
  ]
  fields = [
    title,
    _numbers(cell["seed"] for cell in cells),
    _numbers(cell["train_clips"] for cell in cells),
    _spread([cell["top_1"] for cell in cells]),
    _difference(cells, random),
    *recalls,
    _spread(untrained) if untrained else "",
    _percent(retrieval[0]["chance"]["5"]),
    str(retrieval[0]["clips"]),
    _seconds(cells),
  ]
  return f"| {' | '.join(fields)} |"


def _other_row(title, cells, random, compared):
  fields = [
    title,
    _numbers(cell["seed"] for cell in cells),
    "",
    _spread([cell["top_1"] for cell in cells]),
    _difference(cells, random) if compared else "",
    *[""] * 5,
    _seconds(cells),
  ]
  return f"| {' | '.join(fields)} |"


def _numbers(values: Iterable[int]) -> str:
  """Returns `0-4` for a run of numbers, else each of them once."""
  found = sorted(set(values))
  if len(found) > 1 and found == list(range(found[0], found[-1] + 1)):
    return f"{found[0]}-{found[-1]}"
  return ", ".join(str(value) for value in found)


def _seconds(cells):
  return f"{np.mean([cell['seconds'] for cell in cells]):.0f}"


def _difference(cells, others):
  differences = paired(cells, others)
  return _spread(differences) if differences else ""


def _spread(values):
  return _plus_minus(interval(values))


def _plus_minus(found):
  if found.seeds == 1:
    return f"{_percent(found.mean)} (one seed)"
  return f"{_percent(found.mean)} ± {_percent(found.half)}"


def _percent(share):
  return f"{100 * share:.1f}"


def _findings(by_kind):
  """Returns sentences: each variant against random, then the comparisons."""
  lines = []
  for name in learning_variants.AGAINST_RANDOM:
    if name in by_kind:
      lines += _against_random(name, by_kind[name], by_kind.get(RANDOM, []))
  for comparison in learning_variants.COMPARISONS:
    cells = [by_kind.get(n) for n in (comparison.better, comparison.worse)]
    if all(cells):
      lines.append(_comparison(comparison, *cells))
  return lines


def _against_random(name, cells, random):
  title = learning_variants.VARIANTS[name].title
  lines = []
  differences = paired(cells, random)
  if differences:
    gain = interval(differences)
    trained, initial = [
      interval([cell["top_1"] for cell in both])
      for both in _of_common_seeds(cells, random)
    ]
    apart = "disjoint" if trained.low > initial.high else "not disjoint"
    reached = 100 * gain.mean >= _GAIN_POINTS
    lines.append(
      f"- {title}: {_plus_minus(gain)} points above random initialisation"
      f" ({_plus_minus(trained)} against {_plus_minus(initial)} %; the"
      f" intervals are {apart}). A gain of {_GAIN_POINTS:.0f} points with"
      f" disjoint intervals is"
      f" {'there' if reached and apart == 'disjoint' else 'not there'}."
    )
  recall = interval([cell["retrieval"]["recall"]["5"] for cell in cells])
  chance = cells[0]["retrieval"]["chance"]["5"]
  holds = recall.low > chance and recall.mean >= _CHANCE_FACTOR * chance
  lines.append(
    f"- {title}: held-out retrieval at 5 is {_plus_minus(recall)} %,"
    f" {recall.mean / chance:.1f} times chance ({_percent(chance)} %). Twice"
    " chance with the interval above chance is"
    f" {'there' if holds else 'not there'}."
  )
  return lines


def _comparison(comparison, better, worse):
  """Returns a sentence on the order of two variants, over common seeds."""
  better, worse = _of_common_seeds(better, worse)
  if not better:
    return f"- {comparison.title}: no seed in common yet."
  found = interval(paired(better, worse))
  seeds = "1 seed" if found.seeds == 1 else f"{found.seeds} seeds"
  return (
    f"- {comparison.title} ({comparison.source}):"
    f" {_verdict(found, better, worse)} ({_plus_minus(found)} points,"
    f" {seeds}; {_retrievals(better, worse)})."
  )


def _verdict(found, better, worse):
  trained_on = [cells[0]["train_clips"] for cells in (better, worse)]
  if trained_on[0] != trained_on[1]:
    return (
      f"no order, as they were trained on {trained_on[0]} and"
      f" {trained_on[1]} clips"
    )
  if found.low > 0:
    return "the paper's order shows"
  if found.high < 0:
    return "the order is the reverse of the paper's"
  return "the paper's order does not show"


def _retrievals(better, worse):
  """Returns both recalls with their chance; like ones only side by side."""
  recalls, clips = [], []
  for cells in (better, worse):
    found = [cell["retrieval"] for cell in cells]
    chance = _percent(found[0]["chance"]["5"])
    recall = _spread([retrieval["recall"]["5"] for retrieval in found])
    recalls.append(f"{recall} (chance {chance})")
    clips.append(found[0]["clips"])
  if clips[0] == clips[1]:
    return f"retrieval at 5 {recalls[0]} against {recalls[1]} %"
  return (
    f"retrieval at 5 is not comparable: {recalls[0]} % among {clips[0]} clips,"
    f" {recalls[1]} % among {clips[1]}"
  )
