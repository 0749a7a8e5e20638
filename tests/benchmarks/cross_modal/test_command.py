"""Pooling the retrieval of several runs: whole, and its refusals."""

import dataclasses
import re

import pytest

from benchmarks.cross_modal import runs as cross_modal_runs
from tests import forked_binaries
from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl.config import protocols
from tfvssl.data.records import encoded_clip
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

_STEPS = 8


def _experiment(words, seed, steps=_STEPS):
  return dataclasses.replace(
    tiny_runs.experiment(
      retrieval=protocols.Retrieval(
        temporal_clips=2, test_short_side=18, batch_size=4
      )
    ),
    method=tiny_mmv_runs.method_config(words),
    seed=seed,
    steps=steps,
  )


def _save(folder, experiment, step=None):
  """Writes the settings of a run and, at a step, random weights."""
  folder.mkdir()
  run_folder.write_config(experiment, folder)
  if step is not None:
    method = weights.fresh_method(experiment, experiment.seed + 5)
    store = checkpoint_store.CheckpointStore(folder, {"method": method}, kept=1)
    store.save(step)


@pytest.mark.slow
def test_pools_the_queries_of_two_runs(tmp_path):
  words = tiny_mmv_runs.vocabulary(tmp_path)
  folders = [tmp_path / "first", tmp_path / "second"]
  for seed, folder in enumerate(folders):
    _save(folder, _experiment(words, seed), _STEPS)
  clips = [record_fixture.make_clip(seed, num_frames=20) for seed in range(4)]
  # Two clips of the same words: their queries count half where they tie.
  for clip, line in zip(clips, ["red", "blue", "blue", "hums"], strict=True):
    clip.captions = (encoded_clip.Caption(line, 0.0, 0.5),)
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
  assert (
    f"networks of {_STEPS} steps, queries of all seeds (0, 1) pooled"
    in lines[0]
  )
  titles = [line for line in lines if "queries a seed" in line]
  assert len(titles) == 6
  assert titles[0] == (
    "| **text to video: 4 queries a seed (2 ambiguous) among 4** | | | | |"
  )
  rows = [line for line in lines if line.startswith("| chance |")]
  assert len(set(rows)) == 1
  assert rows[0].startswith("| chance | 25.0 [")
  for kind in ("trained", "initial weights"):
    rows = [line for line in lines if line.startswith(f"| {kind} |")]
    assert len(rows) == 6
    for row in rows:
      value, low, high = map(float, re.findall(r"[\d.]+", row)[:3])
      assert low <= value <= high
      # Of 8 queries, some of which count half; printed to one digit.
      assert value * 0.16 == pytest.approx(round(value * 0.16), abs=0.01)


def _refusal(folders):
  with pytest.raises(ValueError) as caught:
    cross_modal_runs.check_same(folders)
  return str(caught.value)


@pytest.mark.parametrize(
  ("seed", "steps", "message"),
  [
    (0, 8, "the seeds of --workdir ([0, 0]) must differ; train each with"),
    (1, 9, "first in steps: 8 -> 9; pool runs of one config."),
  ],
)
def test_refuses_runs_that_do_not_belong_together(
  tmp_path, seed, steps, message
):
  words = tiny_mmv_runs.vocabulary(tmp_path)
  folders = [tmp_path / "first", tmp_path / "second"]
  _save(folders[0], _experiment(words, 0))
  _save(folders[1], _experiment(words, seed, steps))
  assert message in _refusal(folders)


def test_refuses_another_method(tmp_path):
  _save(tmp_path / "run", tiny_runs.experiment())
  assert _refusal([tmp_path / "run"]).endswith(
    "run is a run of brave; only those of mmv compare modalities."
  )


def test_refuses_an_unfinished_training(tmp_path):
  words = tiny_mmv_runs.vocabulary(tmp_path)
  _save(tmp_path / "run", _experiment(words, 0), 3)
  with pytest.raises(ValueError, match="is at step 3 of 8; finish its train"):
    cross_modal_runs.ranks(tmp_path / "run", "none")


@pytest.mark.parametrize(
  ("args", "message"),
  [
    (["--workdir=RUN", "--test_records=TEST"], "--output is missing"),
    (["--output=TABLE", "--test_records=TEST"], "--workdir is missing"),
    (["--output=TABLE", "--workdir=RUN"], "--test_records is missing"),
    (["RUN"], "'RUN' is not a flag"),
  ],
)
def test_refuses_flags(args, message):
  process = forked_binaries.run("benchmarks.cross_modal", *args)
  assert process.returncode == 2
  assert message in process.stderr
  assert "Traceback" not in process.stderr


def test_refuses_an_output_without_folder(tmp_path):
  process = forked_binaries.run(
    "benchmarks.cross_modal",
    "--workdir=RUN",
    "--test_records=TEST",
    f"--output={tmp_path / 'none' / 'table.md'}",
  )
  assert process.returncode == 3
  assert "table.md) does not exist; create it." in process.stderr
  assert "Traceback" not in process.stderr
