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
  run_folder.agree_on_config(experiment, tmp_path, [])
  (tmp_path / "checkpoints" / "step-00000003").mkdir(parents=True)
  experiment.method.narrow.num_frames = 8
  experiment.logging.scalars_every = 7
  with pytest.raises(ValueError, match="narrow.num_frames: 4 -> 8") as error:
    run_folder.agree_on_config(experiment, tmp_path, [])
  assert "scalars_every" not in str(error.value)
  run_folder.agree_on_config(experiment, tmp_path, ["method.narrow"])
  assert run_folder.read_config(tmp_path) == experiment


def test_run_that_never_trained_may_start_with_another_config(tmp_path):
  run_folder.agree_on_config(tiny_runs.experiment(""), tmp_path, [])
  corrected = tiny_runs.experiment("records")
  run_folder.agree_on_config(corrected, tmp_path, [])
  assert run_folder.read_config(tmp_path) == corrected


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
  assert run_folder.read_config(tmp_path) == experiment


def test_cut_off_line_of_metrics_is_dropped(tmp_path):
  path = tmp_path / run_folder.METRICS_NAME
  path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
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
  assert run_folder.read_config(tmp_path) == other
