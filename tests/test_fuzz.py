"""2,000 damaged inputs: no traceback, no undocumented code, nothing hangs."""

import json
import subprocess
import sys

import pytest

from tests import fuzz
from tfvssl.runtime import exit_codes

COUNTS = {
  "manifest": 300,
  "csv": 300,
  "override": 250,
  "media": 150,
  "shard": 250,
  "checkpoint": 250,
  "metrics": 200,
  "config": 200,
  "index": 100,
}
_DOCUMENTED = {
  exit_codes.OK,
  exit_codes.USAGE,
  exit_codes.DATA,
  exit_codes.RESOURCE,
}


def test_there_are_two_thousand_of_every_kind_that_is_read():
  assert sum(COUNTS.values()) >= 2000
  assert COUNTS.keys() == fuzz.KINDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_inputs_are_read_or_refused(kind, root, tmp_path):
  at = tmp_path / "at"
  done = subprocess.run(
    [sys.executable, "-m", "tests.fuzz", kind, str(COUNTS[kind]), "0", str(at)],
    cwd=root,
    capture_output=True,
    text=True,
    timeout=1200,
    check=False,
  )
  assert done.stdout, f"ended with {done.returncode} at input {at.read_text()}"
  found = json.loads(done.stdout.splitlines()[-1])
  assert not found["bugs"], found["bugs"][0]
  codes = {int(code): count for code, count in found["codes"].items()}
  assert sum(codes.values()) == COUNTS[kind]
  assert codes.keys() <= _DOCUMENTED
  if kind != "checkpoint":  # there, the one before is read
    assert codes.keys() - {exit_codes.OK}, "nothing was ever refused"
