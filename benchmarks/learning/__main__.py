"""What small BraVe variants learn, against random weights: one table.

  python -m benchmarks.learning --workdir=OUT \\
      --records=generated=RECORDS/train,RECORDS/test \\
      --records=real=OTHER/train,OTHER/test

Every set of clips is a pair of record folders with rgb and, as far as the
clips have them, audio and flow (data_prep.prepare_records
--modalities=rgb,audio,flow --short_side=64 --flow_short_side=32); a variant
uses the clips that hold what it needs. Each cell of the table (set, variant,
seed) is a process of its own and leaves OUT/cells/NAME.json; started again,
the benchmark does what is missing, the most important first. The table is
OUT/table.md, rewritten after every cell. The first set is held to the gain
over random weights: give the generated clips first.
"""

from collections.abc import Sequence
import functools
import os
import re
import shutil
import sys
import time

from absl import flags
from absl import logging

from benchmarks.learning import cells as learning_cells
from benchmarks.learning import header
from benchmarks.learning import plan
from benchmarks.learning import processes
from benchmarks.learning import table
from benchmarks.learning import variants as learning_variants
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import run_folder

_RECORDS = flags.DEFINE_multi_string(
  "records", [], "NAME=TRAIN,TEST: a set of clips, two record folders."
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of all results.")
_ONLY = flags.DEFINE_string(
  "only", "", "Regular expression: only cells with it in their name."
)
_STEPS = flags.DEFINE_multi_integer(
  "steps",
  [250],
  "Steps of each training: one number, or one for each --records in their"
  " order.",
  lower_bound=10,
)
_SEEDS = flags.DEFINE_integer(
  "seeds", 5, "Trainings of what is compared with random weights.", 1, 11
)
_COMPARISON_SEEDS = flags.DEFINE_integer(
  "comparison_seeds", 3, "Trainings of all other variants.", 1, 11
)
_WORKERS = flags.DEFINE_integer(
  "workers", 2, "Processes at a time; they share the cores.", 1
)
_TABLE_ONLY = flags.DEFINE_bool(
  "table_only",
  False,
  "Write the table of the cells that are there; what it says about steps and"
  " seeds comes from them.",
)
_CELL = flags.DEFINE_string("cell", None, "Do only this cell, in this process.")


def main(argv: Sequence[str]) -> int:
  """Runs what is missing and writes the table; returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _WORKDIR.value:
    raise ValueError("--workdir is missing; for example --workdir=OUT")
  workdir = storage.Path(_WORKDIR.value)
  sets = plan.parse_records(_RECORDS.value)
  steps = plan.steps_of(sets, _STEPS.value)
  cells = plan.plan(sets, _SEEDS.value, _COMPARISON_SEEDS.value)
  if _CELL.value:
    (cell,) = [cell for cell in cells if cell.name == _CELL.value]
    return _run_cell(cell, sets[cell.clips], workdir, steps[cell.clips])
  workdir.mkdir(parents=True, exist_ok=True)
  with run_folder.locked(workdir):
    failed = []
    if not _TABLE_ONLY.value:
      failed = _run_missing(cells, sets, workdir, steps)
    _write_table(workdir, list(sets))
  print(f"table: {workdir / 'table.md'}")
  for name in failed:
    print(f"error: {name} failed, see {workdir / 'logs' / name}.log")
  return exit_codes.DATA if failed else exit_codes.OK


def _run_missing(cells, sets, workdir, steps):
  cells = [cell for cell in cells if re.search(_ONLY.value, cell.name)]
  missing = [
    cell
    for cell in cells
    if not plan.is_done(
      cell,
      plan.choices(cell, sets[cell.clips], steps[cell.clips]),
      workdir,
    )
  ]
  plan.read_all(workdir, list(sets))  # fails before the work
  print(f"{len(cells) - len(missing)} of {len(cells)} cells are there")
  if missing:
    _print_estimate(missing, steps)
  return processes.run_all(
    missing,
    workdir,
    workers=_WORKERS.value,
    command=_command,
    after=functools.partial(_write_table, workdir, list(sets)),
  )


def _print_estimate(cells, steps):
  expected_s = processes.expected_s(cells, _WORKERS.value)
  # Most of a cell is training, of which there may be more or less.
  mean_steps = sum(steps[cell.clips] for cell in cells) / len(cells)
  hours = expected_s / 3600 * mean_steps / plan.EXPECTED_STEPS
  print(
    f"{len(cells)} cells take about {hours:.1f} hours, {_WORKERS.value} at a"
    f" time on {os.cpu_count()} cores that do nothing else",
    flush=True,
  )


def _command(cell):
  return [
    sys.executable,
    "-m",
    "benchmarks.learning",
    *[f"--records={word}" for word in _RECORDS.value],
    f"--workdir={_WORKDIR.value}",
    *[f"--steps={steps}" for steps in _STEPS.value],
    f"--seeds={_SEEDS.value}",
    f"--comparison_seeds={_COMPARISON_SEEDS.value}",
    f"--workers={_WORKERS.value}",
    f"--cell={cell.name}",
  ]


def _run_cell(cell, folders, workdir, steps):
  """Does one cell in this process and writes its file."""
  logging.set_verbosity(logging.INFO)
  _, test = folders
  experiment = plan.experiment(cell, folders, steps)
  began_s = time.monotonic()
  run = workdir / "runs" / cell.name
  if cell.is_variant:
    result = learning_cells.pretrained(
      experiment,
      test,
      run,
      against_random=cell.kind in learning_variants.AGAINST_RANDOM,
    )
  else:
    measure = {
      table.RANDOM: learning_cells.random_initialisation,
      table.SUPERVISED: learning_cells.supervised,
      table.BASELINES: learning_cells.raw_baselines,
    }[cell.kind]
    result = measure(experiment, test)
  result |= {
    "set": cell.clips,
    "kind": cell.kind,
    "seed": cell.seed,
    "choices": plan.choices(cell, folders, steps),
    "machine": {
      "workers": _WORKERS.value,
      "cores_each": processes.cores_each(_WORKERS.value),
      "cores": os.cpu_count(),
    },
    "seconds": round(time.monotonic() - began_s, 1),
  }
  plan.write(result, plan.path(cell, workdir))
  shutil.rmtree(run, ignore_errors=True)  # its checkpoints have no more use
  return exit_codes.OK


def _write_table(workdir, names):
  """Writes WORKDIR/table.md of all cells that are there."""
  cells = plan.read_all(workdir, names)
  text = table.markdown(cells, header.lines(cells))
  storage.write_text(workdir / "table.md", text)


if __name__ == "__main__":
  exit_codes.run(main)
