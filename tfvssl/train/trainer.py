"""The one trainer of every method: an orbit.StandardTrainer."""

from collections.abc import Callable, Sequence
import contextlib
import time
from typing import Any, Protocol

import orbit
import tensorflow as tf

from tfvssl.methods import base
from tfvssl.train import probe
from tfvssl.train import stop_request

Reading = Callable[[], contextlib.AbstractContextManager]


class Trained(Protocol):
  """What is trained: a method, a classifier, a deflated network."""

  @property
  def trainable_variables(self) -> Sequence[tf.Variable]:
    """Returns what the gradients are taken by."""

  def loss(self, batch: Any, seed: int) -> base.Output:
    """Returns the loss of a replica's batch, in training mode."""


class Trainer(orbit.StandardTrainer):
  """Runs `num_steps` updates on the device and returns their mean metrics.

  Each replica takes its share of the global batch. The loss is divided by the
  number of replicas here and nowhere else, so that summed gradients are those
  of the mean over the global batch.

  Attributes:
    strategy: placement of the replicas.
    first_bad_step: the first step whose loss or gradient was not finite, -1
      while there is none. Such a step's gradient is dropped.
  """

  def __init__(
    self,
    *,
    method: Trained,
    optimizer: tf.keras.optimizers.legacy.Optimizer,
    dataset: tf.data.Dataset | tf.distribute.DistributedDataset,
    strategy: tf.distribute.Strategy,
    seed: int,
    batch_size: int,
    metric_names: list[str],
    accumulation: int = 1,
    online_probe: probe.OnlineProbe | None = None,
    reading: Reading = contextlib.nullcontext,
    stopping: Callable[[], bool] = lambda: False,
  ):
    """Takes objects that were made inside `strategy.scope()`.

    Args:
      method: with all weights created.
      optimizer: with all slots created.
      dataset: batches of views, distributed by `strategy`.
      strategy: placement of the replicas.
      seed: of the run.
      batch_size: over all replicas, to report examples per second.
      metric_names: what `method.loss` returns beside the loss.
      accumulation: batches of the dataset that make one step; their gradients
        are averaged, their batch statistics are apart.
      online_probe: learns from the features beside the method.
      reading: entered around the wait for a batch, to explain its errors.
      stopping: whether to end after a step; raises stop_request.Stopped then.
    """
    super().__init__(
      dataset,
      orbit.StandardTrainerOptions(
        use_tf_function=False, use_tf_while_loop=False
      ),
    )
    # Nothing here is Python control flow over tensors; converting it is slow.
    self._compiled_step = tf.function(self._global_step, autograph=False)
    self._compiled_part = tf.function(self._global_part, autograph=False)
    self._method = method
    self._optimizer = optimizer
    self.strategy = strategy
    self._seed = seed
    self._batch_size = batch_size
    self._reading = reading
    self._stopping = stopping
    self._accumulation = accumulation
    self._probe = online_probe
    probed = [] if online_probe is None else [probe.LINEAR, probe.NEAREST]
    names = ["loss/total", "optimizer/gradient_norm", *metric_names, *probed]
    with strategy.scope():
      self._means = {name: tf.keras.metrics.Mean(name) for name in names}
      self._sums = (
        _zeros_on_replicas(method.trainable_variables)
        if accumulation > 1
        else []
      )
      self.first_bad_step = _no_step()
    self._waited_s = 0.0

  def train(self, num_steps: tf.Tensor) -> dict[str, float]:
    """Runs so many steps; see orbit.StandardTrainer.

    Raises:
      stop_request.Stopped: told to stop before the last of them.
    """
    self._left = int(num_steps)
    return super().train(num_steps)

  def train_loop_begin(self) -> None:
    """Resets what is averaged over the steps of one call."""
    for mean in self._means.values():
      mean.reset_state()
    self._waited_s = 0.0
    self._first_step = int(self._optimizer.iterations.numpy())
    self._began_s = time.monotonic()

  def train_step(self, iterator) -> None:
    """Takes the batches of one step and updates the weights once.

    The loop over steps runs on the host, where the wait for input can be
    timed (TensorFlow refuses tf.timestamp in deterministic mode) and signals
    arrive between steps; the step itself is one compiled function.
    """
    for _ in range(self._accumulation - 1):
      self._compiled_part(self._next(iterator))
    self._compiled_step(self._next(iterator))
    self._left -= 1
    if self._left and self._stopping():
      raise stop_request.Stopped

  def _next(self, iterator):
    asked_s = time.monotonic()
    with self._reading():
      batch = next(iterator)
    self._waited_s += time.monotonic() - asked_s
    return batch

  def _global_step(self, batch):
    self.strategy.run(self.replica_step, args=(batch,))

  def _global_part(self, batch):
    self.strategy.run(self.replica_part, args=(batch,))

  def replica_part(self, batch: Any) -> None:
    """Adds the gradients of this replica's share; updates no weight."""
    for total, part in zip(self._sums, self._parts(batch), strict=True):
      total.assign_add(part)

  def _parts(self, batch):
    """Returns what one batch adds on this replica: loss, then gradients."""
    context = tf.distribute.get_replica_context()
    parts = context.num_replicas_in_sync * self._accumulation
    # What is not trained is not watched: its gradients would cost memory.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch(self._method.trainable_variables)
      output = self._method.loss(batch, self._seed)
      share = output.loss / parts
    gradients = tape.gradient(share, self._method.trainable_variables)
    metrics = dict(output.metrics)
    if self._probe is not None:
      metrics |= self._probe.update(batch, output.features)
    self._means["loss/total"].update_state(output.loss)
    for name, value in metrics.items():
      self._means[name].update_state(value)
    return [share, *gradients]

  def replica_step(self, batch: Any) -> None:
    """Updates the weights from this replica's share of the batch."""
    context = tf.distribute.get_replica_context()
    variables = self._method.trainable_variables
    parts = self._parts(batch)
    if self._sums:
      parts = [
        part + total.read_value()
        for part, total in zip(parts, self._sums, strict=True)
      ]
    loss, *gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, parts)
    norm = tf.linalg.global_norm(gradients)
    finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
    self._note_bad_step(finite)
    gradients = [
      tf.where(finite, gradient, tf.zeros_like(gradient))
      for gradient in gradients
    ]
    self._optimizer.apply_gradients(
      zip(gradients, variables, strict=True),
      experimental_aggregate_gradients=False,
    )
    for total in self._sums:
      total.assign(tf.zeros_like(total))
    self._means["optimizer/gradient_norm"].update_state(norm)

  def _note_bad_step(self, finite):
    step = tf.cast(self._optimizer.iterations, tf.int64)
    first = self.first_bad_step
    unseen = tf.equal(first.read_value(), -1) & ~finite
    first.assign(tf.where(unseen, step, first.read_value()))

  def train_loop_end(self) -> dict[str, float]:
    """Returns the means over the steps, and how fast they were."""
    step = int(self._optimizer.iterations.numpy())
    seconds = max(time.monotonic() - self._began_s, 1e-9)
    examples = (step - self._first_step) * self._batch_size
    rate = self._optimizer.learning_rate
    scalars = {name: mean.result() for name, mean in self._means.items()}
    scalars["optimizer/learning_rate"] = rate(step) if callable(rate) else rate
    scalars["performance/examples_per_s"] = examples / seconds
    scalars["performance/input_wait_share"] = self._waited_s / seconds
    return {name: float(value) for name, value in scalars.items()}


def _no_step():
  """Returns a variable for the number of a step; -1 says none."""
  return tf.Variable(
    -1,
    dtype=tf.int64,
    trainable=False,
    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
  )


def _zeros_on_replicas(variables):
  """Returns zeros for the loss and every gradient, one on each replica."""
  return [
    tf.Variable(
      zeros,
      trainable=False,
      synchronization=tf.VariableSynchronization.ON_READ,
      aggregation=tf.VariableAggregation.SUM,
    )
    for zeros in [tf.zeros([]), *map(tf.zeros_like, variables)]
  ]
