"""The loss on clips that a run does not learn from."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.methods import base
from tfvssl.runtime import storage
from tfvssl.train import input as run_input
from tfvssl.train import metrics_log
from tfvssl.train import probe


class HeldOut:
  """Measures a method on the same held-out batches each time."""

  def __init__(
    self,
    source: run_input.Input,
    method: base.Method,
    strategy: tf.distribute.Strategy,
    *,
    seed: int,
    num_batches: int,
    online_probe: probe.OnlineProbe | None,
    before_batch: Callable[[], None] = lambda: None,
    folder: storage.Path | None = None,
  ):
    """Takes objects that were made inside `strategy.scope()`.

    Args:
      source: of the held-out records.
      method: with all weights created.
      strategy: placement of the replicas.
      seed: of the run; draws are those of its step 0.
      num_batches: that the means are taken over.
      online_probe: is scored, too; None where it does not know the classes.
      before_batch: is called before each; it may raise to stop.
      folder: of what is measured, for TensorBoard; None for none.
    """
    self._source = source
    self._method = method
    self._strategy = strategy
    self._seed = seed
    self._num_batches = num_batches
    self._probe = online_probe
    self._before_batch = before_batch
    self._folder = folder
    self._step = tf.function(self._batch, autograph=False)

  def measured(self, step: int) -> dict[str, float]:
    """Returns `means` as the run's log names them; TensorBoard has them, too.

    Raises:
      exit_codes.UserError: see `means`.
    """
    means = self.means()
    if self._folder is not None:
      writer = tf.summary.create_file_writer(str(self._folder))
      with writer.as_default(step=step):
        for name, value in means.items():
          tf.summary.scalar(name, value)
      writer.close()
    return {f"{metrics_log.HELD_OUT}{name}": x for name, x in means.items()}

  def means(self) -> dict[str, float]:
    """Returns loss, metrics and the probe's accuracies over all batches.

    Raises:
      exit_codes.UserError: a record could not be read (3).
    """
    batches = iter(self._source.batches(0))
    results = []
    for _ in range(self._num_batches):
      self._before_batch()
      with self._source.explained():
        batch = next(batches)
      results.append(self._step(batch))
    return {
      name: sum(float(result[name]) for result in results) / self._num_batches
      for name in results[0]
    }

  def _batch(self, batch):
    def replica(batch):
      output = self._method.loss(batch, self._seed, training=False)
      results = {"loss/total": output.loss, **output.metrics}
      if self._probe is not None:
        results |= self._probe.score(batch, output.features)
      return results

    results = self._strategy.run(replica, args=(batch,))
    return {
      name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, None)
      for name, value in results.items()
    }


def of_run(
  source: run_input.Input,
  method: base.Method,
  strategy: tf.distribute.Strategy,
  experiment: config.Experiment,
  *,
  classes: Sequence[str],
  online_probe: probe.OnlineProbe | None,
  before_batch: Callable[[], None],
  folder: storage.Path | None,
) -> HeldOut:
  """Returns what measures the held-out records of a run.

  Args:
    source: of the held-out records.
    method: with all weights created.
    strategy: placement of the replicas.
    experiment: of the run.
    classes: of the records that it trains on; the probe counts where the
      held-out ones have the same.
    online_probe: of the run; None where it has none.
    before_batch: see HeldOut.
    folder: see HeldOut.
  """
  same_classes = source.sources[0].classes == classes
  return HeldOut(
    source,
    method,
    strategy,
    seed=experiment.seed,
    num_batches=experiment.logging.heldout_batches,
    online_probe=online_probe if same_classes else None,
    before_batch=before_batch,
    folder=folder,
  )
