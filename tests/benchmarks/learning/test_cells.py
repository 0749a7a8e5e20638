"""Cells measured on record fixtures, with the smallest method."""

import numpy as np
import pytest

from benchmarks.learning import cells as learning_cells
from tests import tiny_runs
from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl.config import experiment as config
from tfvssl.config import protocols
from tfvssl.runtime import exit_codes


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  return [
    str(
      record_fixture.write_records(
        root / side,
        [record_fixture.make_clip(seed) for seed in range(first, first + n)],
      )
    )
    for side, first, n in (("train", 0, 8), ("test", 20, 6))
  ]


def _experiment(folders, **changes):
  settings = {
    "steps": 2,
    "schedule": config.Schedule(peak=0.5, warmup_steps=0),
    # It would last for all tests of this process; XLA refuses it.
    "runtime": config.Runtime(deterministic=False),
    "svm": protocols.Svm(
      train_epochs=2,
      grid_c=(1e-3, 1e-2),
      temporal_clips=2,
      spatial_crops=1,
      test_short_side=16,
      batch_size=8,
    ),
    **changes,
  }
  return tiny_runs.experiment(folders[0], **settings)


@pytest.fixture(scope="module")
def pretrained(folders, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("run")
  experiment = _experiment(folders)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(learning_cells.random_network, "CALIBRATION_PASSES", 2)
    first = learning_cells.pretrained(
      experiment, folders[1], workdir, against_random=True
    )
  again = learning_cells.pretrained(
    experiment, folders[1], workdir, against_random=False
  )
  return first, again


@pytest.mark.slow
def test_a_pretrained_cell(pretrained):
  cell, _ = pretrained
  assert sorted(cell["correct"]) == [
    f"{record_fixture.CLASSES[n % 2]}/clip{n:03d}.mp4"
    for n in sorted(range(20, 26), key=lambda n: (n % 2, n))
  ]
  assert cell["top_1"] == pytest.approx(np.mean(list(cell["correct"].values())))
  assert cell["train_clips"] == 8
  assert cell["last_metrics"]["step"] == 2
  for name in ("retrieval", "random_retrieval"):
    assert cell[name]["clips"] == 6
    assert cell[name]["chance"] == {
      "1": pytest.approx(1 / 6),
      "5": pytest.approx(5 / 6),
    }


@pytest.mark.slow
def test_a_run_that_was_trained_is_only_measured_again(pretrained):
  first, again = pretrained
  assert "random_retrieval" not in again
  assert again == {k: v for k, v in first.items() if k != "random_retrieval"}


def test_a_run_that_was_told_to_stop(folders, tmp_path, monkeypatch):
  monkeypatch.setattr(
    learning_cells.training.TrainingRun,
    "run",
    lambda self: exit_codes.PREEMPTED,
  )
  with pytest.raises(
    exit_codes.UserError, match="told to stop at step 0; start it again"
  ) as caught:
    learning_cells.pretrained(
      _experiment(folders), folders[1], tmp_path, against_random=False
    )
  assert caught.value.exit_code == exit_codes.PREEMPTED


@pytest.mark.slow
def test_supervised_training_learns_what_labels_say(tmp_path):
  """Dark and bright clips: forty steps are enough to tell them apart."""
  train = grey_records.bright_and_dark(tmp_path / "train", 12)
  test = grey_records.bright_and_dark(tmp_path / "test", 6, first=20)
  experiment = _experiment([str(train)], steps=40)
  experiment.method.narrow.augmentation.colour_probability = 0.0
  cell = learning_cells.supervised(experiment, str(test))
  assert cell["top_1"] == 1.0
  assert list(cell["correct"].values()) == [True] * 6


@pytest.mark.slow
def test_random_network_is_that_of_the_seed(folders):
  cells = [
    learning_cells.random_initialisation(
      _experiment(folders, seed=seed), folders[1]
    )
    for seed in (0, 0)
  ]
  assert cells[0] == cells[1]
  assert set(cells[0]) == {"top_1", "correct"}


def test_baselines_and_what_the_split_holds(folders):
  cell = learning_cells.raw_baselines(_experiment(folders), folders[1])
  assert cell["split"] == {
    "train_clips": 8,
    "test_clips": 6,
    "classes": 2,
    "chance": 0.5,
    "majority": 0.5,
  }
  assert cell["top_1"]["frame difference"] >= 5 / 6
