"""One run of benchmarks.learning: the cells that are missing, and the table."""

import dataclasses
import os
import re
import shutil
import sys
import time

from absl import logging

from benchmarks.learning import cells as learning_cells
from benchmarks.learning import header
from benchmarks.learning import plan
from benchmarks.learning import processes
from benchmarks.learning import table
from benchmarks.learning import variants as learning_variants
from tfvssl.runtime import storage
from tfvssl.train import run_folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
  """What the benchmark is asked for.

  Attributes:
    workdir: folder of all results.
    sets: folders of training and test by the name of the set.
    steps: of training by the name of the set.
    cells: all of the table, the most important first.
    workers: processes at a time.
    flags: what a process is given that does one cell of it, but for --cell.
  """

  workdir: storage.Path
  sets: dict[str, tuple[str, str]]
  steps: dict[str, int]
  cells: list[plan.Cell]
  workers: int
  flags: list[str]


def measure_missing(request: Request, pattern: str) -> list[str]:
  """Does the cells that are not there, and writes the table.

  Args:
    request: with the cells.
    pattern: regular expression; only cells with it in their name are done.

  Returns:
    The names of the cells that failed.

  Raises:
    ValueError: cells that are there were made with other choices.
  """
  request.workdir.mkdir(parents=True, exist_ok=True)
  with run_folder.locked(request.workdir):
    failed = _run_missing(request, pattern)
    _write_table(request)
  return failed


def write_table(request: Request) -> None:
  """Writes WORKDIR/table.md of all cells that are there.

  Raises:
    ValueError: they are not of one table; see plan.read_all.
  """
  request.workdir.mkdir(parents=True, exist_ok=True)
  with run_folder.locked(request.workdir):
    _write_table(request)


def measure(request: Request, name: str) -> None:
  """Does the cell of a name in this process and writes its file."""
  (cell,) = [cell for cell in request.cells if cell.name == name]
  folders, steps = request.sets[cell.clips], request.steps[cell.clips]
  logging.set_verbosity(logging.INFO)
  experiment = plan.experiment(cell, folders, steps)
  began_s = time.monotonic()
  run = request.workdir / "runs" / cell.name
  result = _result(cell, experiment, folders[1], run)
  result |= {
    "set": cell.clips,
    "kind": cell.kind,
    "seed": cell.seed,
    "choices": plan.choices(cell, folders, steps),
    "machine": {
      "workers": request.workers,
      "cores_each": processes.cores_each(request.workers),
      "cores": os.cpu_count(),
    },
    "seconds": round(time.monotonic() - began_s, 1),
  }
  plan.write(result, plan.path(cell, request.workdir))
  shutil.rmtree(run, ignore_errors=True)  # its checkpoints have no more use


def _result(cell, experiment, test, run):
  if cell.is_variant:
    return learning_cells.pretrained(
      experiment,
      test,
      run,
      against_random=cell.kind in learning_variants.AGAINST_RANDOM,
    )
  measured = {
    table.RANDOM: learning_cells.random_initialisation,
    table.SUPERVISED: learning_cells.supervised,
    table.BASELINES: learning_cells.raw_baselines,
  }[cell.kind]
  return measured(experiment, test)


def _run_missing(request, pattern):
  cells = [cell for cell in request.cells if re.search(pattern, cell.name)]
  missing = [
    cell
    for cell in cells
    if not plan.is_done(
      cell,
      plan.choices(cell, request.sets[cell.clips], request.steps[cell.clips]),
      request.workdir,
    )
  ]
  plan.read_all(request.workdir, list(request.sets))  # fails before the work
  print(f"{len(cells) - len(missing)} of {len(cells)} cells are there")
  if missing:
    _print_estimate(missing, request)
  return processes.run_all(
    missing,
    request.workdir,
    workers=request.workers,
    command=lambda cell: _command(cell, request),
    after=lambda: _write_table(request),
  )


def _print_estimate(cells, request):
  expected_s = processes.expected_s(cells, request.workers)
  # Most of a cell is training, of which there may be more or less.
  mean_steps = sum(request.steps[cell.clips] for cell in cells) / len(cells)
  hours = expected_s / 3600 * mean_steps / plan.EXPECTED_STEPS
  print(
    f"{len(cells)} cells take about {hours:.1f} hours, {request.workers} at a"
    f" time on {os.cpu_count()} cores that do nothing else",
    flush=True,
  )


def _command(cell, request):
  return [
    sys.executable,
    "-m",
    "benchmarks.learning",
    *request.flags,
    f"--cell={cell.name}",
  ]


def _write_table(request):
  cells = plan.read_all(request.workdir, list(request.sets))
  text = table.markdown(cells, header.lines(cells))
  storage.write_text(request.workdir / "table.md", text)
