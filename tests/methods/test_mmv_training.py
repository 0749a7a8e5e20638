"""MMV through the trainer: mixed records, missing captions, resumed runs."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_mmv_runs
from tests.data import record_fixture
from tfvssl.config import experiment as config
from tfvssl.optim import adam
from tfvssl.runtime import exit_codes
from tfvssl.train import metrics_log
from tfvssl.train import run as training
from tfvssl.train import run_folder
from tfvssl.train import weights

_CAPTIONS = (("a red disc", 0.0, 1.0), ("hums", 1.0, 2.0))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  """Six clips with captions, and six of which none has one."""
  return [
    record_fixture.write_records(
      tmp_path_factory.mktemp(name),
      [
        record_fixture.make_clip(seed, captions=captions, num_frames=30)
        for seed in range(6)
      ],
    )
    for name, captions in (("told", _CAPTIONS), ("mute", ()))
  ]


def _experiment(folders, tmp_path, **changes):
  told, mute = map(str, folders)
  settings = {
    "method": tiny_mmv_runs.method_config(tiny_mmv_runs.vocabulary(tmp_path)),
    "optimizer": adam.AdamConfig(),
    "data": config.Data(
      train_records=told, second_train_records=mute, shuffle_buffer=4
    ),
    "runtime": config.Runtime(deterministic=False),
    "schedule": config.Schedule(peak=1e-3, warmup_steps=1),
    "logging": config.Logging(
      scalars_every=1, heldout_every=0, images_every=2, checkpoint_every=2
    ),
    "batch_size": 4,
    "steps": 4,
    **changes,
  }
  experiment = config.Experiment(**settings)
  experiment.validate()
  return experiment


def _run(experiment, workdir):
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  workdir.mkdir(exist_ok=True)
  run_folder.agree_on_config(experiment, workdir, [])
  tf.keras.utils.set_random_seed(experiment.seed)
  run = training.TrainingRun(experiment, workdir, strategy)
  assert run.run() == exit_codes.OK
  return run


@pytest.mark.slow
def test_half_of_the_clips_have_no_captions_and_a_resume_changes_nothing(
  folders, tmp_path
):
  experiment = _experiment(folders, tmp_path)
  whole = _run(experiment, tmp_path / "whole")
  lines = (tmp_path / "whole" / metrics_log.NAME).read_text().split("\n")
  metrics = [json.loads(line) for line in lines if "train/loss/total" in line]
  assert [line["train/present/text"] for line in metrics] == [0.5] * 4
  assert [line["train/present/audio"] for line in metrics] == [1.0] * 4
  assert np.isfinite([line["train/loss/total"] for line in metrics]).all()
  described = training.describe(whole)
  assert "audio: (12000,) float32" in described
  assert "text: (2, 4) int32" in described

  # As if it had been killed after step 2.
  resumed = tmp_path / "resumed"
  (resumed / "checkpoints").mkdir(parents=True)
  middle = "checkpoints/step-00000002"
  shutil.copytree(tmp_path / "whole" / middle, resumed / middle)
  again = _run(experiment, resumed)
  names = [variable.name for variable in whole.method.variables]
  assert len(names) > 20
  for name, one, two in zip(
    names, whole.method.variables, again.method.variables, strict=True
  ):
    np.testing.assert_array_equal(one, two, err_msg=name)


def test_a_run_is_bound_to_its_words(folders, tmp_path):
  workdir = tmp_path / "run"
  experiment = _experiment(folders, tmp_path)
  (workdir / "checkpoints" / "step-00000002").mkdir(parents=True)
  run_folder.agree_on_config(experiment, workdir, [])
  run_folder.write_config(experiment, workdir)
  loaded = run_folder.read_config(workdir)
  loaded.method.build()

  words = pathlib.Path(tiny_mmv_runs.vocabulary(tmp_path))
  swapped = words.read_text().replace("red\nblue", "blue\nred")
  words.write_text(swapped)
  with pytest.raises(
    ValueError,
    match=r"words\.txt or its stop words are not those that the run began with"
    r" \(SHA-256 [0-9a-f]{12}, not [0-9a-f]{12}\), so words would have other"
    r" ids; put the files back or begin another run\.",
  ):
    loaded.method.build()
  again = run_folder.read_config(workdir)
  with pytest.raises(ValueError, match="another config: method.*words_sha256"):
    run_folder.agree_on_config(again, workdir, [])


@pytest.mark.slow
def test_loss_falls_on_eight_clips(tmp_path):
  tf.keras.utils.set_random_seed(0)
  words = tiny_mmv_runs.vocabulary(tmp_path)
  method = tiny_mmv_runs.method_config(words).build()
  weights.build_weights(method)
  batch = tiny_mmv_runs.batch(method, 8)
  optimizer = tf.keras.optimizers.legacy.Adam(3e-3)
  variables = method.trainable_variables

  @tf.function(autograph=False)
  def step():
    with tf.GradientTape() as tape:
      loss = method.loss(batch, 0).loss
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss

  values = [float(step()) for _ in range(60)]
  assert np.mean(values[-5:]) < 0.6 * values[0]


@pytest.mark.slow
def test_two_replicas_equal_one(tmp_path):
  """Loss, gradients and moving averages, with uneven masks."""
  file = tmp_path / "found.npz"
  done = forked_binaries.run("tests.methods.mmv_on_replicas", file)
  assert done.returncode == 0, done.stderr[-3000:]
  with np.load(file) as found:
    names = [name[2:] for name in found.files if name.startswith("1:")]
    assert any("moving" in name for name in names)
    assert sum("gradient" in name for name in names) > 30
    largest = max(np.abs(found[f"1:{n}"]).max() for n in names if "grad" in n)
    for name in names:
      one, two = found[f"1:{name}"], found[f"2:{name}"]
      size = largest if "gradient" in name else np.abs(one).max()
      # 1e-4 of the largest gradient: batch norm over eight clips, float32, and
      # cosines divided by 0.07; some means are zero but for rounding.
      np.testing.assert_allclose(
        two, one, rtol=0, atol=1e-4 * size + 1e-6, err_msg=name
      )
