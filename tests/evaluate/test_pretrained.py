"""A run in Keras: same outputs, plain training, and the documented example."""

import importlib
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.conftest import ROOT
from tests.data import record_fixture
import tfvssl
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.evaluate import pretrained
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

CLASSES = record_fixture.CLASSES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """RUN, whose weights are not the initial ones, and RECORDS."""
  root = tmp_path_factory.mktemp("pretrained")
  experiment = tiny_runs.experiment()
  method = weights.fresh_method(experiment, 8)
  generator = np.random.default_rng(0)
  for variable in method.variables:
    if "moving_mean" in variable.name:
      variable.assign(generator.normal(size=variable.shape) * 0.1)
  (root / "RUN").mkdir()
  run_folder.write_config(experiment, root / "RUN")
  checkpoint_store.CheckpointStore(
    root / "RUN", {"method": method}, kept=1
  ).save(3)
  for name, seeds in (("train", range(8)), ("test", range(20, 25))):
    made = [record_fixture.make_clip(seed, num_frames=20) for seed in seeds]
    record_fixture.write_records(root / "RECORDS" / name, made, num_shards=2)
  return root


@pytest.fixture
def models(folder):
  return tfvssl.from_pretrained(folder / "RUN")


def _input(model, clips=3):
  generator = np.random.default_rng(1)
  shape = [clips, *model.input_shape[1:]]
  return tf.constant(generator.uniform(0, 1, shape), tf.float32)


def test_outputs_are_those_of_the_encoders(folder, models):
  _, method, _ = weights.load_method(folder / "RUN")
  encoders = method.encoders()
  assert sorted(models) == sorted(encoders) == ["audio", "video"]
  assert models["video"].input_shape == (None, 4, 16, 16, 3)
  assert models["audio"].input_shape == (None, 25, 40)
  for name, model in models.items():
    assert model.name == name and model.spec == encoders[name].spec
    inputs = _input(model)
    expected = encoders[name](inputs)["backbone"]
    assert float(tf.math.reduce_std(expected)) > 1e-3
    np.testing.assert_allclose(model(inputs), expected, rtol=0, atol=1e-6)
    assert len(model.trainable_variables) == len(
      encoders[name].backbone.trainable_variables
    )


def test_training_mode_reaches_the_batch_norms(models):
  """A functional model hands `training` on to the network inside."""
  model = models["video"]
  inputs = _input(model)
  before = [variable.numpy() for variable in model.non_trainable_variables]
  still = model(inputs)
  for variable, value in zip(model.non_trainable_variables, before):
    np.testing.assert_array_equal(variable, value)
  moved = model(inputs, training=True)
  assert np.abs(moved - still).max() > 1e-3
  changed = [
    np.abs(variable - value).max() > 0
    for variable, value in zip(model.non_trainable_variables, before)
  ]
  assert all(changed)


def test_weights_are_saved_and_loaded(folder, models, tmp_path):
  model = models["video"]
  expected = model(_input(model)).numpy()
  model.save_weights(tmp_path / "video.weights.h5")
  for variable in model.variables:
    variable.assign(variable + 1.0)
  assert np.abs(model(_input(model)) - expected).max() > 1e-3
  model.load_weights(tmp_path / "video.weights.h5")
  np.testing.assert_array_equal(model(_input(model)), expected)


def test_the_precision_of_the_program_stays_its_own(folder, tmp_path):
  experiment = run_folder.read_config(folder / "RUN")
  experiment.runtime.precision = config.Precision.BFLOAT16
  (tmp_path / "checkpoints").symlink_to(folder / "RUN" / "checkpoints")
  run_folder.write_config(experiment, tmp_path)
  model = tfvssl.from_pretrained(tmp_path)["video"]
  assert tf.keras.mixed_precision.global_policy().name == "float32"
  assert model(_input(model)).dtype == tf.float32


def test_a_folder_without_a_run_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="does not exist; is its folder"):
    tfvssl.from_pretrained(tmp_path)


@pytest.mark.parametrize(
  "name", ["tfvssl.pretrained", "tfvssl.evaluate.public_names.pretrained"]
)
def test_the_public_name_is_the_module(name):
  """As in programs and in the Keras files of version 0.1.0."""
  assert importlib.import_module(name) is pretrained is tfvssl.pretrained
  assert tfvssl.from_pretrained is pretrained.from_pretrained


def test_the_package_has_no_other_attribute():
  with pytest.raises(AttributeError, match="no attribute 'from_trained'"):
    tfvssl.from_trained  # noqa: B018


def _clips(folder, spec, size=4, **arguments):
  return pretrained.labelled_clips(folder, spec, size, **arguments)


def test_every_labelled_clip_comes_once_in_order(folder, models):
  dataset = _clips(folder / "RECORDS" / "test", models["video"], training=False)
  batches = list(dataset)
  assert [batch[0].shape[0] for batch in batches] == [4, 1]
  labels = np.concatenate([batch[1] for batch in batches])
  # Shards hold the clips round-robin: 20, 22, 24 and 21, 23.
  np.testing.assert_array_equal(labels, [0, 0, 0, 1, 1])
  first = batches[0][0][0]
  # 48 x 64 becomes 18 x 24, and 16 x 16 of its middle are seen.
  frames = record_fixture.make_frames(20, 20)[:8:2]
  small = tf.image.resize(tf.cast(frames, tf.float32), [18, 24]) / 255
  # JPEG, and the order of rounding.
  error = np.abs(first - small[:, 1:17, 4:20]).mean()
  assert error < 0.03, error
  again = next(iter(dataset))[0]
  np.testing.assert_array_equal(again, batches[0][0])


def test_training_views_are_random_endless_and_repeatable(folder, models):
  records = folder / "RECORDS" / "train"
  dataset = _clips(records, models["video"], size=8, training=True)
  (first, labels), (second, _) = dataset.take(2)
  assert first.shape == [8, 4, 16, 16, 3] and first.dtype == tf.float32
  assert sorted(labels.numpy()) == [0] * 4 + [1] * 4
  assert float(tf.reduce_min(first)) >= 0 and float(tf.reduce_max(first)) <= 1
  assert np.abs(np.sort(first, 0) - np.sort(second, 0)).max() > 0.1
  repeated, _ = next(iter(dataset))
  np.testing.assert_array_equal(repeated, first)
  other, _ = next(
    iter(_clips(records, models["video"], 8, training=True, seed=1))
  )
  assert np.abs(other - first).max() > 0.1


def test_sound_and_flow_are_given_as_their_networks_take_them(
  folder, models, tmp_path
):
  (audio, _), *_ = _clips(
    folder / "RECORDS" / "test", models["audio"], training=False
  )
  assert audio.shape == [4, 25, 40] and float(tf.reduce_max(audio)) > 1
  made = [
    record_fixture.make_clip(seed, num_frames=8, modalities=("flow",))
    for seed in range(2)
  ]
  record_fixture.write_records(tmp_path, made, num_shards=1)
  spec = views.FlowViewSpec(
    num_frames=4, image_size=16, resize_short_side=48, flip_probability=1.0
  )
  (flow, labels), *_ = _clips(tmp_path, spec, training=False)
  assert flow.shape == [2, 4, 16, 16, 2]
  np.testing.assert_array_equal(labels, [0, 1])
  assert float(tf.reduce_min(flow)) < 0 < float(tf.reduce_max(flow))


def test_labels_count_in_the_classes_that_are_given(folder, models):
  records = folder / "RECORDS" / "test"
  classes = ["up", "right", "down"]
  assert pretrained.class_names(records) == CLASSES == ["down", "right"]
  dataset = _clips(records, models["video"], training=False, classes=classes)
  labels = np.concatenate([labels for _, labels in dataset])
  np.testing.assert_array_equal(labels, [2, 2, 2, 1, 1])
  with pytest.raises(
    ValueError, match="`classes` lacks 'right' of .*test; give"
  ):
    _clips(records, models["video"], training=False, classes=["down"])


def test_unlabelled_clips_are_left_out(models, tmp_path):
  made = [record_fixture.make_clip(seed, num_frames=8) for seed in range(3)]
  made[0].label_index, made[0].label_text = -1, ""
  record_fixture.write_records(tmp_path / "some", made, num_shards=1)
  dataset = _clips(tmp_path / "some", models["video"], training=False)
  ((_, labels),) = dataset
  np.testing.assert_array_equal(labels, [1, 0])
  for clip in made:
    clip.label_index, clip.label_text = -1, ""
  record_fixture.write_records(tmp_path / "none", made, num_shards=1)
  with pytest.raises(ValueError, match="no usable clip of .*none has a label"):
    _clips(tmp_path / "none", models["video"], training=True)


def test_silent_sound_counts_as_it_does_in_the_run(models, tmp_path):
  made = [record_fixture.make_clip(seed, num_frames=50) for seed in range(4)]
  made[1].waveform[:] = 0
  folder = record_fixture.write_records(
    tmp_path, made, num_shards=1, digests=True
  )

  def count(encoder):
    return sum(len(x) for _, x in _clips(folder, encoder, training=False))

  model = models["audio"]
  assert not model.use_silent_sound
  assert count(model) == count(model.spec) == 3
  model.use_silent_sound = True
  assert count(model) == 4
  model.use_silent_sound = False


@pytest.mark.slow
def test_the_documented_example_learns(folder, monkeypatch, capsys):
  text = (ROOT / "docs" / "keras.md").read_text(encoding="utf-8")
  (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
  body = [line for line in code.splitlines() if not line.startswith("import ")]
  assert len(body) <= 11  # "the ten-line example"
  monkeypatch.chdir(folder)
  names: dict = {}
  exec(compile(code, "docs/keras.md", "exec"), names)
  losses = names["history"].history["loss"]
  assert losses[-1] < losses[0]
  fresh = tfvssl.from_pretrained("RUN")["video"]
  moved = [
    float(tf.reduce_max(tf.abs(ours - theirs)))
    for ours, theirs in zip(
      names["video"].trainable_variables,
      fresh.trainable_variables,
      strict=True,
    )
  ]
  assert min(moved) > 0
  last = capsys.readouterr().out.splitlines()[-1]
  accuracy = float(last.removeprefix("accuracy "))
  assert 0 <= accuracy <= 1


_LOAD = """
import sys
import numpy as np
import tfvssl
import tensorflow as tf
model = tf.keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], model(np.load(sys.argv[2])))
"""


def _rename_module(path, name):
  """Makes a Keras file one that was saved when the module had that name."""
  with zipfile.ZipFile(path) as file:
    parts = {part: file.read(part) for part in file.namelist()}
  now = pretrained.__name__.encode()
  assert now in parts["config.json"]
  parts["config.json"] = parts["config.json"].replace(now, name.encode())
  with zipfile.ZipFile(path, "w") as file:
    for part, content in parts.items():
      file.writestr(part, content)


@pytest.mark.parametrize(
  ("name", "module"),
  [
    ("video", "tfvssl.pretrained"),
    pytest.param("audio", pretrained.__name__, marks=pytest.mark.slow),
  ],
)
def test_saved_model_is_loaded_by_keras_in_a_fresh_process(
  models, name, module, tmp_path
):
  model, inputs = models[name], _input(models[name])
  model.save(tmp_path / "model.keras")
  _rename_module(tmp_path / "model.keras", module)
  np.save(tmp_path / "inputs.npy", inputs)
  subprocess.run(
    [sys.executable, "-c", _LOAD, "model.keras", "inputs.npy", "outputs.npy"],
    cwd=tmp_path,
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    check=True,
    timeout=120,
  )
  np.testing.assert_allclose(
    np.load(tmp_path / "outputs.npy"), model(inputs), rtol=1e-5, atol=1e-6
  )
