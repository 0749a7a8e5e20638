"""A training run: records in, checkpoints and logs out, resumable anywhere."""

from collections.abc import Iterator
import contextlib
import io
import json
import pathlib

from absl import logging
import orbit
import tensorflow as tf
import tqdm

from tfvssl.config import experiment as config
from tfvssl.data import pipeline
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.optim import schedules
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.train import checkpoints
from tfvssl.train import probe
from tfvssl.train import run_folder
from tfvssl.train import stop_request
from tfvssl.train import trainer
from tfvssl.train import view_images


class TrainingRun:
  """Everything that one process holds while it trains."""

  def __init__(
    self,
    experiment: config.Experiment,
    workdir: str | pathlib.Path,
    strategy: tf.distribute.Strategy,
  ):
    """Opens records, builds method and optimiser, restores the newest state.

    Args:
      experiment: validated.
      workdir: the run's folder; it exists.
      strategy: placement of the replicas.

    Raises:
      ValueError: the batch size does not fit.
      exit_codes.UserError: records or checkpoints cannot be used (3).
    """
    check_batch_size(experiment, strategy.num_replicas_in_sync)
    self._experiment = experiment
    self._strategy = strategy
    self._workdir = pathlib.Path(workdir)
    self._chief = replicas.is_chief(strategy)
    with strategy.scope():
      self.method, self.optimizer, output = _build(experiment)
    with _as_data_error():
      self.records = self._open("train_records")
      self._train_sources = [self.records]
      if experiment.data.second_train_records:
        second = self._open("second_train_records", may_lack=True)
        self._train_sources.append(second)
      self._heldout = None
      if experiment.data.heldout_records:
        self._heldout = self._open("heldout_records")
      self._probe = self._build_probe(output.features)
      self._store = self._open_store()
      self._store.restore_newest()
      check_workers_agree(strategy, self.step)
    self.trainer = self._trainer(sorted(output.metrics))
    self._controller = orbit.Controller(
      global_step=self.optimizer.iterations,
      trainer=self.trainer,
      strategy=strategy,
      steps_per_loop=experiment.logging.scalars_every,
      summary_dir=str(self._workdir / "train") if self._chief else None,
      train_actions=[self._write_metrics],
    )
    self._stop = stop_request.StopRequest(strategy)
    self._heldout_step = tf.function(self._heldout_batch, autograph=False)

  def _trainer(self, metric_names):
    return trainer.Trainer(
      method=self.method,
      optimizer=self.optimizer,
      dataset=self._distribute(self.step, *self._train_sources),
      strategy=self._strategy,
      seed=self._experiment.seed,
      batch_size=self._experiment.batch_size,
      metric_names=metric_names,
      accumulation=self._experiment.accumulation,
      online_probe=self._probe,
      reading=lambda: damage.explained(*self._train_sources),
    )

  def _build_probe(self, features):
    """Returns the online probe where the labels can tell clips apart."""
    num_classes = len(self.records.classes)
    if num_classes < 2:
      return None
    with self._strategy.scope():
      return probe.OnlineProbe(num_classes, features.shape[-1])

  def _open_store(self):
    return checkpoints.CheckpointStore(
      self._workdir,
      {"method": self.method, "optimizer": self.optimizer},
      probe=self._probe,
      kept=self._experiment.logging.checkpoints_kept,
      chief=self._chief,
    )

  @property
  def step(self) -> int:
    """Returns the number of updates so far."""
    return int(self.optimizer.iterations.numpy())

  @property
  def num_replicas(self) -> int:
    """Returns how many replicas share a batch, over all workers."""
    return self._strategy.num_replicas_in_sync

  def _open(self, field, may_lack=False):
    folder = getattr(self._experiment.data, field)
    if not folder:
      raise ValueError(
        f"`data.{field}` is empty; set --config.data.{field}=FOLDER, made"
        " with data_prep.prepare_records."
      )
    return reader.open_for_views(
      folder,
      list(self.method.view_specs.values()),
      may_lack_all=may_lack,
    )

  def _distribute(self, start_step, *sources):
    """Returns batches of which each of one or two sources gives its share."""
    experiment, share = self._experiment, len(sources)

    def dataset_of(records, context):
      hosts = context.num_input_pipelines
      return pipeline.training_dataset(
        records,
        self.method.sample_views,
        modalities=records.modalities,
        seed=experiment.seed,
        start_position=start_step * experiment.batch_size // hosts // share,
        batch_size=context.get_per_replica_batch_size(
          experiment.batch_size // experiment.accumulation
        )
        // share,
        shuffle_buffer=experiment.data.shuffle_buffer,
        host_index=context.input_pipeline_id,
        num_hosts=hosts,
      )

    def host_dataset(context):
      first, *others = [dataset_of(records, context) for records in sources]
      for second in others:
        first = pipeline.half_and_half(first, second, len(sources[0].usable))
      return first

    return self._strategy.distribute_datasets_from_function(host_dataset)

  def run(self) -> int:
    """Trains to the last step; returns an exit code.

    Raises:
      exit_codes.UserError: loss or gradient became infinite or NaN (5), or a
        record could not be read (3).
    """
    steps = self._experiment.steps
    if self._chief:
      run_folder.truncate_metrics(self._workdir, self.step or -1)
    if self.step == 0:
      self._observe(0)
    else:
      logging.info("continuing after step %d of %d", self.step, steps)
    with self._stop.listening(), self._progress() as self._bar:
      while self.step < steps:
        self._train_until(self._next_stop())
        if self._stop.requested() and self.step < steps:
          self._store.save(self.step)
          logging.warning("told to stop; saved step %d", self.step)
          return exit_codes.PREEMPTED
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
    before = self.step
    with _quiet_orbit():
      self._controller.train(step, checkpoint_at_completion=False)
    bad_step = int(self.trainer.first_bad_step.numpy())
    if bad_step >= 0:
      raise exit_codes.UserError(
        exit_codes.NUMERICAL,
        f"loss or gradient is not finite at step {bad_step}; nothing of it"
        " was saved. Lower `schedule.peak`"
        f" ({self._experiment.schedule.peak}) and start again with"
        " --allow_change=schedule.peak: the run goes on from its last"
        " checkpoint.",
      )
    self._bar.update(step - before)
    self._observe(step)
    last = step == self._experiment.steps
    if last or step % self._experiment.logging.checkpoint_every == 0:
      self._store.save(step)

  def _observe(self, step):
    """Writes the held-out loss and the pictures where they are due."""
    settings = self._experiment.logging
    last = step == self._experiment.steps
    if self._heldout is not None and settings.heldout_every:
      if last or step % settings.heldout_every == 0:
        self._write_heldout(step)
    if self._chief and settings.images_every:
      if last or step % settings.images_every == 0:
        with damage.explained(*self._train_sources):
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

  def _write_heldout(self, step):
    means = self._heldout_means()
    self._append({f"heldout/{name}": value for name, value in means.items()})
    if not self._chief:
      return
    writer = tf.summary.create_file_writer(str(self._workdir / "heldout"))
    with writer.as_default(step=step):
      for name, value in means.items():
        tf.summary.scalar(name, value)
    writer.close()

  def _heldout_means(self):
    """Returns the means over the same held-out batches each time."""
    batches = iter(self._distribute(0, self._heldout))
    count = self._experiment.logging.heldout_batches
    results = []
    for _ in range(count):
      with damage.explained(self._heldout):
        batch = next(batches)
      results.append(self._heldout_step(batch))
    return {
      name: sum(float(result[name]) for result in results) / count
      for name in results[0]
    }

  def _heldout_batch(self, batch):
    def replica(batch):
      output = self.method.loss(batch, self._experiment.seed, training=False)
      results = {"loss/total": output.loss, **output.metrics}
      if self._probe is not None and self._same_classes():
        results |= self._probe.score(batch, output.features)
      return results

    results = self._strategy.run(replica, args=(batch,))
    return {
      name: self._strategy.reduce(tf.distribute.ReduceOp.MEAN, value, None)
      for name, value in results.items()
    }

  def _same_classes(self):
    return self._heldout.classes == self.records.classes

  def _append(self, scalars):
    if not self._chief:
      return
    line = json.dumps({"step": self.step, **scalars})
    path = self._workdir / run_folder.METRICS_NAME
    with open(path, "a", encoding="utf-8") as file:
      file.write(line + "\n")


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


def _build(experiment):
  """Returns method, optimiser and the loss's specs, all variables made."""
  tf.keras.utils.set_random_seed(experiment.seed)
  method = experiment.method.build()
  output = checkpoints.build_weights(method)
  schedule = schedules.WarmupCosine(
    experiment.schedule.peak,
    experiment.schedule.warmup_steps,
    experiment.steps,
  )
  optimizer = experiment.optimizer.build(schedule, method.trainable_variables)
  return method, optimizer, output


def check_workers_agree(strategy: tf.distribute.Strategy, step: int) -> None:
  """Raises ValueError if the processes of a run restored different steps.

  They would wait for each other for ever. Happens where the workdir is not a
  folder that all of them share.
  """
  if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
    return
  mine = strategy.run(lambda: tf.constant(float(step)))
  total = float(strategy.reduce(tf.distribute.ReduceOp.SUM, mine, axis=None))
  if total != step * strategy.num_replicas_in_sync:
    raise ValueError(
      f"this worker restored step {step}, another one another step; all"
      " workers need the same --workdir on a shared file system."
    )


@contextlib.contextmanager
def _as_data_error() -> Iterator[None]:
  """Gives records and checkpoints that cannot be used their own exit code."""
  try:
    yield
  except (ValueError, FileNotFoundError) as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def check_batch_size(experiment: config.Experiment, num_replicas: int) -> None:
  """Raises ValueError if replicas cannot share the batch evenly."""
  size, accumulation = experiment.batch_size, experiment.accumulation
  sources = 2 if experiment.data.second_train_records else 1
  parts = num_replicas * accumulation * sources
  if size % parts:
    below = size // parts * parts
    near = f"{below} or {below + parts}" if below else f"{parts}"
    times = f" times `accumulation` ({accumulation})" * (accumulation > 1)
    times += " times 2 with `data.second_train_records`" * (sources > 1)
    raise ValueError(
      f"`batch_size` ({size}) must be divisible by the number of replicas"
      f" ({num_replicas}){times}; try {near}."
    )


def describe(run: TrainingRun) -> str:
  """Returns what the log says at the start: replicas, networks, batches."""
  lines = [f"replicas: {run.num_replicas}"]
  for layer in run.method.layers:
    count = sum(variable.shape.num_elements() for variable in layer.variables)
    lines.append(f"{layer.name}: {count:,} parameters")
  for name, view in base.view_signature(run.method, None).items():
    shown = view.video, view.flow, view.audio, view.waveform, view.text
    tensor = next(tensor for tensor in shown if tensor is not None)
    lines.append(f"{name}: {tensor.shape[1:]} {tensor.dtype.name}")
  return "\n".join(lines)
