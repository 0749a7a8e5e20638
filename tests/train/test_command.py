"""The binary that trains: what it refuses, before TensorFlow is loaded.

What it trains, and how it stops, is tested in tests/train/test_run.py.
"""

import pytest

from tests import forked_binaries
from tfvssl.runtime import exit_codes


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    ((), "error: --workdir is missing; for example --workdir=RUN"),
    (("run", "--workdir=x"), "error: 'run' is not a flag; see --helpfull."),
    (
      ("--workdir=x",),
      "error: --config is missing; for example --config=tiny_brave",
    ),
    (
      ("--workdir=x", "--config=configs/tiny_brav.py"),
      "error: --config=configs/tiny_brav.py does not exist; did you mean"
      " tiny_brave?",
    ),
    (
      ("--config=configs/tiny_brave.py", "--config.steps=0", "--workdir=x"),
      "error: `experiment.steps` (0) must be above 0.",
    ),
  ],
)
def test_mistake_is_one_line(flags, message):
  done = forked_binaries.run("tfvssl.train", *flags)
  assert done.returncode == exit_codes.USAGE
  assert done.stderr.splitlines()[-1] == message
  assert "Traceback" not in done.stderr
  assert not done.stdout


def test_records_that_are_not_there_end_with_3(tmp_path):
  done = forked_binaries.run(
    "tfvssl.train",
    "--config=configs/tiny_brave.py",
    f"--workdir={tmp_path / 'run'}",
    f"--config.data.train_records={tmp_path / 'nowhere'}",
  )
  assert done.returncode == exit_codes.DATA, done.stderr
  assert str(tmp_path / "nowhere") in done.stderr.splitlines()[-1]
  assert not done.stdout
