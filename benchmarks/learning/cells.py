"""What one cell of benchmarks.learning measures, in one process."""

import json

import tensorflow as tf

from benchmarks.learning import narrow_to_broad
from tfvssl.config import experiment as config
from tfvssl.data import pipeline
from tfvssl.data.records import reader
from tfvssl.evaluate import baselines
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import svm as svm_protocol
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import random_network
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.optim import adam
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import metrics_log
from tfvssl.train import run as training
from tfvssl.train import run_folder
from tfvssl.train import weights

_SUPERVISED_RATE = 1e-3


def pretrained(
  experiment: config.Experiment,
  test_records: str,
  workdir: storage.Path,
  *,
  against_random: bool,
) -> dict:
  """Returns accuracy and retrieval after pretraining.

  Args:
    experiment: names the training records.
    test_records: folder.
    against_random: also measure the retrieval with initial weights.
    workdir: of the run; a run that was interrupted goes on.

  Raises:
    exit_codes.UserError: told to stop (PREEMPTED), or what training raises.
  """
  replicas.prepare_process(experiment)
  workdir.mkdir(parents=True, exist_ok=True)
  run_folder.agree_on_config(experiment, workdir, [])
  run = training.TrainingRun(
    experiment, workdir, replicas.build_strategy(experiment.runtime)
  )
  if run.run() == exit_codes.PREEMPTED:
    raise exit_codes.UserError(
      exit_codes.PREEMPTED, f"told to stop at step {run.step}; start it again."
    )
  lines = (workdir / metrics_log.NAME).read_text("utf-8").splitlines()
  result = {
    "train_clips": run.records.usable_count,
    "draws": narrow_to_broad.DRAWS,
    "last_metrics": json.loads(lines[-1]),
    **_accuracy(experiment, run.method, test_records),
    "retrieval": _retrieval(experiment, run.method, test_records),
  }
  if against_random:
    initial = _calibrated(experiment, run.records)
    found = _retrieval(experiment, initial, test_records)
    result["random_retrieval"] = found
  return result


def _calibrated(experiment, records):
  """Returns the whole method with initial weights, batch norm calibrated.

  The passes are training steps that change no weight.
  """
  method = weights.fresh_method(experiment, experiment.seed)

  @tf.function(autograph=False)
  def forward(batch):
    method.loss(batch, experiment.seed, training=True)

  batches = pipeline.training_dataset(
    records,
    method.sample_views,
    modalities=records.modalities,
    seed=experiment.seed,
    start_position=0,
    batch_size=experiment.batch_size,
    shuffle_buffer=experiment.data.shuffle_buffer,
  ).take(random_network.CALIBRATION_PASSES)
  for batch in features.read(records, batches):
    forward(batch)
  return method


def _retrieval(experiment, method, test_records):
  records = reader.open_for_views(
    test_records,
    list(method.view_specs.values()),
    use_silent_sound=experiment.data.use_silent_sound,
  )
  found = narrow_to_broad.measure(
    method, records, seed=experiment.seed, batch_size=experiment.batch_size
  )
  (only,) = found.values()
  return {
    "recall": {str(k): value for k, value in only.recall.items()},
    "chance": {str(k): value for k, value in only.chance.items()},
    "clips": only.clips,
  }


def random_initialisation(
  experiment: config.Experiment, test_records: str
) -> dict:
  """Returns the accuracy of initial weights, batch norm calibrated."""
  replicas.prepare_process(experiment)
  method = weights.fresh_method(experiment, experiment.seed)
  return _accuracy(experiment, method, test_records, calibrate=True)


def _accuracy(experiment, method, test_records, calibrate=False):
  encoder = method.encoders()["video"]
  protocol = _protocol(experiment, encoder.spec)
  splits = protocol.open_splits([experiment.data.train_records], [test_records])
  if calibrate:
    protocol.prepare_random(encoder, splits)
  (result,) = protocol.evaluate(encoder, splits)["splits"]
  return {
    "top_1": result["top_1"],
    "correct": _correct(splits[0], result["predictions"]),
  }


def _protocol(experiment, spec):
  spec = features.training_spec(spec)
  settings = features.Settings(
    spec=spec,
    test_spec=spec,
    test_views=experiment.svm,
    batch_size=experiment.svm.batch_size,
    seed=experiment.seed,
  )
  return svm_protocol.SvmProtocol(
    "video",
    settings,
    False,
    experiment.svm,
    linear_svm.ChooseC.CROSS_VALIDATION.value,
  )


def _correct(split, predictions):
  """Returns whether each test clip got its label, by the clip's id."""
  return {
    clip.clip_id: predictions[clip.clip_id] == split.classes[label]
    for clip, label in zip(
      split.test_clips, split.test_labels[:, 0], strict=True
    )
  }


def supervised(experiment: config.Experiment, test_records: str) -> dict:
  """Returns the accuracy of the narrow network, trained with the labels.

  As many steps of as many clips as the pretraining, views augmented as for
  the SVM, Adam with half a cosine; a linear layer follows the network.
  """
  replicas.prepare_process(experiment)
  method = weights.fresh_method(experiment, experiment.seed)
  encoder = method.encoders()["video"]
  protocol = _protocol(experiment, encoder.spec)
  (split,) = protocol.open_splits(
    [experiment.data.train_records], [test_records]
  )
  layer = classifier.build_head(
    tf.keras.layers.Dense(len(split.columns)), encoder, protocol.settings.spec
  )
  _train_with_labels(experiment, protocol.settings, split, encoder, layer)
  logits = features.test_outputs(
    lambda pixels: layer(encoder.backbone(pixels, training=False)),
    split.test,
    protocol.settings,
  )
  accuracy = linear_svm.accuracy_of(
    logits.mean(axis=1),
    split.columns,
    split.test_labels[:, 0],
  )
  predictions = {
    clip.clip_id: split.classes[label]
    for clip, label in zip(split.test_clips, accuracy.predictions, strict=True)
  }
  return {
    "top_1": accuracy.top_1,
    "correct": _correct(split, predictions),
  }


def _train_with_labels(experiment, settings, split, encoder, layer):
  def logits_of(view):
    pixels = features.network_input(view, settings)
    return layer(encoder.backbone(pixels, training=True))

  classifier.train(
    logits_of,
    heads.softmax_loss,
    [encoder.backbone, layer],
    lambda size, begin: classifier.training_batches(
      split, settings, size, begin
    ),
    split.train,
    classifier.Recipe(
      section="supervised",
      optimizer=adam.AdamConfig(),
      learning_rate=_SUPERVISED_RATE,
      batch_size=experiment.batch_size,
      total_steps=experiment.steps,
      warmup_steps=0,
    ),
  )


def raw_baselines(experiment: config.Experiment, test_records: str) -> dict:
  """Returns the accuracies of raw pixels, and what the split holds."""
  train_records = experiment.data.train_records
  found = baselines.measure(train_records, test_records)
  spec = experiment.method.build().encoders()["video"].spec
  protocol = _protocol(experiment, spec)
  (split,) = protocol.open_splits([train_records], [test_records])
  described = splits_of.describe_split(split)
  return {
    "top_1": {name: row.top_1 for name, row in found.items()},
    "split": {
      "train_clips": described["train_clips"],
      "test_clips": described["test_clips"],
      "classes": len(split.columns),
      **protocol.baselines(split),
    },
  }
