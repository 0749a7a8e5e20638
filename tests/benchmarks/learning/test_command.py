"""The learning benchmark as a command: cells once, and its messages."""

import pytest

from tests import forked_binaries
from tests.data import record_fixture
from tfvssl.runtime import exit_codes


@pytest.fixture(scope="module")
def records(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  for side, first in (("train", 0), ("test", 20)):
    record_fixture.write_records(
      root / side,
      [
        record_fixture.make_clip(seed, modalities=("rgb",))
        for seed in range(first, first + 12)
      ],
    )
  return f"--records=squares={root / 'train'},{root / 'test'}"


def _run(*arguments):
  return forked_binaries.run("benchmarks.learning", *arguments)


@pytest.mark.slow
def test_cells_that_are_there_are_not_measured_again(records, tmp_path):
  command = [f"--workdir={tmp_path}", records, "--only=baselines"]
  first = _run(*command)
  assert first.returncode == exit_codes.OK, first.stderr
  assert "0 of 1 cells are there\n1 cells take about 0.0 hours, 2 at a" in (
    first.stdout
  )
  assert "[squares-baselines]" in first.stdout
  cell = tmp_path / "cells" / "squares-baselines.json"
  written = cell.stat().st_mtime_ns
  page = (tmp_path / "table.md").read_text(encoding="utf-8")
  assert "12 training clips and 12 test clips of 2 classes" in page
  assert "--records=squares=squares/train,squares/test" in page
  assert str(tmp_path) not in page

  again = _run(*command)
  assert again.stdout == f"1 of 1 cells are there\ntable: {tmp_path}/table.md\n"
  assert cell.stat().st_mtime_ns == written

  (tmp_path / "table.md").unlink()
  # The page tells what the cells are, whatever the flags say.
  others = ["--steps=300", "--workers=7", "--seeds=2", "--comparison_seeds=1"]
  table_only = _run(f"--workdir={tmp_path}", records, "--table_only", *others)
  assert table_only.stdout == f"table: {tmp_path}/table.md\n"
  assert (tmp_path / "table.md").read_text(encoding="utf-8") == page

  other = _run(*command, "--steps=300")
  assert other.returncode == exit_codes.USAGE
  assert (
    "was made with other choices (steps 250 instead of 300, shared_config"
    in other.stderr
  )


@pytest.mark.slow
def test_a_cell_that_fails_is_named(records, tmp_path):
  # What stands in the way of the folder of results.
  (tmp_path / "cells").write_text("no folder")
  process = _run(
    f"--workdir={tmp_path}", records, "--only=baselines", "--workers=1"
  )
  assert process.returncode == exit_codes.DATA
  assert "[squares-baselines] failed" in process.stdout
  assert "error: squares-baselines failed, see" in process.stdout


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ([], "error: --workdir is missing; for example --workdir=OUT"),
    (["--workdir=OUT"], "error: --records is missing; for example"),
    (["--workdir=OUT", "word"], "error: 'word' is not a flag; see --helpfull."),
  ],
)
def test_usage(arguments, message):
  process = _run(*arguments)
  assert process.returncode == exit_codes.USAGE
  assert message in process.stderr
