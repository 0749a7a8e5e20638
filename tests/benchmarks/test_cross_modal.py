"""Pooling the retrieval of several runs: whole, and its refusals."""

import dataclasses
import pathlib
import re

import pytest

from benchmarks import cross_modal
from tests import forked_binaries
from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl import checkpoints
from tfvssl import config
from tfvssl import protocols
from tfvssl import workdir as run_folder
from tfvssl.data import schema


def _run(folder, words, seed, steps=8):
  """Writes the settings and the initial weights of a run."""
  experiment = dataclasses.replace(
    tiny_runs.experiment(
      retrieval=protocols.Retrieval(
        temporal_clips=2, test_short_side=18, batch_size=4
      )
    ),
    method=tiny_mmv_runs.method_config(words),
    seed=seed,
    steps=steps,
  )
  folder.mkdir()
  config.save(experiment, folder / run_folder.CONFIG_NAME)
  return experiment


def test_pools_the_queries_of_two_runs(tmp_path):
  words = tiny_mmv_runs.vocabulary(tmp_path)
  folders = [tmp_path / "first", tmp_path / "second"]
  for seed, folder in enumerate(folders):
    experiment = _run(folder, words, seed)
    method = checkpoints.fresh_method(experiment, seed + 5)
    checkpoints.CheckpointStore(folder, {"method": method}, kept=1).save(3)
  clips = [record_fixture.make_clip(seed, num_frames=20) for seed in range(4)]
  for clip, line in zip(clips, ["red", "blue", "disc", "hums"], strict=True):
    clip.captions = (schema.Caption(line, 0.0, 0.5),)
  record_fixture.write_records(tmp_path / "test", clips, num_shards=2)
  output = tmp_path / "table.md"
  process = forked_binaries.run(
    "benchmarks.cross_modal",
    *[f"--workdir={folder}" for folder in folders],
    f"--test_records={tmp_path / 'test'}",
    f"--output={output}",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  lines = output.read_text("utf-8").splitlines()
  assert lines[0].startswith("2 runs of 3 steps (seeds 0, 1)")
  titles = [line for line in lines if "queries among" in line]
  assert len(titles) == 6
  assert titles[0].startswith("| **text to video: 8 queries among 4** |")
  rows = [line for line in lines if line.startswith("| chance |")]
  assert len(set(rows)) == 1
  assert rows[0].startswith("| chance | 25.0 [")
  for kind in ("trained", "initial weights"):
    rows = [line for line in lines if line.startswith(f"| {kind} |")]
    assert len(rows) == 6
    for row in rows:
      value, low, high = map(float, re.findall(r"[\d.]+", row)[:3])
      assert low <= value <= high
      assert value * 8 % 100 == 0  # of 8 queries


@pytest.mark.parametrize(
  ("seed", "steps", "message"),
  [
    (0, 8, "the seeds of --workdir ([0, 0]) must differ; train each with"),
    (1, 9, "second differs from "),
  ],
)
def test_refuses_runs_that_do_not_belong_together(
  tmp_path, seed, steps, message
):
  words = tiny_mmv_runs.vocabulary(tmp_path)
  _run(tmp_path / "first", words, 0)
  _run(tmp_path / "second", words, seed, steps)
  with pytest.raises(ValueError, match=re.escape(message)):
    cross_modal.check_same([tmp_path / "first", tmp_path / "second"])


@pytest.mark.parametrize(
  ("args", "message"),
  [
    (["--workdir=RUN", "--test_records=TEST"], "--output is missing"),
    (["--output=TABLE", "--test_records=TEST"], "--workdir is missing"),
    (["RUN"], "'RUN' is no flag"),
  ],
)
def test_refuses_flags(args, message):
  process = forked_binaries.run("benchmarks.cross_modal", *args)
  assert process.returncode == 2
  assert message in process.stderr
  assert "Traceback" not in process.stderr


def test_refuses_another_method(tmp_path):
  folder = tmp_path / "run"
  experiment = tiny_runs.experiment()
  folder.mkdir()
  config.save(experiment, folder / run_folder.CONFIG_NAME)
  method = checkpoints.fresh_method(experiment, 0)
  checkpoints.CheckpointStore(folder, {"method": method}, kept=1).save(3)
  with pytest.raises(ValueError, match="needs a run of mmv"):
    cross_modal.ranks(folder, str(pathlib.Path("none")))
