"""Stages run once, continue after a failure, and say why they failed."""

import os
import subprocess
import sys
import time

import pytest

from tfvssl.demo import stages as demo_stages
from tfvssl.runtime import exit_codes

# Modules of the standard library stand for the binaries.
WORKS = demo_stages.Stage("works", "platform", [])
FAILS = demo_stages.Stage("fails", "json.tool", ["no such file"])


def test_stage_that_is_done_is_not_run_again(tmp_path, capfd):
  journal = demo_stages.Journal(tmp_path)
  first = demo_stages.run(WORKS, journal)
  assert first.error == ""
  again = demo_stages.run(WORKS, demo_stages.Journal(tmp_path))
  assert again == first
  assert "[works] done before" in capfd.readouterr().out


def test_what_follows_a_stage_that_ran_is_not_done(tmp_path):
  journal = demo_stages.Journal(tmp_path)
  second = demo_stages.Stage("second", "platform", ["--terse"])
  demo_stages.run(WORKS, journal)
  demo_stages.run(second, journal)
  later = demo_stages.Journal(tmp_path)
  assert later.is_done(WORKS) and later.is_done(second)
  demo_stages.run(demo_stages.Stage("works", "platform", ["--terse"]), later)
  assert not later.is_done(second)


def test_folder_of_an_earlier_run_is_replaced(tmp_path):
  old = tmp_path / "export"
  old.mkdir()
  stage = demo_stages.Stage("works", "platform", [], replaces=old)
  demo_stages.run(stage, demo_stages.Journal(tmp_path))
  assert not old.exists()


def test_other_flags_run_again(tmp_path):
  journal = demo_stages.Journal(tmp_path)
  demo_stages.run(WORKS, journal)
  assert not journal.is_done(
    demo_stages.Stage("works", "platform", ["--terse"])
  )


def test_failed_stage_stops_the_demo(tmp_path):
  journal = demo_stages.Journal(tmp_path)
  with pytest.raises(exit_codes.UserError, match="the stage 'fails' failed"):
    demo_stages.run(FAILS, journal)
  assert not demo_stages.Journal(tmp_path).is_done(FAILS)


def test_optional_stage_leaves_its_reason(tmp_path):
  optional = demo_stages.Stage(
    "evaluate",
    "tfvssl.runtime.exit_codes",
    ["nothing"],
    optional=True,
    accepted=(99,),
  )
  outcome = demo_stages.run(optional, demo_stages.Journal(tmp_path))
  assert outcome.error == "exit code 0"


def test_last_error_line_is_the_reason(tmp_path):
  script = tmp_path / "breaks.py"
  script.write_text(
    "import sys\n"
    "sys.stderr.write('50%\\rerror: first\\nwarning\\nerror: the disk\\n')\n"
    "sys.exit(6)\n"
  )
  code, reason = demo_stages._execute(["python3", str(script)])
  assert (code, reason) == (6, "the disk")


def test_accepted_exit_code_is_no_error(tmp_path):
  stage = demo_stages.Stage(
    "prepare", "json.tool", ["no such file"], accepted=(0, 1, 2)
  )
  assert demo_stages.run(stage, demo_stages.Journal(tmp_path)).error == ""


_DEMO = """
import pathlib, sys
from tfvssl.demo import stages
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes

def main(argv):
  stage = stages.Stage("child", "child", [])
  stages.run(stage, stages.Journal(pathlib.Path(argv[1])))

binary.run(main)
"""
# Answers only when it has been told, and says more than a pipe holds.
_CHILD = """
import signal, sys, time

def told(number, frame):
  sys.stderr.write("x" * 200_000)
  open("told", "w").close()
  sys.exit(42)

signal.signal(signal.SIGTERM, told)
open("begun", "w").close()
sys.stderr.write("begun\\n")
sys.stderr.flush()
time.sleep(60)
"""


def test_sigterm_is_handed_on_to_the_stage_that_runs(root, tmp_path):
  (tmp_path / "child.py").write_text(_CHILD)
  with subprocess.Popen(
    [sys.executable, "-c", _DEMO, str(tmp_path)],
    cwd=tmp_path,
    env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}"},
    stderr=subprocess.PIPE,
  ) as demo:
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
      assert time.monotonic() < deadline
      time.sleep(0.01)
    time.sleep(0.2)
    demo.terminate()
    said = demo.communicate(timeout=30)[1].decode()
  assert demo.returncode == exit_codes.PREEMPTED, said
  assert said.endswith("error: told to stop; start the same command again\n")
  assert (tmp_path / "told").exists()
