"""The head of the learning table, told from its cells, never from flags."""

from collections.abc import Iterable

from benchmarks.learning import table
from benchmarks.learning import variants as learning_variants

# Kinds that get --seeds seeds, or need none; the others --comparison_seeds.
_NOT_COMPARED = (
  *learning_variants.AGAINST_RANDOM,
  table.RANDOM,
  table.BASELINES,
)


def lines(cells: list[dict]) -> list[str]:
  """Returns the command that makes the cells, and what made them.

  Args:
    cells: of `plan.read_all`, so that those of a set have the same
      steps.
  """
  if not cells:
    return ["No cell is there yet."]
  hours = sum(cell["seconds"] for cell in cells) / 3600
  machine = {
    name: _one_or_other(cell["machine"][name] for cell in cells)
    for name in ("workers", "cores_each", "cores")
  }
  steps = {cell["set"]: cell["choices"]["steps"] for cell in cells}
  asked = (
    steps.values() if len(set(steps.values())) > 1 else [*steps.values()][:1]
  )
  return [
    "```",
    "python -m benchmarks.learning --workdir=OUT \\",
    *[
      f"    --records={name}={name}/train,{name}/test \\"
      for name in _sets(cells)
    ],
    f"    {' '.join(f'--steps={count}' for count in asked)}{_seeds(cells)}",
    "```",
    "",
    f"{len(cells)} cells, {hours:.2f} hours of processes with"
    f" {machine['cores_each']} CPU core(s) each, {machine['workers']} at a time"
    f" on {machine['cores']} cores; {' and '.join(map(str, asked))} steps of"
    " training for each network.",
  ]


def _sets(cells):
  return dict.fromkeys(cell["set"] for cell in cells)


def _seeds(cells):
  """Returns the flags that ask for the seeds of the cells."""
  against = [c["seed"] for c in cells if c["kind"] == table.RANDOM]
  compared = [c["seed"] for c in cells if c["kind"] not in _NOT_COMPARED]
  return "".join(
    f" --{flag}={max(seeds) + 1}"
    for flag, seeds in (("seeds", against), ("comparison_seeds", compared))
    if seeds
  )


def _one_or_other(values: Iterable[int]) -> str:
  return " or ".join(str(value) for value in sorted(set(values)))
