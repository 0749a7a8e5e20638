"""Records to the batches that all replicas of a run share."""

import contextlib

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.data import pipeline
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import run_folder


class Input:
  """Batches of one record folder, or half and half of two.

  Attributes:
    sources: the records, one or two.
  """

  def __init__(
    self,
    experiment: config.Experiment,
    method: base.Method,
    strategy: tf.distribute.Strategy,
    *sources: reader.Records,
  ):
    """Holds opened records; reads nothing yet.

    Args:
      experiment: says batch size, seed and shuffling.
      method: whose views are sampled.
      strategy: placement of the replicas.
      *sources: of `reader.open_for_views`.
    """
    self.sources = sources
    self._experiment = experiment
    self._method = method
    self._strategy = strategy

  def batches(
    self, start_step: int
  ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Returns endless batches, each replica's share in its place.

    Args:
      start_step: updates of the weights that have had their batches before.
    """
    return self._strategy.distribute_datasets_from_function(
      lambda context: self._of_host(context, start_step)
    )

  def explained(self) -> contextlib.AbstractContextManager[None]:
    """Explains errors of damaged records; enter it around reading."""
    return damage.explained(*self.sources)

  def _of_host(self, context, start_step):
    first, *others = [
      self._of_source(records, context, start_step) for records in self.sources
    ]
    if not others:
      return first
    from tfvssl.data import second_records  # most runs have none

    (second,) = others
    return second_records.half_and_half(
      first, second, len(self.sources[0].usable)
    )

  def _of_source(self, records, context, start_step):
    experiment, share = self._experiment, len(self.sources)
    hosts = context.num_input_pipelines
    return pipeline.training_dataset(
      records,
      self._method.sample_views,
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


def training_input(
  experiment: config.Experiment,
  method: base.Method,
  strategy: tf.distribute.Strategy,
  workdir: storage.Path | None = None,
) -> Input:
  """Returns the batches that a run learns from.

  The second records, where there are some, may lack what a clip may lack in
  all of their clips. In `workdir` is noted which records are left out.

  Raises:
    ValueError: no records are named, they do not fit the views, or a batch is
      larger than they are.
    FileNotFoundError: a folder holds no records.
  """
  sources = [_open(experiment, method, strategy, workdir, "train_records")]
  if experiment.data.second_train_records:
    sources.append(
      _open(experiment, method, strategy, workdir, "second_train_records", True)
    )
  for source in sources:
    _check_enough(experiment, source, len(sources), strategy)
  return Input(experiment, method, strategy, *sources)


def _check_enough(experiment, records, num_sources, strategy):
  """Raises ValueError where a batch would hold a clip more than once."""
  count, size = records.usable_count, experiment.batch_size
  if size <= count * num_sources:
    return
  parts = strategy.num_replicas_in_sync * experiment.accumulation * num_sources
  largest = count * num_sources // parts * parts
  remedy = f"try {largest}" if largest else "give more clips"
  part = " for half of it" if num_sources > 1 else ""
  raise ValueError(
    f"`batch_size` ({size}) must be at most {count * num_sources}:"
    f" {records.folder} has {count} usable clips{part}, and a larger batch"
    f" always holds some twice; {remedy}."
  )


def held_out_input(
  experiment: config.Experiment,
  method: base.Method,
  strategy: tf.distribute.Strategy,
  workdir: storage.Path | None = None,
) -> Input | None:
  """Returns the batches that a run does not learn from, None without any.

  Raises:
    ValueError: the records do not fit the views.
    FileNotFoundError: the folder holds no records.
  """
  if not experiment.data.heldout_records:
    return None
  records = _open(experiment, method, strategy, workdir, "heldout_records")
  return Input(experiment, method, strategy, records)


def _open(experiment, method, strategy, workdir, field, may_lack=False):
  folder = getattr(experiment.data, field)
  if not folder:
    raise ValueError(
      f"`data.{field}` is empty; set --config.data.{field}=FOLDER, made"
      " with tfvssl prepare."
    )
  specs = list(method.view_specs.values())
  note = workdir and workdir / run_folder.BAD_RECORDS_NAME
  bad = {}
  if experiment.data.bad_record_share or (note and note.exists()):
    from tfvssl.train import left_out  # most runs leave nothing out

    bad = left_out.find(
      experiment.data, field, note, is_chief=replicas.is_chief(strategy)
    )
  return reader.open_for_views(
    folder,
    specs,
    may_lack_all=may_lack,
    use_silent_sound=experiment.data.use_silent_sound,
    bad=bad,
  )


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
