"""Training between two stops: what is due is saved, and nothing not finite."""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import io

from absl import logging
import orbit
import tensorflow as tf

from tfvssl.train import checkpoint_store
from tfvssl.train import stop_request
from tfvssl.train import trainer


class NotFinite(Exception):
  """Loss or gradient was infinite or NaN; nothing of it was saved.

  Attributes:
    step: the first one.
  """

  def __init__(self, step: int):
    super().__init__(f"not finite at step {step}")
    self.step = step


class Loop:
  """Trains up to one step after another.

  Attributes:
    stop: whether to stop, and listens while this runs.
  """

  def __init__(
    self,
    trained: trainer.Trainer,
    optimizer: tf.keras.optimizers.legacy.Optimizer,
    strategy: tf.distribute.Strategy,
    *,
    stop: stop_request.StopRequest,
    store: checkpoint_store.CheckpointStore | None,
    steps_per_loop: int,
    actions: Sequence[Callable[[dict[str, float]], None]] = (),
    summary_dir: str | None = None,
  ):
    """Runs nothing yet.

    Args:
      trained: makes the steps.
      optimizer: of `trained`; it counts them.
      strategy: placement of the replicas.
      stop: see the attributes.
      store: of the checkpoints; None to keep none.
      steps_per_loop: over which metrics are averaged.
      actions: get the metrics of every such loop.
      summary_dir: for TensorBoard.
    """
    self._trainer = trained
    self._optimizer = optimizer
    self.stop = stop
    self._store = store
    self._controller = orbit.Controller(
      global_step=optimizer.iterations,
      trainer=trained,
      strategy=strategy,
      steps_per_loop=steps_per_loop,
      summary_dir=summary_dir,
      train_actions=list(actions),
    )

  @property
  def step(self) -> int:
    """Returns the number of updates so far."""
    return int(self._optimizer.iterations.numpy())

  @property
  def after_a_stop(self) -> str:
    """Returns in words what becomes of the steps so far."""
    if self._store is None:
      return "nothing of it was to be kept"
    return "the same command goes on from there"

  def train_until(self, step: int, *, save: bool) -> None:
    """Trains to `step` and saves it if `save` says so.

    Raises:
      NotFinite: loss or gradient is not.
      exit_codes.UserError: the replicas' weights differ (5).
      stop_request.Stopped: told to stop before; the state is saved.
    """
    try:
      with _quiet_orbit():
        self._controller.train(step, checkpoint_at_completion=False)
    except stop_request.Stopped:
      pass  # where it stands is saved below
    bad_step = int(self._trainer.first_bad_step.numpy())
    if bad_step >= 0:
      raise NotFinite(bad_step)
    if save or self.step < step:
      self._save()
    if self.step < step:
      raise stop_request.Stopped

  def stop_if_told(self) -> None:
    """Raises stop_request.Stopped, with the state saved, if told to stop."""
    if self.stop.requested():
      self._save()
      raise stop_request.Stopped

  def _save(self):
    if self._store is None:
      return
    if self._trainer.strategy.num_replicas_in_sync > 1:
      from tfvssl.train import replica_check  # many runs have one

      replica_check.check(self._trainer, self.step)
    self._store.save(self.step)


@contextlib.contextmanager
def _quiet_orbit() -> Iterator[None]:
  """Hides the lines orbit prints at every pause; the bar has them."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.WARNING)
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.set_verbosity(verbosity)
