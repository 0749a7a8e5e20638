"""Classifiers that gradient descent trains, by the trainer of all methods.

It runs on all replicas of the strategy in whose scope it is called; there the
networks must have been made, too.
"""

from collections.abc import Callable, Sequence
import functools
import math
from typing import NamedTuple

from absl import logging
import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.data import pipeline
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.evaluate import progress as kept
from tfvssl.evaluate.classifiers import diverged
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import splits
from tfvssl.methods import base
from tfvssl.optim import schedules
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import loop
from tfvssl.train import stop_request
from tfvssl.train import to_end
from tfvssl.train import trainer

_STEPS_PER_LOOP = 20  # between two looks at the loss, which wait for it
_SAVE_EVERY = 25 * _STEPS_PER_LOOP


class Recipe(NamedTuple):
  """How a classifier is trained.

  Attributes:
    section: name of the settings, for messages.
    optimizer: builds the optimiser.
    learning_rate: after the warm-up; then half a cosine to 0.
    batch_size: clips per update over all replicas.
    total_steps: updates in all.
    warmup_steps: updates in which the learning rate rises from 0.
    schedule: of the rate, instead of warm-up and cosine; None for these.
  """

  section: str
  optimizer: experiment.OptimizerConfig
  learning_rate: float
  batch_size: int
  total_steps: int
  warmup_steps: int = 0
  schedule: tf.keras.optimizers.schedules.LearningRateSchedule | None = None


def steps_of(epochs: float, num_clips: int, batch_size: int) -> float:
  """Returns how many updates `epochs` passes over the clips take."""
  return epochs * num_clips / batch_size


def epochs_recipe(
  section: str,
  optimizer: experiment.OptimizerConfig,
  *,
  learning_rate: float,
  batch_size: int,
  epochs: int,
  warmup_epochs: float,
  num_clips: int,
) -> Recipe:
  """Returns the recipe of a protocol that counts in epochs."""
  return Recipe(
    section,
    optimizer,
    learning_rate,
    batch_size,
    total_steps=math.ceil(steps_of(epochs, num_clips, batch_size)),
    warmup_steps=math.floor(steps_of(warmup_epochs, num_clips, batch_size)),
  )


@pipeline.without_autograph
def training_batches(
  split: splits.Split,
  settings: features.Settings,
  share: features.Share,
) -> tf.data.Dataset:
  """Returns endless batches of augmentable views with `labels` int32 [B, L].

  Labels come from the list of clips, by sample_index, as a record's view holds
  one label only; they are numbers of `split.columns`, filled up with -1.
  """
  columns = split.columns
  table = np.full(
    [len(split.train.usable), split.train_labels.shape[1]], -1, np.int32
  )
  rows = np.searchsorted(columns, split.train_labels)
  table[[clip.sample_index for clip in split.train_clips]] = np.where(
    split.train_labels >= 0, rows, -1
  )
  constant = tf.constant(table)
  return features.training_batches(split.train, settings, share).map(
    lambda view: view._replace(labels=tf.gather(constant, view.sample_index))
  )


class _Classification(NamedTuple):
  """What the trainer minimises; see trainer.Trained."""

  logits_of: Callable[[views.View], tf.Tensor]
  loss_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
  networks: Sequence[tf.Module]

  @property
  def trainable_variables(self) -> list[tf.Variable]:
    return [v for each in self.networks for v in each.trainable_variables]

  def loss(self, batch: views.View, seed: int) -> base.Output:
    del seed  # is that of `logits_of`
    logits = self.logits_of(batch)
    losses = self.loss_of(logits, batch.labels)
    return base.Output(tf.reduce_mean(losses), {}, logits)


def train(
  logits_of: Callable[[views.View], tf.Tensor],
  loss_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
  networks: Sequence[tf.Module],
  batches: Callable[[features.Share], tf.data.Dataset],
  records: reader.Records,
  recipe: Recipe,
  folder: storage.Path | None = None,
) -> None:
  """Minimises the mean loss over the global batch.

  Args:
    logits_of: maps a batch of views to [B, K], in training mode.
    loss_of: maps logits and labels to [B].
    networks: that are trained, with their weights.
    batches: endless views with labels of a host's share.
    records: that they come from, for messages.
    recipe: optimiser, rate and number of steps.
    folder: of its checkpoints, of which it takes the newest; None for none.

  Raises:
    ValueError: replicas cannot share the batch, or warm-up takes all steps.
    exit_codes.UserError: no finite loss (5), a damaged record (3), a stop (42).
  """
  strategy = tf.distribute.get_strategy()
  check_recipe(recipe, strategy.num_replicas_in_sync)
  task = _Classification(logits_of, loss_of, networks)
  schedule = recipe.schedule or schedules.WarmupCosine(
    recipe.learning_rate, recipe.warmup_steps, recipe.total_steps
  )
  optimizer = recipe.optimizer.build(schedule, task.trainable_variables)
  store = folder and _store(folder, networks, optimizer)
  stop = stop_request.StopRequest(strategy)
  made = _trainer(task, optimizer, recipe, batches, records, stop)
  with stop.listening(), _progress(recipe, optimizer) as bar:
    running = loop.Loop(
      made,
      optimizer,
      strategy,
      stop=stop,
      store=store,
      steps_per_loop=_STEPS_PER_LOOP,
      actions=[lambda m: bar.set_postfix(loss=f"{m['loss/total']:.3f}")],
    )
    try:
      _run(running, recipe, bar)
    except loop.NotFinite as error:
      words = _why(error.step, made, task, batches, recipe, records)
      raise diverged.Diverged(words) from error


def _why(step, made, task, batches, recipe, records):
  """Returns what is said of a step whose loss is not finite."""
  from tfvssl.train import not_finite  # of trainings that fail alone

  again = functools.partial(_batches, batches, recipe, step)
  return not_finite.of_classifier(
    f"{recipe.section}: the loss is not finite at step {step + 1} of"
    f" {recipe.total_steps}",
    recipe.learning_rate,
    functools.partial(
      not_finite.find_cause, step, made=made, method=task, batches=again
    ),
    records,
  )


def _trainer(task, optimizer, recipe, batches, records, stop):
  """Returns what makes the steps, from where the optimiser stands."""
  strategy = tf.distribute.get_strategy()
  step = int(optimizer.iterations.numpy())
  return trainer.Trainer(
    method=task,
    optimizer=optimizer,
    dataset=_batches(batches, recipe, step),
    strategy=strategy,
    seed=0,
    batch_size=recipe.batch_size,
    metric_names=[],
    reading=lambda: damage.explained(records),
    stopping=stop.after_any_step,
  )


def _batches(batches, recipe, step):
  """Returns the batches from a step on, each replica's share in its place."""
  strategy, size = tf.distribute.get_strategy(), recipe.batch_size
  return strategy.distribute_datasets_from_function(
    lambda context: batches(features.Share.of(context, size, step))
  )


def _store(folder, networks, optimizer):
  """Returns the checkpoints of a training, the newest of which is restored."""
  names = (f"network_{number}" for number in range(len(networks)))
  state = {"optimizer": optimizer, **dict(zip(names, networks, strict=False))}
  store = checkpoint_store.CheckpointStore(folder, state, kept=1)
  step = to_end.restore(store, "a training")
  if step is not None:
    logging.info("%s: going on after step %d", folder, step)
  return store


def _progress(recipe, optimizer):
  return tqdm.tqdm(
    desc=recipe.section,
    total=recipe.total_steps,
    initial=int(optimizer.iterations.numpy()),
    unit=" steps",
  )


def _run(running, recipe, bar):
  """Trains to the last step; says it in the words of a user if told to stop."""
  try:
    to_end.train(
      running,
      recipe.total_steps,
      pause_every=_STEPS_PER_LOOP,
      save_every=_SAVE_EVERY,
      bar=bar,
    )
  except stop_request.Stopped:
    raise exit_codes.UserError(
      exit_codes.PREEMPTED,
      f"{recipe.section}: told to stop at step {running.step} of"
      f" {recipe.total_steps}; {running.after_a_stop}.",
    ) from None


def check_recipe(recipe: Recipe, replicas: int) -> None:
  """Raises ValueError unless replicas share a batch and a warm-up ends."""
  size, name = recipe.batch_size, recipe.section
  if size % replicas:
    below = size // replicas * replicas
    raise ValueError(
      f"`{name}.batch_size` ({size}) must be divisible by the number of"
      f" replicas ({replicas}); try --set={name}.batch_size="
      f"{below or replicas}."
    )
  if recipe.warmup_steps >= recipe.total_steps:
    raise ValueError(
      f"`{name}.warmup_steps` ({recipe.warmup_steps}) must be below the"
      f" {recipe.total_steps} steps that the training has; try"
      f" --set={name}.warmup_steps={recipe.total_steps // 15}."
    )


def average_statistics(variables: Sequence[tf.Variable]) -> None:
  """Gives every replica the mean over replicas of what is not trained.

  Only batch norms that are local have moving statistics that differ.
  """
  if tf.distribute.get_strategy().num_replicas_in_sync > 1:
    for variable in variables:
      variable.assign(variable.read_value())


def test_scores(
  network: Callable[[tf.Tensor], tf.Tensor],
  split: splits.Split,
  settings: features.Settings,
) -> np.ndarray:
  """Returns the mean score of every test clip's views, float32 [M, K].

  Args:
    network: maps what a backbone takes to float32 [B, K].
    split: with the M test clips.
    settings: how views are taken.

  Raises:
    exit_codes.UserError: some are NaN or infinite (5), which no accuracy would
      show: the first class would be the best one.
  """
  scores = features.test_outputs(network, split.test, settings).mean(axis=1)
  broken = np.flatnonzero(~np.isfinite(scores).all(axis=1))
  if len(broken):
    raise diverged.Diverged(
      f"{split.name}: {len(broken)} of {len(scores)} test clips have scores"
      " that are not finite, the first is"
      f" '{split.test_clips[broken[0]].clip_id}'; lower the learning rate.",
    )
  return scores


def scores_on_frozen(
  head: tf.keras.layers.Layer,
  encoder: base.Encoder,
  split: splits.Split,
  settings: features.Settings,
  *,
  loss_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
  probabilities_of: Callable[[tf.Tensor], tf.Tensor],
  recipe: Recipe,
  progress: kept.Progress,
) -> np.ndarray:
  """Trains `head` alone and returns the test clips' scores, float32 [M, K].

  Args:
    head: new; its K columns are those of the split.
    encoder: its backbone stays as it is.
    split: with the M test clips.
    settings: how views are taken.
    loss_of: maps logits and labels to [B].
    probabilities_of: maps logits to the scores that are averaged over views.
    recipe: optimiser, rate and number of steps.
    progress: of the evaluation.

  Raises:
    ValueError: as `train`.
    exit_codes.UserError: as `train` and `test_scores`.
  """
  backbone = encoder.backbone
  build_head(head, encoder, settings.spec)

  def logits_of(view):
    inputs = features.network_input(view, settings)
    frozen = tf.stop_gradient(backbone(inputs, training=False))
    return head(frozen, training=True)

  def compute(folder):
    train(
      logits_of,
      loss_of,
      [head],
      lambda share: training_batches(split, settings, share),
      split.train,
      recipe,
      folder,
    )
    return test_scores(
      lambda inputs: probabilities_of(head(backbone(inputs))), split, settings
    )

  return progress.scores(compute)


def placement_tree(batch_size: int) -> dict:
  """Returns what of the hardware a result depends on, for the result file.

  Args:
    batch_size: clips per update over all replicas.
  """
  replicas = tf.distribute.get_strategy().num_replicas_in_sync
  return {
    "replicas": replicas,
    "clips_per_replica": batch_size // replicas,
    "precision": tf.keras.mixed_precision.global_policy().name,
  }


def feature_dim(encoder: base.Encoder, spec: views.ViewSpec) -> int:
  """Returns D of the backbone's features, without running it."""
  network = tf.function(encoder.backbone, autograph=False)
  graph = network.get_concrete_function(
    tf.TensorSpec(features.input_shape(spec), tf.float32)
  )
  return int(graph.structured_outputs.shape[-1])


def build_head(
  head: tf.keras.layers.Layer, encoder: base.Encoder, spec: views.ViewSpec
) -> tf.keras.layers.Layer:
  """Returns `head` with its weights made, for the features of `encoder`."""
  head(tf.zeros([1, feature_dim(encoder, spec)]))
  return head
