"""The folder of a run: its lock, its config, its log.

Configs that are damaged or old are tested in tests/config/test_experiment.py.
"""

import json

import pytest

from tests import tiny_runs
from tfvssl.train import run_folder


def test_second_run_in_one_folder_is_refused(tmp_path):
  with run_folder.locked(tmp_path):
    with pytest.raises(ValueError, match="is in use by another run"):
      with run_folder.locked(tmp_path):
        pass
  with run_folder.locked(tmp_path):
    pass


def test_other_config_is_refused_by_name(tmp_path):
  experiment = tiny_runs.experiment()
  run_folder.write_config(experiment, tmp_path)
  (tmp_path / "checkpoints" / "step-00000003").mkdir(parents=True)
  experiment.method.narrow.num_frames = 8
  experiment.logging.scalars_every = 7
  with pytest.raises(ValueError, match="narrow.num_frames: 4 -> 8") as error:
    run_folder.agree_on_config(experiment, tmp_path, [])
  assert "scalars_every" not in str(error.value)
  run_folder.agree_on_config(experiment, tmp_path, ["method.narrow"])
  # Nothing is written before the checkpoint was found to fit.
  assert run_folder.read_config(tmp_path) == tiny_runs.experiment()


def test_run_that_never_trained_may_start_with_another_config(tmp_path):
  run_folder.write_config(tiny_runs.experiment(""), tmp_path)
  run_folder.agree_on_config(tiny_runs.experiment("records"), tmp_path, [])


def test_settings_of_evaluations_may_differ_when_a_run_goes_on(tmp_path):
  experiment = tiny_runs.experiment("records")
  run_folder.write_config(experiment, tmp_path)
  (tmp_path / "checkpoints" / "step-00000003").mkdir(parents=True)
  for section, field in (
    ("svm", "train_epochs"),
    ("linear", "epochs"),
    ("finetune", "epochs"),
    ("mlp", "epochs"),
    ("retrieval", "batch_size"),
  ):
    settings = getattr(experiment, section)
    setattr(settings, field, getattr(settings, field) + 1)
  run_folder.agree_on_config(experiment, tmp_path, [])


@pytest.mark.parametrize(
  "damage", ['{"st', "[2]", '{"loss": 1}', '{"step": "2"}', "", "[" * 9999]
)
def test_cut_off_line_of_metrics_is_dropped(tmp_path, damage):
  path = tmp_path / run_folder.METRICS_NAME
  path.write_text(f'{{"step": 1}}\n{{"step": 2}}\n{damage}\n{{"step": 2}}\n')
  run_folder.truncate_metrics(tmp_path, 2)
  assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_lines_are_added_in_order_and_read_back(tmp_path):
  run_folder.append_metrics(tmp_path, 1, {"loss": 0.5})
  run_folder.append_metrics(tmp_path, 3, {"loss": 0.25, "rate": 1.0})
  lines = (tmp_path / run_folder.METRICS_NAME).read_text().splitlines()
  assert [json.loads(line) for line in lines] == [
    {"step": 1, "loss": 0.5},
    {"step": 3, "loss": 0.25, "rate": 1.0},
  ]


@pytest.mark.parametrize(
  ("last", "kept"), [(-1, []), (1, [1]), (2, [1]), (3, [1, 3]), (9, [1, 3])]
)
def test_lines_after_the_last_step_are_dropped(tmp_path, last, kept):
  for step in (1, 3):
    run_folder.append_metrics(tmp_path, step, {"loss": 1.0})
  run_folder.truncate_metrics(tmp_path, last)
  lines = (tmp_path / run_folder.METRICS_NAME).read_text().splitlines()
  assert [json.loads(line)["step"] for line in lines] == kept


def test_held_out_loss_of_the_last_step_is_dropped(tmp_path):
  for name in ("train/loss", "heldout/loss"):
    for step in (3, 6):
      run_folder.append_metrics(tmp_path, step, {name: 1.0})
  path = tmp_path / run_folder.METRICS_NAME
  lines = sorted(path.read_text().splitlines(), key=lambda x: x[:10])
  path.write_text("\n".join(lines) + "\n")
  run_folder.truncate_metrics(tmp_path, 6)
  assert path.read_text().splitlines() == lines[:3]


@pytest.mark.parametrize(
  ("last_step", "lost"), [(0, False), (3, False), (4, True)]
)
def test_lost_checkpoints_are_noticed(tmp_path, last_step, lost):
  run_folder.check_nothing_is_lost(tmp_path)
  run_folder.write_config(tiny_runs.experiment(), tmp_path)  # saves each 3
  run_folder.check_nothing_is_lost(tmp_path)
  run_folder.append_metrics(tmp_path, last_step, {"loss": 1.0})
  if not lost:
    return run_folder.check_nothing_is_lost(tmp_path)
  with pytest.raises(ValueError) as error:
    run_folder.check_nothing_is_lost(tmp_path)
  assert str(error.value) == (
    f"{tmp_path}/metrics.jsonl goes to step 4, but {tmp_path}/checkpoints"
    " holds no checkpoint, of which there was one every 3 steps; put them"
    " back, or take another --workdir to begin anew."
  )


def test_log_that_is_not_there_stays_so(tmp_path):
  run_folder.truncate_metrics(tmp_path, 3)
  assert list(tmp_path.iterdir()) == []


def test_change_of_many_values_lists_each(tmp_path):
  experiment = tiny_runs.experiment()
  run_folder.write_config(experiment, tmp_path)
  (tmp_path / "checkpoints" / "step-00000003").mkdir(parents=True)
  other = tiny_runs.experiment(batch_size=2, steps=7)
  with pytest.raises(ValueError) as error:
    run_folder.agree_on_config(other, tmp_path, [])
  assert str(error.value) == (
    f"{tmp_path / 'config.json'} was written by a run with another config:"
    " batch_size: 4 -> 2; steps: 12 -> 7. Take another --workdir, or name what"
    " may change with --allow_change."
  )
  # What was refused is not written.
  assert run_folder.read_config(tmp_path) == experiment
  run_folder.agree_on_config(other, tmp_path, ["batch_size", "steps"])
