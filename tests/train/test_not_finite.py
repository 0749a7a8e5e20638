"""A step that was not finite is told with its terms, its clips and a remedy."""

import dataclasses
import json
import math

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.data import pipeline
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.optim import sgd
from tfvssl.runtime import exit_codes
from tfvssl.train import not_finite
from tfvssl.train import trainer

_BATCH = 4


def _clip(seed, value=0.5):
  """A clip with a packed spectrogram of one value."""
  clip = record_fixture.make_clip(seed, num_frames=25)
  clip.spectrogram = np.full([50, 40], value, np.float32)
  clip.spectrogram_rate_hz = 50.0
  return clip


def _records(folder, values):
  clips = [_clip(seed, value) for seed, value in enumerate(values)]
  packed = {"spectrogram": dataclasses.asdict(tiny_runs.SOUND)}
  return record_fixture.write_records(folder, clips, config=packed)


class _Level(tf.Module):
  """Learns the level of the sound, and its square root, of which 0 has none."""

  def __init__(self, level=0.25):
    super().__init__()
    self.level = tf.Variable(level)

  def loss(self, batch, seed):
    del seed
    levels = tf.reduce_mean(batch["sound"].audio, [1, 2])
    square = tf.reduce_mean((levels - self.level) ** 2)
    root = tf.reduce_mean(tf.sqrt(levels * self.level))
    terms = {"loss/square": square, "loss/root": root, "level": self.level}
    return base.Output(square + root, terms, levels)


class _Source:
  """Batches of records; the input of a run makes them for a method."""

  def __init__(self, folder, accumulation=1):
    self.records = reader.open_for_views(
      folder, [views.AudioViewSpec(spectrogram=tiny_runs.SOUND)]
    )
    self.sources = (self.records,)
    self._size = _BATCH // accumulation

  def batches(self, step):
    def sample_views(clip, seed):
      view = views.View(
        audio=clip.spectrogram[:50], sample_index=clip.sample_index
      )
      view = view._replace(audio=tf.ensure_shape(view.audio, [50, 40]))
      return {"sound": view}

    return pipeline.training_dataset(
      self.records,
      sample_views,
      modalities={views.Modality.SPECTROGRAM},
      seed=0,
      start_position=step * _BATCH,
      batch_size=self._size,
      shuffle_buffer=8,
    )


def _made(source, level=0.25, accumulation=1):
  task = _Level(level)
  strategy = tf.distribute.get_strategy()
  return trainer.Trainer(
    method=task,
    optimizer=sgd.SgdConfig(momentum=0.0).build(0.01, [task.level]),
    dataset=source.batches(0),
    strategy=strategy,
    seed=0,
    batch_size=_BATCH,
    metric_names=["loss/square", "loss/root", "level"],
    accumulation=accumulation,
  ), task


def _explain(source, made, task, folder=None, accumulation=1):
  made.train(tf.constant(2))  # all eight clips
  step = int(made.first_bad_step)
  assert step >= 0
  experiment = config.Experiment(
    tiny_runs.method_config(), sgd.SgdConfig(), accumulation=accumulation
  )
  words = not_finite.of_run(step, made, task, source, experiment, folder)
  return step, words


def _indices(source, step):
  batch = next(iter(source.batches(step)))
  return batch["sound"].sample_index.numpy().tolist()


def _ids(source, step):
  # Clip n is the record n // 3 of shard n % 3; of 8 clips three, three, two.
  order = [0, 3, 6, 1, 4, 7, 2, 5]
  clips = [order[index] for index in _indices(source, step)]
  return [f"{record_fixture.CLASSES[c % 2]}/clip{c:03d}.mp4" for c in clips]


@pytest.mark.parametrize("accumulation", [1, 2])
def test_clip_with_values_that_are_not_finite_is_named(tmp_path, accumulation):
  values = [0.5] * 4 + [float("nan")] + [0.5] * 3
  source = _Source(_records(tmp_path / "records", values), accumulation)
  made, task = _made(source, accumulation=accumulation)
  step, words = _explain(source, made, task, tmp_path, accumulation)
  shard = source.records.paths[1]
  note = tmp_path / "not_finite.json"
  assert words.startswith(
    f"loss or gradient is not finite at step {step}; nothing of it was saved"
    " (loss/total nan, optimizer/gradient_norm nan, loss/square nan, loss/root"
    f" nan). The clip 'down/clip004.mp4' ({shard}: record 1) has values"
    " that are not finite in sound: prepare it again, or, if it is among what"
    f" tfvssl inspect --records={source.records.folder} --verify lists, leave"
    " such records out with --config.data.bad_record_share=0.125 or"
    " more. The clips of its batch: "
  )
  assert words.endswith(f"; {note} has all of it.")
  tree = json.loads(note.read_text())
  assert tree["step"] == step and tree["not_finite"]["loss/root"] == "nan"
  assert len(tree["clips"]) == _BATCH
  assert [c["broken"] for c in tree["clips"] if c["broken"]] == [["sound"]]
  assert "down/clip004.mp4" in words and "schedule.peak" not in words


def test_clip_that_does_it_alone_is_named_with_its_batch(tmp_path):
  values = [0.5] * 6 + [-1.0, 0.5]  # no root of it
  source = _Source(_records(tmp_path / "records", values))
  made, task = _made(source)
  step, words = _explain(source, made, task)
  ids = _ids(source, step)
  assert "down/clip006.mp4" in ids
  assert words == (
    f"loss or gradient is not finite at step {step}; nothing of it was saved"
    " (loss/total nan, optimizer/gradient_norm nan, loss/root nan). The"
    f" clip 'down/clip006.mp4' ({source.records.paths[0]}: record 2) makes it"
    " so alone, though its values are finite: look at it. If it is whole: lower"
    " `schedule.peak` (4.8) and start again with --allow_change=schedule.peak;"
    " the run goes on from its last checkpoint. The clips of its batch:"
    f" {', '.join(ids)}."
  )


def test_gradient_of_one_clip_counts_as_well(tmp_path):
  values = [0.5] * 7 + [0.0]  # its root has a loss, but no slope at level 0
  source = _Source(_records(tmp_path / "records", values))
  made, task = _made(source)
  step, words = _explain(source, made, task)
  assert "(optimizer/gradient_norm nan)." in words
  assert "The clip 'right/clip007.mp4'" in words


def test_weights_that_are_too_large_blame_no_clip(tmp_path):
  source = _Source(_records(tmp_path / "records", [0.5] * 8))
  made, task = _made(source, level=1e30)
  step, words = _explain(source, made, task)
  assert step == 0
  assert words == (
    "loss or gradient is not finite at step 0; nothing of it was saved"
    " (loss/total inf, optimizer/gradient_norm inf, loss/square inf)."
    " No clip makes it so alone: lower `schedule.peak` (4.8) and start again"
    " with --allow_change=schedule.peak; the run goes on from its last"
    f" checkpoint. The clips of its batch: {', '.join(_ids(source, 0))}."
  )


def test_worker_does_not_speak_for_the_others():
  cause = not_finite.Cause(
    3, {}, [not_finite.Sample("a", 0, "a.mp4")], whole=False
  )
  advice = not_finite.Advice("leave it out.", "lower the rate.")
  assert cause.describe(advice) == (
    "No clip of this worker has values that are not finite; see what the others"
    " say. If none of them names a clip: lower the rate. The clips of this"
    " worker's part of its batch: a.mp4"
  )


def test_clip_of_the_second_records_and_one_without_id_are_told(tmp_path):
  first, second = (
    _Source(_records(tmp_path / name, [0.5] * count)).records
    for name, count in (("first", 8), ("second", 4))
  )
  samples = not_finite.name_samples([7, 8, 11], [first, second])
  assert [(s.shard, s.record, s.clip_id) for s in samples] == [
    (first.paths[2], 1, "right/clip005.mp4"),
    (second.paths[0], 0, "down/clip000.mp4"),
    (second.paths[2], 0, "down/clip002.mp4"),
  ]
  second.folder.joinpath("clips-00002-of-00003.tfrecord").write_bytes(b"junk")
  (sample,) = not_finite.name_samples([11], [first, second])
  assert sample == not_finite.Sample(second.paths[2], 0, "")
  assert sample.describe() == f"clip without id ({second.paths[2]}: record 0)"


def test_batch_that_cannot_be_read_again_is_said(tmp_path):
  source = _Source(_records(tmp_path / "records", [-1.0] * 8))
  made, task = _made(source)
  made.train(tf.constant(1))
  for path in (tmp_path / "records").glob("*.tfrecord"):
    path.unlink()
  experiment = config.Experiment(tiny_runs.method_config(), sgd.SgdConfig())
  words = not_finite.of_run(0, made, task, source, experiment, tmp_path)
  assert words.startswith(
    "loss or gradient is not finite at step 0; nothing of it was saved; its"
    " batch could not be taken again ("
  )
  assert words.endswith("the run goes on from its last checkpoint.")
  assert not (tmp_path / "not_finite.json").exists()


def test_terms_are_those_of_the_loss():
  scalars = {
    "loss/total": math.inf,
    "loss/a": 1.0,
    "optimizer/gradient_norm": math.nan,
    "probe/linear_accuracy": math.nan,
  }
  found = not_finite.terms_of(scalars)
  assert list(found) == ["loss/total", "optimizer/gradient_norm"]


_CONFIG = """
from tests import tiny_runs
def get_config():
  return tiny_runs.experiment()
"""


@pytest.mark.slow
def test_run_names_the_clip_and_its_advice_is_right(tmp_path):
  values = [0.5] * 5 + [float("inf")] + [0.5] * 4
  records = _records(tmp_path / "records", values)
  (tmp_path / "tiny.py").write_text(_CONFIG)
  words = (
    "tfvssl.train",
    f"--config={tmp_path / 'tiny.py'}",
    f"--workdir={tmp_path / 'run'}",
    f"--config.data.train_records={records}",
  )
  done = forked_binaries.run(*words)
  assert done.returncode == exit_codes.NUMERICAL, done.stderr[-3000:]
  said = done.stderr.splitlines()[-1]
  assert "The clip 'right/clip005.mp4'" in said
  assert "not finite in broad_audio" in said
  done = forked_binaries.run(*words, "--config.data.bad_record_share=0.1")
  assert done.returncode == 0, done.stderr[-3000:]
