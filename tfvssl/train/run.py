"""A training run: records in, checkpoints and logs out, resumable anywhere."""

from collections.abc import Iterator
import contextlib

from absl import logging
import tensorflow as tf
import tqdm

from tfvssl.config import experiment as config
from tfvssl.config import tree
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.optim import schedules
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import health
from tfvssl.train import input as run_input
from tfvssl.train import loop
from tfvssl.train import metrics_log
from tfvssl.train import probe
from tfvssl.train import run_folder
from tfvssl.train import stop_request
from tfvssl.train import summary_text
from tfvssl.train import trainer
from tfvssl.train import weights


class TrainingRun:
  """Everything that one process holds while it trains."""

  def __init__(
    self,
    experiment: config.Experiment,
    workdir: storage.PathLike,
    strategy: tf.distribute.Strategy,
    initial_run: storage.PathLike | None = None,
  ):
    """Opens records, builds method and optimiser, restores the newest state.

    Args:
      experiment: validated.
      workdir: the run's folder; it exists.
      strategy: placement of the replicas.
      initial_run: whose weights a new run begins with; see initial_weights.

    Raises:
      ValueError: the batch size does not fit.
      exit_codes.UserError: records or checkpoints cannot be used (3).
    """
    run_input.check_batch_size(experiment, strategy.num_replicas_in_sync)
    self._experiment = experiment
    self._strategy = strategy
    self._workdir = storage.Path(workdir)
    self._chief = replicas.is_chief(strategy)
    with strategy.scope():
      self.method, self.optimizer, output = _build(experiment)
    with _as_data_error():
      self.input = run_input.training_input(
        experiment, self.method, strategy, self._workdir
      )
      held_out_input = run_input.held_out_input(
        experiment, self.method, strategy, self._workdir
      )
      self._probe = self._build_probe(output.features)
      self._store = self._open_store()
      if self._store.restore_newest() is None:
        metrics_log.check_nothing_is_lost(self._workdir)
      self._check_workers()
      self._begin_with(initial_run)
    if self._chief:
      run_folder.write_config(experiment, self._workdir)
    self.health = health.Health(
      experiment.batch_size // experiment.accumulation,
      self._workdir / "health" if self._chief else None,
    )
    self._stop = stop_request.StopRequest(strategy)
    self.trainer = self._trainer(sorted(output.metrics))
    self._loop = loop.Loop(
      self.trainer,
      self.optimizer,
      strategy,
      stop=self._stop,
      store=self._store,
      steps_per_loop=experiment.logging.scalars_every,
      actions=[self._write_metrics],
      summary_dir=str(self._workdir / "train") if self._chief else None,
    )
    self._held_out = self._build_held_out(held_out_input)

  def _check_workers(self):
    """Raises ValueError where workers have restored different steps."""
    if isinstance(self._strategy, tf.distribute.MultiWorkerMirroredStrategy):
      from tfvssl.runtime import workers

      workers.check_same_step(self._strategy, self.step)

  def _begin_with(self, run):
    """Gives a new run the weights of another one, if there is one."""
    if run or (self._workdir / run_folder.INITIAL_NAME).exists():
      from tfvssl.train import initial_weights

      initial_weights.begin(
        self.method, self._experiment, self._workdir, self._strategy, run
      )

  def _trainer(self, metric_names):
    return trainer.Trainer(
      method=self.method,
      optimizer=self.optimizer,
      dataset=self.input.batches(self.step),
      strategy=self._strategy,
      seed=self._experiment.seed,
      batch_size=self._experiment.batch_size,
      metric_names=metric_names,
      accumulation=self._experiment.accumulation,
      online_probe=self._probe,
      reading=self.input.explained,
      stopping=self._stop.after_any_step,
    )

  def _build_probe(self, features):
    """Returns the online probe where the labels can tell clips apart."""
    num_classes = len(self.records.classes)
    if num_classes - len(self.records.manifest.empty_classes) < 2:
      return None
    with self._strategy.scope():
      return probe.OnlineProbe(num_classes, features.shape[-1])

  def _build_held_out(self, source):
    """Returns what measures the held-out records, None where there are none."""
    if source is None:
      return None
    from tfvssl.train import held_out

    return held_out.of_run(
      source,
      self.method,
      self._strategy,
      self._experiment,
      classes=self.records.classes,
      online_probe=self._probe,
      before_batch=self._loop.stop_if_told,
      folder=self._workdir / "heldout" if self._chief else None,
    )

  def _open_store(self):
    return checkpoint_store.CheckpointStore(
      self._workdir,
      {"method": self.method, "optimizer": self.optimizer},
      probe=self._probe,
      kept=self._experiment.logging.checkpoints_kept,
      chief=self._chief,
    )

  @property
  def records(self) -> reader.Records:
    """Returns the records that are trained on; of two, the first."""
    return self.input.sources[0]

  @property
  def step(self) -> int:
    """Returns the number of updates so far."""
    return int(self.optimizer.iterations.numpy())

  @property
  def num_replicas(self) -> int:
    """Returns how many replicas share a batch, over all workers."""
    return self._strategy.num_replicas_in_sync

  def run(self) -> int:
    """Trains to the last step; returns an exit code.

    Raises:
      exit_codes.UserError: loss or gradient became infinite or NaN (5), or a
        record could not be read (3).
    """
    steps = self._experiment.steps
    if self._chief:
      metrics_log.truncate(self._workdir, self.step or -1)
      if not self.step:
        config_text = summary_text.as_it_stands(tree.text(self._experiment))
        summary_text.write(self._workdir / "health", 0, "config", config_text)
    if self.step:
      logging.info("continuing after step %d of %d", self.step, steps)
    with self._stop.listening(), self._progress() as self._bar:
      try:
        self._observe(self.step)
        began = self.step
        while self.step < steps:
          self._loop.stop_if_told()
          self._train_until(self._next_stop())
      except stop_request.Stopped:
        logging.warning("told to stop; saved step %d", self.step)
        return exit_codes.PREEMPTED
    if self._chief and self.step > began:
      words = self.health.in_words()
      summary_text.write(self._workdir / "health", steps, "health", words)
    return exit_codes.OK

  def _progress(self):
    return tqdm.tqdm(
      total=self._experiment.steps,
      initial=self.step,
      unit="step",
      disable=not self._chief,
      dynamic_ncols=True,
    )

  def _next_stop(self):
    """Returns the next step at which something besides training is due."""
    settings = self._experiment.logging
    intervals = (
      settings.scalars_every,
      settings.heldout_every,
      settings.images_every,
      settings.checkpoint_every,
    )
    due = [(self.step // n + 1) * n for n in intervals if n]
    return min([*due, self._experiment.steps])

  def _train_until(self, step):
    before, last = self.step, step == self._experiment.steps
    due = last or step % self._experiment.logging.checkpoint_every == 0
    try:
      self._loop.train_until(step, save=due)
    except loop.NotFinite as error:
      from tfvssl.train import not_finite  # hardly any run is to need it

      words = not_finite.of_run(
        error.step,
        self.trainer,
        self.method,
        self.input,
        self._experiment,
        self._workdir if self._chief else None,
      )
      raise exit_codes.UserError(exit_codes.NUMERICAL, words) from error
    self._bar.update(step - before)
    self._observe(step)

  def _observe(self, step):
    """Writes the held-out loss and the pictures where they are due."""
    settings = self._experiment.logging
    last = step == self._experiment.steps
    if self._held_out is not None and settings.heldout_every:
      if last or step % settings.heldout_every == 0:
        self._append(self._held_out.measured(step))
    if self._chief and settings.images_every:
      if last or step % settings.images_every == 0:
        self._write_pictures(step)

  def _write_pictures(self, step):
    from tfvssl.train import view_images  # many runs write none

    with self.input.explained():
      view_images.write_summary(
        self.method,
        self.records,
        folder=self._workdir / "views",
        seed=self._experiment.seed,
        step=step,
      )

  def _write_metrics(self, output):
    self._bar.set_postfix(loss=f"{output['loss/total']:.3f}")
    self._append({f"train/{name}": value for name, value in output.items()})
    if self._chief:
      self.health.note(self.step, output)

  def _append(self, scalars):
    if self._chief:
      metrics_log.append(self._workdir, self.step, scalars)


def _build(experiment):
  """Returns method, optimiser and the loss's specs, all variables made."""
  tf.keras.utils.set_random_seed(experiment.seed)
  method = experiment.method.build()
  output = weights.build_weights(method)
  schedule = schedules.WarmupCosine(
    experiment.schedule.peak,
    experiment.schedule.warmup_steps,
    experiment.steps,
  )
  optimizer = experiment.optimizer.build(schedule, method.trainable_variables)
  return method, optimizer, output


@contextlib.contextmanager
def _as_data_error() -> Iterator[None]:
  """Gives records and checkpoints that cannot be used their own exit code."""
  try:
    yield
  except (ValueError, FileNotFoundError) as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def describe(run: TrainingRun) -> str:
  """Returns what the log says at the start: replicas, networks, batches."""
  lines = [f"replicas: {run.num_replicas}"]
  for layer in run.method.layers:
    count = sum(variable.shape.num_elements() for variable in layer.variables)
    lines.append(f"{layer.name}: {count:,} parameters")
  for name, view in base.view_signature(run.method, None).items():
    tensor = getattr(view, run.method.view_specs[name].piece)
    line = f"{name}: {tensor.shape[1:]} {tensor.dtype.name}"
    if view.targets is not None:
      line += f", {view.targets.shape[1]} targets"
    lines.append(line)
  return "\n".join(lines)
