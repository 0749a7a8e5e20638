"""Trained deflation: an image network that answers as the video network does.

Summed kernels or a switched-off shift make an image network of a video
network (the naive twin), but that one sees no zeros before and after the clip.
New gammas and betas of the twin's batch norms make up for it: they are trained
by L1 to what the video network says of the image repeated in time. Nothing
else changes, and no label is needed.
Source: MMV paper, Sec. 3.2, Sec. 4.4 and appendix A.2; there is no released
code.
"""

import dataclasses

import numpy as np
import tensorflow as tf
import tqdm

from tfvssl.data import last_batch
from tfvssl.data import pipeline
from tfvssl.methods import base
from tfvssl.optim import adam
from tfvssl.runtime import exit_codes
from tfvssl.runtime import randomness
from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import loop
from tfvssl.train import stop_request
from tfvssl.train import to_end
from tfvssl.train import trainer

# Source: MMV appendix A.1 and A.2: epsilon wherever the paper names it.
OPTIMIZER = adam.AdamConfig(epsilon=1e-8, rate_factors={})


@dataclasses.dataclass
class DeflationConfig:
  """How gammas and betas are trained.

  Attributes:
    num_frames: of the static video that the targets come from.
    epochs: passes over the images.
    learning_rate: of Adam, in the first epochs.
    decay_factor: of the learning rate.
    decay_epochs: after every so many the rate is multiplied by it.
    batch_size: images per update.
    shuffle_buffer: images that are permuted at a time; twice as many are held
      in memory.
    seed: of the order of images.
  """

  num_frames: int = 32  # MMV Sec. 4.4
  epochs: int = 100  # MMV Sec. 4.4
  learning_rate: float = 1e-2  # MMV Sec. 4.4
  decay_factor: float = 0.1  # MMV Sec. 4.4
  decay_epochs: int = 30  # MMV Sec. 4.4
  batch_size: int = 64  # ours; the paper is silent
  shuffle_buffer: int = 1024  # ours; 0.5 GB of 200 x 200 pixels
  seed: int = 0

  def validate(self) -> None:
    """Raises ValueError for the first value that is not above 0."""
    for field in dataclasses.fields(self):
      value = getattr(self, field.name)
      if field.name != "seed" and value <= 0:
        raise ValueError(
          f"`{field.name}` ({value}) must be above 0; the default is"
          f" {field.default}."
        )

  def rate(self, epoch: int) -> float:
    """Returns the learning rate of an epoch; the first is 0."""
    decays = epoch // self.decay_epochs
    return self.learning_rate * self.decay_factor**decays


def input_inflated(
  network: tf.keras.Model, images: tf.Tensor, num_frames: int
) -> tf.Tensor:
  """Returns what a video network says of static videos, float32 [B, D].

  Args:
    network: maps [B, T, H, W, 3] to [B, D].
    images: float32 [B, H, W, 3] in [0, 1].
    num_frames: T, how often every image is repeated.
  """
  videos = tf.repeat(images[:, tf.newaxis], num_frames, axis=1)
  return tf.cast(network(videos, training=False), tf.float32)


def batch_norm_parameters(network: tf.keras.Model) -> list[tf.Variable]:
  """Returns gamma and beta of all batch norms, as far as they have them.

  Args:
    network: whose weights are made.
  """
  return [
    variable
    for module in network.submodules
    if isinstance(module, tf.keras.layers.BatchNormalization)
    for variable in (module.gamma, module.beta)
    if variable is not None
  ]


def fit(
  video_network: tf.keras.Model,
  deflated: tf.keras.Model,
  images_dataset: tf.data.Dataset,
  config: DeflationConfig,
  folder: storage.PathLike | None = None,
) -> list[float]:
  """Trains gammas and betas of `deflated` and returns the mean L1 per epoch.

  Batch norm uses its moving statistics in both networks and changes none.
  The order of images is a function of seed and epoch alone; those of the last
  block that fill no whole batch are left out of an epoch. Images are mixed
  within blocks of `shuffle_buffer`, so more of them should not come sorted.
  Runs on one device.

  Args:
    video_network: maps float32 [B, T, H, W, 3] in [0, 1] to [B, D]; stays as
      it is.
    deflated: its twin for T = 1, with batch norms of its own.
    images_dataset: single images, float32 [H, W, 3] in [0, 1] of one size; the
      same ones in the same order in every pass, as the targets are computed
      once.
    config: rates, epochs and sizes.
    folder: of its checkpoints, from the newest of which it goes on; None for
      none.

  Returns:
    The mean over an epoch's steps and outputs of the absolute difference.

  Raises:
    ValueError: a bad value in `config`; images that are empty, endless, too
      few for a batch, of unknown shape or other in a second pass; networks
      with other output sizes; a deflated network without batch norm, or with
      one of the video network's; targets that are not finite.
    TypeError: images are not float32.
    exit_codes.UserError: the L1 is not finite (5), or it was told to stop
      (42).
  """
  config.validate()
  _check_images(images_dataset)
  _check_repeatable(images_dataset, config.batch_size)
  _check_networks(video_network, deflated, images_dataset, config.num_frames)
  targets = _targets(video_network, images_dataset, config)
  task = _Deflation(deflated, config.epochs, len(targets) // config.batch_size)
  optimizer = OPTIMIZER.build(
    _Rate(config, task.steps_per_epoch), task.trainable_variables
  )
  task.optimizer = optimizer
  store = None
  if folder is not None:
    state = {"deflated": deflated, "optimizer": optimizer, "sums": task.sums}
    store = checkpoint_store.CheckpointStore(folder, state, kept=1)
    to_end.restore(store, "a deflation")
  _train(task, store, _batches(images_dataset, targets, config, task), config)
  return (task.sums / task.steps_per_epoch).numpy().tolist()


class _Rate(tf.keras.optimizers.schedules.LearningRateSchedule):
  """The learning rate of a step, which is that of its epoch."""

  def __init__(self, config: DeflationConfig, steps_per_epoch: int):
    self._rates = [config.rate(epoch) for epoch in range(config.epochs)]
    self._steps_per_epoch = steps_per_epoch

  def __call__(self, step):
    epoch = tf.cast(step, tf.int32) // self._steps_per_epoch
    last = len(self._rates) - 1  # the rate is also asked for after the end
    return tf.gather(tf.constant(self._rates), tf.minimum(epoch, last))


class _Deflation:
  """What the trainer minimises; see trainer.Trained.

  Attributes:
    sums: float32 [epochs], of the mean L1 of every step.
    steps_per_epoch: how many there are.
    optimizer: which counts the steps; set before the first one.
  """

  optimizer: tf.keras.optimizers.legacy.Optimizer

  def __init__(self, deflated, epochs, steps_per_epoch):
    self._deflated = deflated
    self.sums = tf.Variable(tf.zeros([epochs]), trainable=False)
    self.steps_per_epoch = steps_per_epoch

  @property
  def trainable_variables(self) -> list[tf.Variable]:
    return batch_norm_parameters(self._deflated)

  def loss(self, batch, seed: int) -> base.Output:
    del seed  # nothing is random
    images, targets = batch
    outputs = input_inflated(self._deflated, images, 1)
    loss = tf.reduce_mean(tf.abs(outputs - targets))
    epoch = tf.cast(self.optimizer.iterations, tf.int32) // self.steps_per_epoch
    self.sums.assign(tf.tensor_scatter_nd_add(self.sums, [[epoch]], [loss]))
    return base.Output(loss, {}, outputs)


def _train(task, store, batches, config):
  """Trains all epochs; says what went wrong in the words of a user."""
  strategy = tf.distribute.get_strategy()
  stop = stop_request.StopRequest(strategy)
  steps = config.epochs * task.steps_per_epoch
  made = trainer.Trainer(
    method=task,
    optimizer=task.optimizer,
    dataset=batches,
    strategy=strategy,
    seed=config.seed,
    batch_size=config.batch_size,
    metric_names=[],
    stopping=stop.after_any_step,
  )
  begun = int(task.optimizer.iterations.numpy())
  bar = tqdm.tqdm(desc="deflation", total=steps, initial=begun, unit=" steps")
  with stop.listening(), bar:
    running = loop.Loop(
      made,
      task.optimizer,
      strategy,
      stop=stop,
      store=store,
      steps_per_loop=task.steps_per_epoch,
      actions=[lambda means: bar.set_postfix(l1=f"{means['loss/total']:.4f}")],
    )
    every = task.steps_per_epoch
    try:
      to_end.train(running, steps, pause_every=every, save_every=every, bar=bar)
    except loop.NotFinite as error:
      raise exit_codes.UserError(
        exit_codes.NUMERICAL,
        f"deflation: the L1 is not finite in epoch {error.step // every}; lower"
        f" `learning_rate` ({config.learning_rate:g}).",
      ) from error
    except stop_request.Stopped:
      raise exit_codes.UserError(
        exit_codes.PREEMPTED,
        f"deflation: told to stop at step {running.step} of {steps};"
        f" {running.after_a_stop}.",
      ) from None


@pipeline.without_autograph
def _batches(images_dataset, targets, config, task):
  """Returns the batches of all epochs that were not trained on before."""
  step = int(task.optimizer.iterations.numpy())
  first, seen = divmod(step, task.steps_per_epoch)
  # Captured by the function of an epoch, not copied into it.
  targets = tf.constant(targets)
  epochs = tf.data.Dataset.range(first, config.epochs).flat_map(
    lambda epoch: epoch_batches(images_dataset, targets, config, epoch)
  )
  return pipeline.settled(epochs.skip(seen))


@pipeline.without_autograph
def epoch_batches(
  images_dataset: tf.data.Dataset,
  targets: np.ndarray | tf.Tensor,
  config: DeflationConfig,
  epoch: int | tf.Tensor,
) -> tf.data.Dataset:
  """Returns whole batches of images and targets, permuted block by block.

  Args:
    images_dataset: N images, float32 [H, W, 3].
    targets: float32 [N, D], in the order of the images.
    config: for sizes and seed.
    epoch: the number of the pass; with the seed it decides on the order.

  Returns:
    float32 [B, H, W, 3] and float32 [B, D].
  """
  draws = randomness.bits(
    randomness.key(config.seed, epoch, tf.range(len(targets)), "image", "order")
  )

  def permute(images, targets, draws):
    places = tf.argsort(tf.cast(draws, tf.int64), stable=True)
    return tf.gather(images, places), tf.gather(targets, places)

  rows = tf.data.Dataset.from_tensor_slices((targets, draws))
  dataset = tf.data.Dataset.zip((images_dataset, rows))
  blocks = dataset.map(lambda image, row: (image, *row)).batch(
    config.shuffle_buffer
  )
  dataset = blocks.map(permute).unbatch()
  batches = dataset.batch(config.batch_size, drop_remainder=True)
  return pipeline.settled(batches)


def _targets(video_network, images_dataset, config):
  """Returns what the video network says of every image, float32 [N, D]."""
  size = config.batch_size

  @tf.function(autograph=False)
  def forward(images):
    return input_inflated(video_network, images, config.num_frames)

  parts = []
  with tqdm.tqdm(desc="static videos", unit=" images") as progress:
    for images in pipeline.settled(images_dataset.batch(size)):
      count = len(images)
      padded = last_batch.pad(images, size)
      parts.append(forward(padded)[:count].numpy())
      progress.update(count)
  targets = np.concatenate(parts)
  if len(targets) < size:
    raise ValueError(
      f"`images_dataset` ({len(targets)} images) must fill a batch of"
      f" `batch_size` ({size}); lower it."
    )
  broken = np.flatnonzero(~np.isfinite(targets).all(axis=1))
  if len(broken):
    raise ValueError(
      f"outputs of the video network must be finite, but those of"
      f" {len(broken)} of {len(targets)} images are not, the first is image"
      f" {broken[0]}; its weights or that image are broken."
    )
  return targets


def _check_images(images_dataset):
  spec = images_dataset.element_spec
  if not isinstance(spec, tf.TensorSpec) or not (
    spec.shape.rank == 3 and spec.shape.is_fully_defined()
  ):
    raise ValueError(
      f"`images_dataset` ({spec}) must hold single images of one size,"
      " [H, W, 3]; unbatch and resize them, and leave labels out."
    )
  if spec.dtype != tf.float32:
    raise TypeError(
      f"`images_dataset` ({spec.dtype.name}) must be float32; scale uint8"
      " images by 1/255 first."
    )
  if images_dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
    raise ValueError(
      "`images_dataset` (endless) must end; leave `repeat` out, as `epochs`"
      " counts the passes."
    )


def _check_repeatable(images_dataset, batch_size):
  """Raises unless the first batch is there, and the same when read again."""
  batches = images_dataset.batch(batch_size).take(1)
  first, again = list(batches), list(batches)
  if not first:
    raise ValueError(
      "`images_dataset` (0 images) must hold at least `batch_size`"
      f" ({batch_size}); is the folder or the pattern right?"
    )
  if not np.array_equal(first[0], again[0], equal_nan=True):
    raise ValueError(
      "`images_dataset` must give the same images in every pass, but its first"
      f" {len(first[0])} differ in a second one; leave shuffling and random"
      " augmentation out."
    )


def _check_networks(video_network, deflated, images_dataset, num_frames):
  shape = images_dataset.element_spec.shape
  wanted = _output_dim(video_network, shape, num_frames)
  found = _output_dim(deflated, shape, 1)
  if found != wanted:
    raise ValueError(
      f"outputs of `{deflated.name}` ({found}) and of the video network"
      f" `{video_network.name}` ({wanted}) must have one size; make the one"
      " from the other."
    )
  parameters = batch_norm_parameters(deflated)
  if not parameters:
    raise ValueError(
      f"`{deflated.name}` must have a batch norm with gamma or beta, the only"
      " parameters that are trained; it has none."
    )
  theirs = {variable.ref() for variable in video_network.variables}
  shared = [v.name for v in parameters if v.ref() in theirs]
  if shared:
    raise ValueError(
      f"`{deflated.name}` must have batch norms of its own, but"
      f" {len(shared)} parameters are the video network's, such as"
      f" `{shared[0]}`; copy their values instead."
    )


def _output_dim(network, image_shape, num_frames):
  """Returns D without running the network; makes its weights if need be."""
  graph = tf.function(
    lambda images: input_inflated(network, images, num_frames), autograph=False
  ).get_concrete_function(tf.TensorSpec([1, *image_shape], tf.float32))
  return graph.structured_outputs.shape[-1]
