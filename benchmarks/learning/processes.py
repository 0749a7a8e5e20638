"""Runs the cells of benchmarks.learning, each in a process of its own."""

from collections.abc import Callable
import json
import os
import signal
import subprocess
import sys
import time

from benchmarks.learning import plan
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_POLL_S = 0.2
# Without them glibc gives the memory of every step's tensors back and asks for
# it again: 10 % of the time of a process. Other libraries ignore them.
_KEEP_MEMORY = {
  "MALLOC_ARENA_MAX": "1",
  "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
  "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
  "MALLOC_TOP_PAD_": str(1 << 26),
}


def run_all(
  cells: list[plan.Cell],
  workdir: storage.Path,
  *,
  workers: int,
  command: Callable[[plan.Cell], list[str]],
  after: Callable[[], None],
) -> list[str]:
  """Runs the cells in their order; returns the names of those that failed.

  A cell that fails does not keep the others from running. If this process is
  told to stop, it tells its children, which save where they are, and waits.

  Args:
    cells: to run.
    workdir: cells appear below it, and logs/NAME.log.
    workers: how many run at a time; each gets as many cores as the next.
    command: of a cell's process, which writes its file.
    after: called after every cell that succeeded.
  """
  signal.signal(signal.SIGTERM, _stop)
  left = _TimeLeft(cells, workers)
  waiting, running, failed = list(cells), {}, []
  try:
    while waiting or running:
      while waiting and len(running) < workers:
        cell = waiting.pop(0)
        running[cell] = _start(command(cell), cell, workdir, workers)
      time.sleep(_POLL_S)
      for cell, process in list(running.items()):
        if process.poll() is None:
          continue
        del running[cell]
        if process.returncode:
          failed.append(cell.name)
          left.skip(cell)
          print(f"[{cell.name}] failed", flush=True)
        else:
          after()
          print(left.done(cell, workdir), flush=True)
  finally:
    for process in running.values():
      process.send_signal(signal.SIGTERM)
    for process in running.values():
      process.wait()
  return failed


def _stop(number, frame):
  del number, frame
  sys.exit(exit_codes.PREEMPTED)


def _start(command, cell, workdir, workers):
  threads = str(cores_each(workers))
  environment = {
    **_KEEP_MEMORY,
    **os.environ,
    "OMP_NUM_THREADS": threads,
    "TF_NUM_INTRAOP_THREADS": threads,
    "TF_NUM_INTEROP_THREADS": threads,
    "TF_CPP_MIN_LOG_LEVEL": "2",
  }
  path = workdir / "logs" / f"{cell.name}.log"
  path.parent.mkdir(parents=True, exist_ok=True)
  with path.open("ab") as log:
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def cores_each(workers: int) -> int:
  """Returns how many cores each of `workers` processes gets."""
  return max(1, (os.cpu_count() or 1) // workers)


def expected_s(cells: list[plan.Cell], workers: int) -> float:
  """Returns a guess at the time of all, EXPECTED_STEPS each, on idle cores.

  Args:
    cells: to run.
    workers: how many run at a time; more than there are cores gain nothing.
  """
  at_a_time = min(workers, os.cpu_count() or 1)
  return sum(cell.expected_s for cell in cells) / at_a_time


class _TimeLeft:
  """Tells after every cell how long the rest will take."""

  def __init__(self, cells, workers):
    self._left = list(cells)
    self._workers = workers
    self._measured_s = self._expected_s = 0.0

  def skip(self, cell):
    self._left.remove(cell)

  def done(self, cell, workdir):
    """Returns a line on the cell and the rest."""
    self._left.remove(cell)
    text = plan.path(cell, workdir).read_text(encoding="utf-8")
    seconds = json.loads(text)["seconds"]
    self._measured_s += seconds
    self._expected_s += cell.expected_s
    pace = self._measured_s / self._expected_s
    rest_s = pace * sum(c.expected_s for c in self._left) / self._workers
    return (
      f"[{cell.name}] {seconds:.0f} s; {len(self._left)} cells left, about"
      f" {rest_s / 60:.0f} min"
    )
