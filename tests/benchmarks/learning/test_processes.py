"""Processes of the learning benchmark, with small programs for cells."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from benchmarks.learning import plan
from benchmarks.learning import processes
from benchmarks.learning import variants as learning_variants
from tests.conftest import ROOT

_WRITE = (
  "import json, pathlib, sys; p = pathlib.Path(sys.argv[1]);"
  " p.parent.mkdir(parents=True, exist_ok=True);"
  " p.write_text(json.dumps({'seconds': 170.0}))"
)


@pytest.fixture
def keep_signals():
  before = signal.getsignal(signal.SIGTERM)
  yield
  signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("keep_signals")
def test_a_failure_keeps_no_other_cell_from_running(tmp_path, capsys):
  cells = [plan.Cell("s", "audio", seed) for seed in range(3)]
  tables = []

  def command(cell):
    if cell.seed == 1:
      return [sys.executable, "-c", "import sys; sys.exit('no such luck')"]
    file = plan.path(cell, tmp_path)
    return [sys.executable, "-c", _WRITE, str(file)]

  failed = processes.run_all(
    cells,
    tmp_path,
    workers=1,
    command=command,
    after=lambda: tables.append(len(list((tmp_path / "cells").iterdir()))),
  )
  assert failed == ["s-audio-seed1"]
  assert tables == [1, 2]
  log = (tmp_path / "logs" / "s-audio-seed1.log").read_text()
  assert log == "no such luck\n"
  # As fast as expected (170 s): two cells of 170 s are left, then none.
  assert capsys.readouterr().out.splitlines() == [
    "[s-audio-seed0] 170 s; 2 cells left, about 6 min",
    "[s-audio-seed1] failed",
    "[s-audio-seed2] 170 s; 0 cells left, about 0 min",
  ]


def test_cores_are_shared():
  cores = os.cpu_count()
  assert processes.cores_each(1) == cores
  assert processes.cores_each(2 * cores) == 1


def test_expected_time_is_shared_by_as_many_cores_as_there_are(monkeypatch):
  monkeypatch.setattr(os, "cpu_count", lambda: 2)
  cells = [plan.Cell("s", "audio", seed) for seed in range(4)]
  found = [processes.expected_s(cells, n) for n in (1, 2, 8)]
  assert found == [680, 340, 340]


def test_the_whole_plan_of_two_sets_takes_less_than_four_hours(monkeypatch):
  """On two cores; all variants, five seeds and three for comparisons."""
  monkeypatch.setattr(os, "cpu_count", lambda: 2)
  monkeypatch.setattr(
    plan,
    "_usable_variants",
    lambda *folders: list(learning_variants.VARIANTS),
  )
  cells = plan.plan({"a": ("", ""), "b": ("", "")}, 5, 3)
  assert len(cells) == 78
  assert processes.expected_s(cells, 2) < 4 * 3600


def test_children_are_told_to_stop(tmp_path):
  """A process that is stopped leaves none of its cells running."""
  program = textwrap.dedent(
    """
    import pathlib, sys
    from benchmarks.learning import plan, processes
    child = (
      "import pathlib, signal, sys, time\\n"
      "def stop(*_):\\n"
      "  pathlib.Path('saved').touch()\\n"
      "  sys.exit(42)\\n"
      "signal.signal(signal.SIGTERM, stop)\\n"
      "pathlib.Path('ready').touch()\\n"
      "time.sleep(60)\\n"
    )
    processes.run_all(
      [plan.Cell("s", "audio", 0)], pathlib.Path("."), workers=1,
      command=lambda cell: [sys.executable, "-c", child], after=print)
    """
  )
  process = subprocess.Popen(
    [sys.executable, "-c", program],
    cwd=tmp_path,
    env={**os.environ, "PYTHONPATH": str(ROOT)},
  )
  try:
    until_s = time.monotonic() + 120
    while not (tmp_path / "ready").exists() and time.monotonic() < until_s:
      time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 42
  finally:
    process.kill()
  assert (tmp_path / "saved").exists()
