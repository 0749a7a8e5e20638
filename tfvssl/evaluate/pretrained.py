"""A run's networks as plain Keras models, and labelled clips to train them on.

    video = tfvssl.from_pretrained("RUN")["video"]
    model = tf.keras.Sequential([video, tf.keras.layers.Dense(10)])

RUN is a folder of tfvssl.train or tfvssl.import_weights. docs/keras.md has the
whole example.
"""

import dataclasses
import json
import operator
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import protocols
from tfvssl.config import rules
from tfvssl.config import stored_config
from tfvssl.config import tree
from tfvssl.data import one_pass
from tfvssl.data import pipeline
from tfvssl.data import regular_views
from tfvssl.data.records import damage
from tfvssl.data.records import manifest
from tfvssl.data.records import reader
from tfvssl.evaluate.samples import clips
from tfvssl.evaluate.samples import features
from tfvssl.methods import base
from tfvssl.runtime import storage
from tfvssl.train import weights

# Short side of a test frame / size of its crop. Source: paper appendix B.
_TEST_MARGIN = 256 / 224


def from_pretrained(workdir: storage.PathLike) -> dict[str, tf.keras.Model]:
  """Returns every trained encoder of a run by its modality.

  The seeds of Python, NumPy and TensorFlow are set to the run's.

  Args:
    workdir: folder of tfvssl.train or tfvssl.import_weights.

  Returns:
    functional models, trainable, that map float32 of the training view's
    shape to features float32 [B, D] of the backbone: `video` [B, T, H, W, 3]
    in [0, 1], `audio` log-mel [B, S, M], `flow` [B, T, H, W, 2]. Each has the
    attribute `spec`, its view, for `labelled_clips`.

  Raises:
    FileNotFoundError: the folder holds no run or no checkpoint.
    ValueError: config or checkpoints are damaged or do not fit.
  """
  rules.require_local("workdir", str(workdir))
  policy = tf.keras.mixed_precision.global_policy()
  try:
    run, method, _ = weights.load_method(workdir)
    return {
      name: _functional(name, encoder, run.data.use_silent_sound)
      for name, encoder in method.encoders().items()
    }
  finally:  # the run's precision is that of its own layers only
    tf.keras.mixed_precision.set_global_policy(policy)


@tf.keras.utils.register_keras_serializable("tfvssl")
class Backbone(tf.keras.layers.Layer):
  """A backbone that Keras saves with its config and loads by itself."""

  def __init__(
    self,
    backbone: str,
    policy: str = "float32",
    network: tf.keras.Model | None = None,
    **layer: Any,
  ):
    """Takes a network, or makes one; its weights are those of the first call.

    Args:
      backbone: what built the network, as JSON.
      policy: of its precision.
      network: None to build one.
      **layer: arguments of the base class.
    """
    super().__init__(**layer)
    self._arguments = {"backbone": backbone, "policy": policy}
    self.network = _build(backbone, policy) if network is None else network

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns the features, float32 [B, D]."""
    return self.network(inputs, training=training)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that an equal layer is made of."""
    return {**super().get_config(), **self._arguments}


def _build(backbone, policy):
  before = tf.keras.mixed_precision.global_policy()
  tf.keras.mixed_precision.set_global_policy(policy)
  try:
    config = stored_config.from_tree(json.loads(backbone))
    return cast(experiment.BackboneConfig, config).build("backbone")
  finally:
    tf.keras.mixed_precision.set_global_policy(before)


@tf.keras.utils.register_keras_serializable("tfvssl")
class Pretrained(tf.keras.Model):
  """A functional model of one `Backbone`.

  Keras, which loads a saved one, finds its layer by importing this module.

  Attributes:
    spec: the view that it takes; not saved.
    use_silent_sound: whether silent sound counts for its run; not saved.
  """

  use_silent_sound = False


@pipeline.without_autograph
def _functional(
  name: str, encoder: base.Encoder, use_silent_sound: bool
) -> tf.keras.Model:
  shape = features.input_shape(encoder.spec)[1:]
  inputs = tf.keras.Input(shape, dtype=tf.float32, name=f"{name}_input")
  backbone = Backbone(
    json.dumps(tree.to_tree(encoder.backbone_config)),
    tf.keras.mixed_precision.global_policy().name,
    encoder.backbone,
    name="backbone",
  )
  model = Pretrained(inputs, backbone(inputs), name=name)
  model.spec = encoder.spec
  model.use_silent_sound = use_silent_sound
  return model


def class_names(records: storage.PathLike) -> list[str]:
  """Returns the classes of a record folder; a label is an index into them.

  Raises:
    FileNotFoundError: the folder has no manifest.
    ValueError: the manifest cannot be read.
  """
  return manifest.load_manifest(records).classes


@pipeline.without_autograph
def labelled_clips(
  records: storage.PathLike,
  encoder: tf.keras.Model | views.ViewSpec,
  batch_size: int,
  *,
  training: bool,
  classes: list[str] | None = None,
  seed: int = 0,
) -> tf.data.Dataset:
  """Returns batches of (input of the encoder, label int64 [B]).

  Views are those of the evaluation (paper appendix B): in training random
  ones, augmented as in pretraining but for the blur; else one of every clip,
  from its beginning. Clips without a label are left out; of several labels
  the first counts.

  Args:
    records: folder of tfvssl prepare.
    encoder: of `from_pretrained`, or the view that it takes.
    batch_size: clips of a batch.
    training: endless batches of random views, in shuffled order; give
      `Model.fit` its steps_per_epoch. Else one pass in order, of which the
      last batch may be smaller.
    classes: that labels count in; those of the folder by default. Give the
      training folder's for test clips that were prepared apart.
    seed: of order and views.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: no clip of the folder has a label or what the view shows, or
      has a class that is not in `classes`.
  """
  spec = encoder if isinstance(encoder, views.ViewSpec) else encoder.spec
  spec = dataclasses.replace(spec, optional=False)  # zeros show no class
  opened = reader.open_for_views(
    records,
    [spec],
    use_silent_sound=getattr(encoder, "use_silent_sound", False),
  )
  _check_labels(opened)
  label_of = _label_table(opened, classes)
  if training:
    spec = features.training_spec(spec)
    batches = features.training_batches(opened, _settings(spec, seed))
  else:
    spec = spec.without_draws()
    batches = _first_views(opened, spec)
  dataset = batches.unbatch().filter(lambda view: view.labels >= 0)
  # The device code takes batches of a static size; a last one has none.
  at_once = batch_size if training else 1
  dataset = dataset.batch(at_once, drop_remainder=True)
  pair = _pair_of(_settings(spec, seed), label_of)
  dataset = dataset.map(pair, pipeline.PARALLEL_CALLS, deterministic=True)
  if not training:
    dataset = dataset.unbatch().batch(batch_size)
  return pipeline.settled(dataset)


def _pair_of(settings, label_of):
  """Returns what maps a batch of views to inputs and labels."""
  labels = tf.constant(label_of)

  def pair(view):
    inputs = features.network_input(view, settings)
    return inputs, tf.gather(labels, view.labels)

  return pair


def _check_labels(records):
  """Reads up to the first labelled clip; without one, training never starts."""
  labels = one_pass.dataset(
    records,
    lambda clip, seed: {features.VIEW_NAME: views.View(labels=clip.label)},
    modalities=records.modalities,
    seed=0,
    batch_size=1,
  )
  with damage.explained(records):
    if any(int(batch[features.VIEW_NAME].labels[0]) >= 0 for batch in labels):
      return
  raise ValueError(
    f"no usable clip of {records.folder} has a label; prepare the videos in"
    " one folder per class, or with a csv that has the column label."
  )


def _label_table(records, classes):
  """Returns the label by the folder's own number of the class."""
  own = records.classes
  classes = own if classes is None else classes
  empty = records.manifest.empty_classes
  unknown = [name for name in own if name not in (*classes, *empty)]
  if unknown:
    raise ValueError(
      f"`classes` lacks {unknown[0]!r} of {records.folder}; give the classes of"
      " the training clips, and prepare test clips of these alone."
    )
  return clips.renumber(np.arange(len(own)), own, classes)


def _settings(spec, seed):
  return features.Settings(
    spec=spec,
    test_spec=spec,
    test_views=protocols.TestViews(),
    batch_size=1,
    seed=seed,
  )


def _first_views(records, spec):
  """Returns the clips in order with one regular view of each, uint8."""
  short_side = round(getattr(spec, "image_size", 0) * _TEST_MARGIN)

  def sample_views(clip, seed):
    del seed  # nothing is random
    view = regular_views.evaluation_views(
      clip,
      spec,
      temporal_clips=1,
      spatial_crops=1,
      short_side=short_side,
    )
    only = {
      name: getattr(view, name)[0]
      for name in ("video", "flow", "audio", "start_s")
      if getattr(view, name) is not None
    }
    return {features.VIEW_NAME: view._replace(**only)}

  dataset = one_pass.dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=0,
    batch_size=1,
  )
  return dataset.map(operator.itemgetter(features.VIEW_NAME))
