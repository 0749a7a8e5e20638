"""A new run begins with what fits of an earlier one, and a note says so."""

import json
import logging
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment as config
from tfvssl.runtime import exit_codes
from tfvssl.train import checkpoint_store
from tfvssl.train import initial_weights
from tfvssl.train import restoring
from tfvssl.train import run as training
from tfvssl.train import run_folder
from tfvssl.train import weights

_STRATEGY = tf.distribute.OneDeviceStrategy("/cpu:0")
_CONFIG = """
from tests import tiny_runs
def get_config():
  return tiny_runs.experiment()
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
  return record_fixture.tiny_records(tmp_path_factory.mktemp("records"))


def _write_run(folder, experiment):
  """Writes a run whose every value is another one; returns its method."""
  method = weights.fresh_method(experiment, seed=5)
  draw = np.random.default_rng(0)
  for variable in method.weights:
    variable.assign(draw.uniform(0.5, 1.5, variable.shape))
  folder.mkdir()
  run_folder.write_config(experiment, folder)
  checkpoint_store.CheckpointStore(folder, {"method": method}, kept=1).save(7)
  return method


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
  """The folder of a run, and its method."""
  folder = tmp_path_factory.mktemp("earlier") / "run"
  return folder, _write_run(folder, tiny_runs.experiment())


def _begin(method, experiment, workdir, initial_run):
  initial_weights.begin(method, experiment, workdir, _STRATEGY, initial_run)


def _begun(experiment, workdir, initial_run):
  """Returns a new run's method and its note."""
  method = weights.fresh_method(experiment, experiment.seed)
  _begin(method, experiment, workdir, initial_run)
  return method, json.loads((workdir / run_folder.INITIAL_NAME).read_text())


def _values(variables):
  return [variable.numpy() for variable in variables]


def _assert_equal(found, expected):
  for ours, theirs in zip(found, expected, strict=True):
    np.testing.assert_array_equal(ours, theirs)


def test_new_run_begins_with_the_weights(earlier, records, tmp_path):
  folder, method = earlier
  experiment = tiny_runs.experiment(str(records))
  run = training.TrainingRun(experiment, tmp_path, _STRATEGY, folder)
  assert run.step == 0
  _assert_equal(_values(run.method.weights), _values(method.weights))
  for slot in run.optimizer.variables()[1:]:
    assert not slot.numpy().any()
  note = json.loads((tmp_path / run_folder.INITIAL_NAME).read_text())
  assert note == {
    "run": str(folder),
    "checkpoint_sha256": restoring.identity(folder),
    "step": 7,
    "taken": [layer.name for layer in method.layers],
    "random": {},
  }


def test_what_does_not_fit_is_listed_and_that_of_a_fresh_run(
  earlier, tmp_path, caplog
):
  folder, source = earlier
  experiment = tiny_runs.experiment()
  experiment.method.narrow_backbone.width = 0.25
  with caplog.at_level(logging.INFO, "absl"):
    method, note = _begun(experiment, tmp_path, folder)
  assert note["taken"] == ["broad_audio_backbone", "predictor"]
  assert note["random"]["projector"] == (
    "linear/kernel is [32, 32] there and [64, 32] here (1 of 12 variables do"
    " not fit)"
  )
  assert sorted(note["random"]) == [
    "broad_audio_adapter",
    "narrow_backbone",
    "projector",
  ]
  fresh = weights.fresh_method(experiment, experiment.seed)
  found, old, new = map(initial_weights.parts_of, (method, source, fresh))
  for part, variables in found.items():
    expected = new if part in note["random"] else old
    _assert_equal(_values(variables.values()), _values(expected[part].values()))
  said = [record.getMessage() for record in caplog.records]
  assert (
    f"begins with broad_audio_backbone, predictor of {folder}, step 7" in said
  )
  assert f"begins at random: projector: {note['random']['projector']}" in said
  assert len(said) == 1 + 3


def test_run_of_which_nothing_fits_is_refused(earlier, tmp_path):
  folder, _ = earlier
  experiment = tiny_runs.experiment()
  brave = experiment.method
  brave.hidden_dim, brave.embedding_dim = 16, 4
  brave.narrow_backbone = tsm_resnet.TSMResNetConfig(blocks=(1, 1), width=0.25)
  brave.broad["audio"].backbone = resnet_audio.AudioResNetConfig(
    blocks=(1,), width=0.125
  )
  method = weights.fresh_method(experiment, experiment.seed)
  before = _values(method.weights)
  with pytest.raises(ValueError, match="none of its networks fits") as error:
    _begin(method, experiment, tmp_path, folder)
  said = str(error.value)
  assert said.startswith(f"--initial_run={folder}: none of its networks fits")
  assert said.endswith(
    f"give --config the networks of {folder / 'config.json'}, or leave"
    " --initial_run out."
  )
  assert "predictor: linear/kernel is [8, 32] there and [4, 16] here" in said
  _assert_equal(_values(method.weights), before)
  assert list(tmp_path.iterdir()) == []


def test_part_of_other_layers_does_not_fit(earlier):
  _, source = earlier
  experiment = tiny_runs.experiment()
  experiment.method.narrow_backbone = tsm_resnet.TSMResNetConfig(
    blocks=(2,), width=0.125
  )
  deeper = weights.fresh_method(experiment, seed=0)
  for earlier_one, method, where in (
    (source, deeper, "here"),
    (deeper, source, "there"),
  ):
    _, left = initial_weights.fitting(earlier_one, method)
    assert list(left) == ["narrow_backbone"]
    assert f"is only {where} (" in left["narrow_backbone"]


def test_backbones_go_from_one_method_to_another(tmp_path):
  mmv = config.Experiment(
    method=tiny_mmv_runs.method_config(tiny_mmv_runs.vocabulary(tmp_path)),
    optimizer=tiny_runs.experiment().optimizer,
  )
  source = _write_run(tmp_path / "mmv", mmv)
  method, note = _begun(tiny_runs.experiment(), tmp_path, tmp_path / "mmv")
  assert note["taken"] == ["narrow_backbone", "broad_audio_backbone"]
  assert note["random"]["projector"] == "the earlier run has no such part"
  for ours, theirs in (
    (method.narrow_backbone, source.video_backbone),
    (method.broad_backbones["audio"], source.partner_backbones["audio"]),
  ):
    _assert_equal(_values(ours.weights), _values(theirs.weights))


def test_table_of_other_words_is_not_taken(tmp_path):
  methods = []
  for number in (0, 1):
    path = tmp_path / f"words{number}.txt"
    words = [*tiny_mmv_runs.WORDS[:-1], f"word{number}"]
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    settings = tiny_mmv_runs.method_config(str(path))
    settings.identify_files()
    methods.append(settings.build())
    weights.build_weights(methods[-1])
  taken, left = initial_weights.fitting(*methods)
  assert left == {"text_backbone": "its words have other ids there"}
  assert "video_va_head" in taken and "audio_backbone" in taken
  _, left = initial_weights.fitting(methods[0], methods[0])
  assert not left


def test_run_goes_on_with_what_it_began_with_alone(earlier, tmp_path):
  folder, method = earlier
  experiment = tiny_runs.experiment()
  begun = tmp_path / "begun"
  begun.mkdir()
  _begun(experiment, begun, folder)
  moved = shutil.copytree(folder, tmp_path / "moved")

  def go_on(workdir, initial_run):
    (workdir / "checkpoints" / "step-00000001").mkdir(
      parents=True, exist_ok=True
    )
    _begin(trained, experiment, workdir, initial_run)

  trained = weights.fresh_method(experiment, seed=1)
  before = _values(trained.weights)
  for same in (folder, moved, None):
    go_on(begun, same)
  _assert_equal(_values(trained.weights), before)
  identity = restoring.identity(folder)
  with pytest.raises(exit_codes.UserError) as error:
    go_on(begun, tmp_path / "other")
  assert error.value.exit_code == exit_codes.USAGE
  assert str(error.value) == (
    f"--initial_run={tmp_path / 'other'} is not what {begun} began with (those"
    f" of {folder}, {identity:.12}), and it goes on from its own checkpoint;"
    " leave the flag out, or take another --workdir."
  )
  with pytest.raises(exit_codes.UserError, match=r"with \(random weights\)"):
    go_on(tmp_path, folder)
  (begun / run_folder.INITIAL_NAME).write_text("{")
  with pytest.raises(ValueError, match="cannot be read .* leave --initial_run"):
    go_on(begun, folder)
  # As after a start that was killed before its first checkpoint.
  shutil.rmtree(begun / "checkpoints")
  _begin(method, experiment, begun, None)
  assert list(begun.iterdir()) == []


def test_folder_that_is_no_run_is_named(tmp_path):
  experiment = tiny_runs.experiment()
  with pytest.raises(FileNotFoundError, match="is its folder the --workdir of"):
    _begin(None, experiment, tmp_path, tmp_path / "nothing")
  run_folder.write_config(experiment, tmp_path)
  with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
    _begin(None, experiment, tmp_path, tmp_path)


def _flags(tmp_path, records, folder):
  config_file = tmp_path / "tiny.py"
  config_file.write_text(_CONFIG)
  return [
    f"--config={config_file}",
    f"--workdir={tmp_path / 'run'}",
    f"--config.data.train_records={records}",
    f"--initial_run={folder}",
    "--config.steps=3",
    "--config.schedule.peak=1e-30",
  ]


def _assert_trained_nothing(run, source):
  _, method, step = weights.load_method(run)
  assert step == 3
  _assert_equal(
    _values(method.trainable_variables), _values(source.trainable_variables)
  )


def test_command_names_what_is_no_run(records, tmp_path):
  done = forked_binaries.run(
    "tfvssl.train", *_flags(tmp_path, records, tmp_path / "nothing")
  )
  assert done.returncode == exit_codes.DATA, done.stderr[-3000:]
  said = done.stderr.splitlines()[-1]
  assert said.startswith(
    f"error: {tmp_path}/nothing/config.json does not exist"
  )
  assert not list((tmp_path / "run" / "checkpoints").iterdir())


@pytest.mark.slow
def test_command_begins_with_it_on_two_replicas(earlier, records, tmp_path):
  folder, source = earlier
  replicas = [
    "--config.runtime.strategy=mirrored",
    "--config.runtime.logical_cpus=2",
  ]
  done = forked_binaries.run(
    "tfvssl.train", *_flags(tmp_path, records, folder), *replicas
  )
  assert done.returncode == exit_codes.OK, done.stderr[-3000:]
  assert f"of {folder}, step 7" in done.stderr
  _assert_trained_nothing(tmp_path / "run", source)
  refused = forked_binaries.run(
    "tfvssl.train", *_flags(tmp_path, records, tmp_path / "other"), *replicas
  )
  assert refused.returncode == exit_codes.USAGE
  assert f"{tmp_path / 'run'} began with" in refused.stderr.splitlines()[-1]
