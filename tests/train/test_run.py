"""Resuming equals never having stopped; refusals come before step 0."""

import json
import os
import shutil
import signal
import socket
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl.runtime import exit_codes
from tfvssl.train import checkpoints
from tfvssl.train import metrics_log
from tfvssl.train import restoring
from tfvssl.train import run as training
from tfvssl.train import run_folder
from tfvssl.train import weights

_CONFIG = """
from tests import tiny_runs
def get_config():
  return tiny_runs.experiment()
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.tiny_records(folder)


@pytest.fixture(scope="module")
def config_file(tmp_path_factory):
  path = tmp_path_factory.mktemp("config") / "tiny.py"
  path.write_text(_CONFIG)
  return path


def _start(config_file, records, run, *flags, **environment):
  return forked_binaries.start(
    "tfvssl.train",
    f"--config={config_file}",
    f"--workdir={run}",
    f"--config.data.train_records={records}",
    *flags,
    **environment,
  )


def _held_out(records):
  return [
    "--config.logging.heldout_every=6",
    "--config.logging.heldout_batches=1",
    f"--config.data.heldout_records={records}",
  ]


def _finish(process, code=0):
  result = process.finish()
  assert result.returncode == code, result.stderr[-3000:]
  return result.stdout, result.stderr


def _weights(run):
  _, method, step = weights.load_method(run)
  return step, [v.numpy() for v in method.weights]


def _wait_for(path, timeout_s=120.0):
  deadline = time.monotonic() + timeout_s
  while not path.exists():
    assert time.monotonic() < deadline, f"{path} never appeared"
    time.sleep(0.005)


def _steps(folder):
  lines = (folder / metrics_log.NAME).read_text().splitlines()
  return [json.loads(line)["step"] for line in lines]


def _metrics(folder):
  """Returns what was logged at each step, but for the times."""
  lines = (folder / metrics_log.NAME).read_text().splitlines()
  return [
    {k: v for k, v in json.loads(line).items() if "performance/" not in k}
    for line in lines
  ]


@pytest.fixture(scope="module")
def uninterrupted(config_file, records, tmp_path_factory):
  run = tmp_path_factory.mktemp("straight")
  flags = [*_held_out(records), "--config.logging.images_every=100"]
  out, _ = _finish(_start(config_file, records, run, *flags))
  assert out.splitlines()[-1] == (
    f"next: python -m tfvssl.evaluate --workdir={run} --test_records={records}"
    f" --protocol=svm --train_records={records}"
  )
  return run


def _summaries(folder):
  """Returns what TensorBoard has of a folder, by step and name."""
  return {
    (event.step, value.tag): tf.make_ndarray(value.tensor)
    for path in sorted(folder.iterdir())
    for event in tf.compat.v1.train.summary_iterator(str(path))
    for value in event.summary.value
    if value.HasField("tensor")
  }


@pytest.mark.slow
def test_records_without_labels_lead_to_an_export(
  config_file, records, tmp_path
):
  folder = shutil.copytree(records, tmp_path / "unlabelled")
  path = folder / "manifest.json"
  tree = json.loads(path.read_text())
  path.write_text(json.dumps(tree | {"classes": []}))
  out, _ = _finish(
    _start(config_file, folder, tmp_path / "run", "--config.steps=3")
  )
  run = tmp_path / "run"
  assert out.splitlines()[-1] == (
    f"next: python -m tfvssl.export --workdir={run} --output={run / 'export'}"
  )


def test_tensorboard_has_the_first_and_the_last_views(uninterrupted):
  pictures = _summaries(uninterrupted / "views")
  places = {(step, name.split("/")[0]) for step, name in pictures}
  names = {"narrow", "broad_audio"}
  assert places == {(step, name) for step in (0, 12) for name in names}


def test_tensorboard_has_config_and_health_in_words(uninterrupted):
  texts = {
    place: words[()].decode()
    for place, words in _summaries(uninterrupted / "health").items()
  }
  config = (uninterrupted / "config.json").read_text().rstrip("\n")
  lines = texts.pop((0, "config")).rstrip("\n").splitlines()
  assert [line.removeprefix("    ") for line in lines] == config.splitlines()
  last = texts[12, "health"]
  log = json.loads(
    (uninterrupted / "metrics.jsonl").read_text().splitlines()[-2]
  )
  deviation = log["train/embedding_std/narrow"]
  assert f"embedding_std/narrow {deviation:.2f}" in last


# Before any checkpoint; between two; while or just after one is written.
@pytest.mark.parametrize(
  "appears",
  [
    pytest.param("config.json", marks=pytest.mark.slow),
    "checkpoints/step-00000003",
    pytest.param("checkpoints/step-00000009", marks=pytest.mark.slow),
  ],
)
def test_kill_and_rerun_gives_the_weights_of_an_uninterrupted_run(
  appears, config_file, records, uninterrupted, tmp_path
):
  flags = _held_out(records)
  process = _start(config_file, records, tmp_path, *flags)
  _wait_for(tmp_path / appears)
  os.kill(process.pid, signal.SIGKILL)
  _finish(process, -signal.SIGKILL)
  _finish(_start(config_file, records, tmp_path, *flags))
  _assert_equal(tmp_path, uninterrupted)


def _assert_equal(run, uninterrupted):
  step, found = _weights(run)
  straight_step, straight = _weights(uninterrupted)
  assert step == straight_step == 12
  for a, b in zip(found, straight, strict=True):
    np.testing.assert_array_equal(a, b)
  metrics = _metrics(run)
  assert metrics == _metrics(uninterrupted)
  trained = [line for line in metrics if "train/loss/total" in line]
  assert [line["step"] for line in trained] == list(range(1, 13))
  assert "train/probe/linear_accuracy" in trained[-1]
  held_out = [line for line in metrics if "heldout/loss/total" in line]
  assert [line["step"] for line in held_out] == [0, 6, 12]


@pytest.mark.slow
def test_stop_in_a_measurement_does_not_wait_for_its_end(
  config_file, records, uninterrupted, tmp_path
):
  run = shutil.copytree(uninterrupted, tmp_path / "run")
  for step in (6, 9, 12):
    shutil.rmtree(run / "checkpoints" / f"step-{step:08d}")
  flags = _held_out(records)
  # What is measured changes no number of the optimisation.
  endless = [*flags, "--config.logging.heldout_batches=1000000"]
  process = _start(config_file, records, run, *endless)
  _wait_for(run / "checkpoints" / "step-00000006")
  time.sleep(0.2)  # the measurement follows
  os.kill(process.pid, signal.SIGTERM)
  _finish(process, exit_codes.PREEMPTED)
  # As a kill between the two leaves it, too: the checkpoint comes first.
  assert restoring.newest(run).name == "step-00000006"
  assert _steps(run)[-1] == 6 and "heldout/loss/total" not in _metrics(run)[-1]
  _finish(_start(config_file, records, run, *flags))
  _assert_equal(run, uninterrupted)


def test_config_changes_only_when_the_checkpoint_fits(
  config_file, records, uninterrupted, tmp_path
):
  run = shutil.copytree(uninterrupted, tmp_path / "run")
  before = {
    name: (run / name).read_bytes()
    for name in (run_folder.CONFIG_NAME, metrics_log.NAME)
  }
  changes = ["--allow_change=method", "--config.method.embedding_dim=16"]
  _, err = _finish(
    _start(config_file, records, run, *_held_out(records), *changes),
    exit_codes.DATA,
  )
  assert "does not belong to this model" in err
  shutil.rmtree(run / "checkpoints")
  _, err = _finish(
    _start(config_file, records, run, *_held_out(records)), exit_codes.DATA
  )
  assert err.splitlines()[-1].endswith(
    "metrics.jsonl goes to step 12, but"
    f" {run}/checkpoints holds no checkpoint, of which there was one every 3"
    " steps; put them back, or take another --workdir to begin anew."
  )
  assert before == {name: (run / name).read_bytes() for name in before}


def test_sigterm_saves_the_step_and_exits_42(config_file, records, tmp_path):
  flags = [
    f"--config.{name}=4000"
    for name in (
      "steps",
      "logging.scalars_every",
      "logging.checkpoint_every",
      "logging.heldout_every",
    )
  ]
  flags.append(f"--config.data.heldout_records={records}")
  process = _start(config_file, records, tmp_path, *flags)
  _wait_for(tmp_path / metrics_log.NAME)  # the held-out loss before step 1
  os.kill(process.pid, signal.SIGTERM)
  _finish(process, exit_codes.PREEMPTED)
  step, _ = _weights(tmp_path)
  assert 0 <= step < 4000
  assert _steps(tmp_path) == [0]


@pytest.mark.slow
def test_stop_is_heard_after_the_step_and_the_run_goes_on(records, tmp_path):
  # Nothing else is due before the last step.
  experiment = tiny_runs.experiment(str(records))
  experiment.steps = 12
  experiment.logging.scalars_every = experiment.logging.checkpoint_every = 12
  experiment.logging.heldout_every = experiment.logging.images_every = 0
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")

  def run(folder):
    folder.mkdir(exist_ok=True)
    return training.TrainingRun(experiment, folder, strategy)

  stopped = run(tmp_path / "stopped")
  told = threading.Thread(target=_tell_at_step, args=(stopped, 3))
  told.start()
  assert stopped.run() == exit_codes.PREEMPTED
  told.join()
  assert 3 <= stopped.step <= 5
  assert checkpoints.step_of(restoring.newest(tmp_path / "stopped")) == (
    stopped.step
  )
  again, straight = run(tmp_path / "stopped"), run(tmp_path / "straight")
  assert again.step == stopped.step
  assert (again.run(), straight.run()) == (exit_codes.OK, exit_codes.OK)
  for ours, theirs in zip(again.method.weights, straight.method.weights):
    np.testing.assert_array_equal(ours, theirs)


def _tell_at_step(run, step):
  while run.step < step:
    time.sleep(1e-3)
  os.kill(os.getpid(), signal.SIGTERM)


def test_missing_records_are_named(tmp_path):
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  with pytest.raises(
    exit_codes.UserError, match="`data.train_records` is empty"
  ) as error:
    training.TrainingRun(tiny_runs.experiment(""), tmp_path, strategy)
  assert error.value.exit_code == exit_codes.DATA


def _diverge(config_file, records, run):
  """Runs with far too large a rate and returns the last line."""
  flags = ["--config.schedule.peak=1e30"]
  _, err = _finish(
    _start(config_file, records, run, *flags), exit_codes.NUMERICAL
  )
  return err.splitlines()[-1]


def test_infinite_loss_ends_with_the_step_and_exit_5(records, tmp_path):
  # Which method it is does not matter, and this one is traced at once.
  config_file = tmp_path / "one_layer.py"
  config_file.write_text(_CONFIG.replace("tiny_runs", "one_layer_run"))
  said = _diverge(config_file, records, tmp_path / "run")
  assert "loss or gradient is not finite at step" in said
  assert "--allow_change=schedule.peak" in said


@pytest.mark.slow
def test_what_an_infinite_loss_advises_goes_on(config_file, records, tmp_path):
  assert "--allow_change=schedule.peak" in _diverge(
    config_file, records, tmp_path
  )
  flags = ["--allow_change=schedule.peak", "--config.steps=12"]
  _finish(_start(config_file, records, tmp_path, *flags))


def test_misspelt_value_is_one_line(config_file, records, tmp_path):
  flags = ["--config.method.narrow.num_framez=8"]
  _, err = _finish(
    _start(config_file, records, tmp_path, *flags), exit_codes.USAGE
  )
  assert "did you mean `num_frames`?" in err
  assert "Traceback" not in err


def _free_ports(count):
  sockets = [socket.socket() for _ in range(count)]
  for opened in sockets:
    opened.bind(("127.0.0.1", 0))
  ports = [opened.getsockname()[1] for opened in sockets]
  for opened in sockets:
    opened.close()
  return ports


def _tasks(count):
  """Returns the TF_CONFIG of every worker of a cluster on this machine."""
  cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(count)]}
  return [
    json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    for index in range(count)
  ]


@pytest.mark.slow
def test_two_workers_train(records, tmp_path):
  """Two processes under MultiWorkerMirroredStrategy, one shared folder.

  The method makes labels itself, which the workers' inputs must hand on.
  """
  config_file = tmp_path / "with_targets.py"
  config_file.write_text(
    _CONFIG.replace("tiny_runs", "method_with_targets").replace(
      "from tests import", "from tests.methods import"
    )
  )
  run = tmp_path / "run"
  flags = ["--config.runtime.strategy=multi_worker", "--config.steps=4"]
  processes = [
    _start(config_file, records, run, *flags, TF_CONFIG=task)
    for task in _tasks(2)
  ]
  for process in processes:
    _finish(process)
  saved = tf.train.load_checkpoint(str(restoring.newest(run) / "variables"))
  names = [
    name
    for name in saved.get_variable_to_shape_map()
    if name.startswith("method/") and name.endswith("VARIABLE_VALUE")
  ]
  weights = [name for name in names if ".OPTIMIZER_SLOT" not in name]
  assert sum("classifier" in name for name in weights) == 2
  assert len(names) > 20
  assert all(np.isfinite(saved.get_tensor(name)).all() for name in names)
  assert restoring.newest(run).name == "step-00000004"
  assert _steps(run) == [1, 2, 3, 4]
  # Of three values; before anything is learned, the loss is about ln 3.
  losses = [line["train/loss/targets"] for line in _metrics(run)]
  assert len(set(losses)) == 4 and 0.5 < losses[0] < 3.0


@pytest.mark.slow
def test_two_workers_begin_with_an_earlier_run(
  config_file, records, uninterrupted, tmp_path
):
  flags = ["--config.runtime.strategy=multi_worker", "--config.steps=3"]
  flags += [f"--initial_run={uninterrupted}", "--config.schedule.peak=1e-30"]
  processes = [
    _start(config_file, records, tmp_path, *flags, TF_CONFIG=task)
    for task in _tasks(2)
  ]
  for process in processes:
    _, err = _finish(process)
    assert f"of {uninterrupted}, step 12" in err
  found, source = (
    weights.load_method(run)[1].trainable_variables
    for run in (tmp_path, uninterrupted)
  )
  for ours, theirs in zip(found, source, strict=True):
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_workers_without_a_common_folder_are_told(
  config_file, records, uninterrupted, tmp_path
):
  runs = [shutil.copytree(uninterrupted, tmp_path / "a"), tmp_path / "b"]
  flags = ["--config.runtime.strategy=multi_worker", "--config.steps=20"]
  flags += ["--allow_change=steps"]
  processes = [
    _start(
      config_file, records, run, *_held_out(records), *flags, TF_CONFIG=task
    )
    for run, task in zip(runs, _tasks(2))
  ]
  for process, step in zip(processes, (12, 0)):
    _, err = _finish(process, exit_codes.DATA)
    assert err.splitlines()[-1] == (
      f"error: this worker restored step {step}, another one another step; all"
      " workers need the same --workdir on a shared file system."
    )


@pytest.mark.slow
def test_run_on_silent_clips_says_that_it_collapsed(config_file, tmp_path):
  clips = [record_fixture.make_clip(seed) for seed in range(8)]
  for clip in clips:
    clip.waveform = np.zeros_like(clip.waveform)
  records = record_fixture.write_records(tmp_path / "records", clips)
  run = tmp_path / "run"
  out, err = _finish(_start(config_file, records, run))
  assert "the run ends collapsed: the embeddings of audio have become" in out
  assert ": collapse: the embeddings of audio have become nearly one" in err
  texts = _summaries(run / "health")
  assert {name for _, name in texts} == {"config", "health"}
  last = texts[12, "health"][()].decode()
  assert last == out.splitlines()[0]
