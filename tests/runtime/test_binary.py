"""What a process ends with, and the one line it writes."""

import errno
import pathlib
import subprocess
import sys

from absl import app
from absl import flags as absl_flags
import pytest

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import system_errors

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

_BINARY = '''
"""A binary of the test."""
import os, sys
from tfvssl.runtime import exit_codes
import {runner} as runner

def main(argv):
  del argv
  {body}

if __name__ == "__main__":
  runner.run(main)
'''


@pytest.fixture
def run(tmp_path):
  """Returns a function that runs a binary whose main is `body`."""

  def run_body(body: str, *arguments: str) -> subprocess.CompletedProcess:
    script = tmp_path / "binary.py"
    script.write_text(
      _BINARY.format(body=body, runner=binary.__name__).strip() + "\n"
    )
    return subprocess.run(
      [sys.executable, str(script), *arguments],
      cwd=ROOT,
      env={"PYTHONPATH": str(ROOT), "PATH": ""},
      capture_output=True,
      text=True,
      timeout=60,
      check=False,
    )

  return run_body


@pytest.mark.parametrize(
  ("error", "code"),
  [
    (exit_codes.UserError(exit_codes.SKIPPED, "too many"), 4),
    (ValueError("`steps` (0) must be above 0."), 2),
    (TypeError("a number is needed"), 2),
    (app.UsageError("unknown argument"), 2),
    (absl_flags.IllegalFlagValueError("--steps=x"), 2),
    (FileNotFoundError("records do not exist"), 3),
    (OSError(errno.ENOSPC, "No space left on device"), 6),
    (OSError(errno.EFBIG, "File too large"), 6),
    (MemoryError(), 6),
    (KeyboardInterrupt(), 130),
    (OSError(errno.EACCES, "Permission denied"), 2),
    (OSError(errno.EROFS, "Read-only file system"), 2),
    (OSError(errno.ELOOP, "Too many levels of symbolic links"), 2),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), 6),
    (OSError(errno.EIO, "Input/output error"), 1),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1),
    (RuntimeError("a bug"), 1),
    (KeyError("a bug"), 1),
  ],
)
def test_code_of_an_error(error, code):
  assert system_errors.code_of(error) == code


def test_code_of_tensorflow_errors():
  import tensorflow as tf

  full = tf.errors.ResourceExhaustedError(None, None, "disk full")
  assert system_errors.code_of(full) == exit_codes.RESOURCE
  damaged = tf.errors.DataLossError(None, None, "corrupted record")
  assert system_errors.code_of(damaged) == exit_codes.DATA
  bug = tf.errors.InvalidArgumentError(None, None, "shapes differ")
  assert system_errors.code_of(bug) == exit_codes.BUG


def test_codes_are_those_of_the_specification():
  names = ("OK", "USAGE", "DATA", "SKIPPED", "NUMERICAL", "RESOURCE")
  assert [getattr(exit_codes, name) for name in names] == [0, 2, 3, 4, 5, 6]
  assert exit_codes.PREEMPTED == 42


def test_success_ends_with_0_and_prints_nothing(run):
  done = run("return None")
  assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_returned_code_is_the_exit_code(run):
  assert run("return exit_codes.PREEMPTED").returncode == 42


def test_user_error_is_one_line(run):
  done = run("raise exit_codes.UserError(5, 'loss is not\\n  finite.')")
  assert done.returncode == 5
  assert done.stderr == "error: loss is not finite.\n"


def test_error_without_text_names_its_kind(run):
  done = run("raise MemoryError")
  assert (done.returncode, done.stderr) == (6, "error: MemoryError\n")


def test_bug_keeps_its_traceback_and_ends_with_1(run):
  done = run("raise KeyError('surprise')")
  assert done.returncode == 1
  assert "Traceback" in done.stderr and "surprise" in done.stderr


def test_verbosity_1_shows_the_traceback_of_a_user_error(run):
  done = run("raise ValueError('no')", "--verbosity=1")
  assert done.returncode == 2
  assert "Traceback" in done.stderr
  assert done.stderr.endswith("error: no\n")


def test_unknown_flag_is_one_line(run):
  done = run("return 0", "--verbosiy=1")
  assert done.returncode == 2
  assert done.stderr.splitlines() == [
    "error: Unknown command line flag 'verbosiy'. Did you mean: verbosity ?"
  ]


def test_help_succeeds_and_shows_the_binary(run):
  done = run("return 0", "--help")
  assert done.returncode == 0
  assert "A binary of the test." in done.stdout


def test_tensorflow_is_quiet_by_default_and_not_loaded(run):
  done = run(
    "import os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'],"
    " 'tensorflow' in sys.modules)"
  )
  assert done.stdout == "3 False\n"


_TOLD = """
  import pathlib, signal
  from tfvssl.runtime import storage
  with storage.new_folder("made"), storage.new_file("half.txt") as path:
    path.write_text("half")
    print(len(list(pathlib.Path(".").glob("*half*"))), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    path.write_text("never")
"""


def test_sigterm_anywhere_ends_with_42_and_leaves_nothing(run, tmp_path):
  ended = run(f"os.chdir({str(tmp_path)!r}){_TOLD}")
  assert ended.returncode == exit_codes.PREEMPTED, ended.stderr
  assert ended.stdout == "1\n"
  assert ended.stderr == ("error: told to stop; start the same command again\n")
  assert [path.name for path in tmp_path.iterdir()] == ["binary.py"]
