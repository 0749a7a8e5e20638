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


def test_run_of_before_goes_on_with_its_silent_sound(tmp_path):
  experiment = tiny_runs.experiment()
  run_folder.write_config(experiment, tmp_path)
  path = tmp_path / "config.json"
  stored = json.loads(path.read_text())
  assert stored["data"].pop("use_silent_sound") is False
  path.write_text(json.dumps(stored))
  assert run_folder.read_config(tmp_path).data.use_silent_sound
  run_folder.agree_on_config(experiment, tmp_path, [])
  assert not experiment.data.use_silent_sound  # it has no checkpoint
  (tmp_path / "checkpoints" / "step-00000003").mkdir(parents=True)
  for _ in range(2):  # the second time config.json has the field
    again = tiny_runs.experiment()
    run_folder.agree_on_config(again, tmp_path, [])
    assert again.data.use_silent_sound
    run_folder.write_config(again, tmp_path)
  changed = tiny_runs.experiment()
  run_folder.agree_on_config(changed, tmp_path, ["data.use_silent_sound"])
  assert not changed.data.use_silent_sound


def test_silent_sound_is_not_taken_up_later(tmp_path):
  experiment = tiny_runs.experiment()
  run_folder.write_config(experiment, tmp_path)
  (tmp_path / "checkpoints" / "step-00000003").mkdir(parents=True)
  experiment.data.use_silent_sound = True
  with pytest.raises(ValueError, match="use_silent_sound: False -> True"):
    run_folder.agree_on_config(experiment, tmp_path, [])


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
