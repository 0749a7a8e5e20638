"""One run of the preparation: resume, decode in workers, shards, reports."""

from collections.abc import Sequence
import contextlib
import dataclasses
import errno
import pathlib
import time

from absl import logging
import tensorflow as tf
import tqdm

from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema
from tfvssl.runtime import storage

from . import captions
from . import encode_clip
from . import estimate
from . import report
from . import reuse
from . import settings as settings_lib
from . import shard_writer
from . import sources
from . import splits
from . import whole_clips
from . import worker_pool


@dataclasses.dataclass
class Inputs:
  """The inputs and what is known of them before decoding.

  Attributes:
    sources: in a fixed order.
    classes: names of the labels, in the order of their indices.
    labels_left_out: names of labels that too few files have.
    ignored_columns: of the csv.
    equal_content: groups of paths whose files are the same.
    coverage: how much of a published dataset is there; None for other inputs.
    missing: rows of missing.csv: clips of the dataset without a file.
  """

  sources: list[sources.ClipSource]
  classes: list[str] = dataclasses.field(default_factory=list)
  labels_left_out: list[str] = dataclasses.field(default_factory=list)
  ignored_columns: list[str] = dataclasses.field(default_factory=list)
  equal_content: list[list[str]] = dataclasses.field(default_factory=list)
  coverage: dict | None = None
  missing: list[list[str]] = dataclasses.field(default_factory=list)


class Preparation:
  """One run over all inputs."""

  def __init__(
    self,
    folder: pathlib.Path,
    inputs: Inputs,
    settings: settings_lib.Settings,
    *,
    num_workers: int,
    num_shards: int,
    worker_silence_s: float,
    siblings: Sequence[pathlib.Path] = (),
  ):
    """Writes nothing yet.

    Args:
      folder: the output.
      inputs: what to prepare.
      settings: how.
      num_workers: processes at a time.
      num_shards: of each split; 0 chooses by the size of the inputs.
      worker_silence_s: see worker_pool.WorkerPool.
      siblings: outputs that may hold inputs already decoded; see `reuse`.
    """
    self._folder = storage.Path(folder)
    self._inputs = inputs
    self._indices = {name: i for i, name in enumerate(inputs.classes)}
    self._settings = settings
    self._num_workers = num_workers
    self._silence_s = worker_silence_s
    self._config = settings.to_config()
    self._config_hash = settings_lib.config_hash(self._config)
    self._output = shard_writer.Output(folder)
    self._shards = self._plan(num_shards)
    self._results: dict[str, shard_writer.ShardResult] = {}
    self._decoded = reuse.Decoded(siblings, self._config, inputs.classes)

  def run(self) -> dict:
    """Prepares everything; returns what report.json holds.

    Raises:
      ValueError: another run writes here, or was begun with other settings.
      OSError: the disk is full.
    """
    self._output.lock()
    self._output.begin(self._state())
    while todo := self._resume():
      self._decode(todo)
    return self._finish()

  def _plan(self, number):
    files = self._inputs.sources
    if not number:
      size = sum(max(0, sources.size_of(source)) for source in files)
      number = max(8, -(-len(files) // 64), -(-size // (256 << 20)))
    return shard_writer.plan(
      [source.split for source in files],
      [splits.path_hash(source.clip_id) for source in files],
      number,
    )

  def _state(self):
    """What must be equal for an earlier run to be continued."""
    inputs = {
      source.clip_id: _described(source) for source in self._inputs.sources
    }
    return {
      "schema_version": schema.SCHEMA_VERSION,
      "config": self._config,
      "num_shards": len(self._shards),
      "inputs": inputs,
    }

  def _resume(self):
    """Writes the shards that can be written; returns the inputs to decode."""
    todo = []
    for shard in self._shards:
      if shard.file in self._results:
        continue
      result = self._output.finished(shard)
      missing = (
        []
        if result is not None
        else [
          number
          for number in shard.inputs
          if self._output.staged(number) is None and not self._reuse(number)
        ]
      )
      if result is None and not missing:
        result = self._output.write_shard(shard)
        missing = shard.inputs if result is None else []
      if result is not None:
        self._results[shard.file] = result
      todo += missing
    return todo

  def _reuse(self, number):
    described = _described(self._inputs.sources[number])
    return self._decoded.stage(described, self._output, number)

  def _decode(self, todo):
    """Decodes inputs in worker processes and writes shards as they fill."""
    self._announce(todo)
    progress = _Progress(self._inputs.sources, todo, self._folder)
    unfinished = {
      shard.file: set(shard.inputs) & set(todo) for shard in self._shards
    }
    owner = {number: shard for shard in self._shards for number in shard.inputs}
    with (
      worker_pool.WorkerPool(
        self._encode,
        num_workers=self._num_workers,
        silence_s=self._silence_s,
        prepare=_prepare_worker,
      ) as pool,
      progress,
    ):
      for number, failure in pool.run(todo):
        if failure is not None:
          outcome = self._outcome(number)
          outcome.reason, outcome.detail = failure.reason, failure.detail
          self._output.stage(number, outcome)
        progress.add(number, self._output.staged(number))
        shard = owner[number]
        unfinished[shard.file].discard(number)
        if not unfinished[shard.file]:
          result = self._output.write_shard(shard)
          if result is not None:
            self._results[shard.file] = result

  def _announce(self, todo):
    """Says what is about to be done, with a first estimate."""
    workers = min(self._num_workers, len(todo))
    first = estimate.of_inputs(self._inputs.sources, todo, self._settings)
    logging.info(
      "rough estimate from the headers of %d inputs: %.1f minutes, %.2f GB of"
      " records, %.1f GB free",
      len(estimate.chosen(todo)),
      first.core_s / workers / 60,
      first.bytes / 1e9,
      storage.free_bytes(self._folder) / 1e9,
    )
    logging.info(
      "%d of %d inputs to decode with %d workers",
      len(todo),
      len(self._inputs.sources),
      workers,
    )

  def _outcome(self, number):
    source = self._inputs.sources[number]
    has_stretch = source.start_s or source.end_s is not None
    return shard_writer.Outcome(
      source.relative,
      source.split,
      labels=list(source.labels),
      clip_id=source.clip_id,
      start_s=sources.seconds_text(source.start_s) if has_stretch else "",
      end_s="" if source.end_s is None else sources.seconds_text(source.end_s),
    )

  def _encode(self, number, beat):
    """Runs in a worker: one input to staged records."""
    source = self._inputs.sources[number]
    outcome, notes = self._outcome(number), encode_clip.Notes()
    labels = tuple(
      self._indices[name] for name in source.labels if name in self._indices
    )
    settings = self._settings
    try:
      clips = encode_clip.encode(source, labels, settings, notes)
      self._write(number, outcome, clips, beat)
    except streams.MediaError as error:
      clip_s = settings.clip_frames / settings.frame_rate_hz
      decoded_s = len(outcome.clips) * clip_s
      notes = encode_clip.Notes()
      clips = whole_clips.encode(
        source,
        labels,
        settings,
        notes,
        error=error,
        decoded_s=decoded_s,
        beat=beat,
      )
      try:
        self._write(number, outcome, clips, beat)
      except streams.MediaError as final:
        outcome.clips, outcome.digests = [], []
        notes = encode_clip.Notes()
        outcome.reason, outcome.detail = final.reason, final.detail
    for field in dataclasses.fields(notes):
      setattr(outcome, field.name, getattr(notes, field.name))
    self._output.stage(number, outcome)

  def _write(self, number, outcome, clips, beat):
    """Writes clips to the staging place of an input, over what is there."""
    outcome.clips, outcome.digests = [], []
    with _RecordWriter(self._output.staging_path(number)) as writer:
      for clip in clips:
        writer.write(encoded_clip.serialize(clip, self._config_hash))
        outcome.clips.append("+".join(clip.modalities()))
        outcome.digests.append(clip.digest)
        beat()

  def _finish(self):
    """Writes the manifests and reports and tidies up."""
    results = [self._results[shard.file] for shard in self._shards]
    outcomes = [item for result in results for item in result.outcomes]
    summary = report.summary(
      outcomes,
      labels_left_out=self._inputs.labels_left_out,
      ignored_columns=self._inputs.ignored_columns,
      duplicates=self._inputs.equal_content,
      coverage=self._inputs.coverage,
      classes=self._inputs.classes,
    )
    report.write_manifests(
      self._folder,
      self._shards,
      results,
      splits=sorted({source.split for source in self._inputs.sources}),
      classes=self._inputs.classes,
      config=self._config,
      config_hash=self._config_hash,
      empty_classes=summary["empty_classes"],
    )
    if self._inputs.coverage is not None:
      report.write_missing(self._folder, self._inputs.missing)
    report.write_report(self._folder, summary, outcomes)
    self._output.finish()
    return summary


def _described(source):
  """Returns what must be equal for an input to be the same."""
  described = [
    source.relative,
    source.label_text,
    source.split,
    source.caption,
    source.start_s,
    source.end_s,
    sources.size_of(source),
  ]
  if source.captions:
    described.append(captions.digest(source.captions))
  return described


def _prepare_worker():
  """A worker uses one core and no accelerator."""
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(1)
  tf.config.set_visible_devices([], "GPU")


class _RecordWriter(contextlib.AbstractContextManager):
  """A TFRecord file; a full disk is an OSError.

  TensorFlow reports a full quota as OutOfRangeError, which elsewhere means
  the end of a dataset, and hides errors of a writer that is not closed.
  """

  def __init__(self, path: pathlib.Path):
    self._path = str(path)
    self._writer = self._guard(tf.io.TFRecordWriter, self._path)

  def write(self, record: bytes) -> None:
    """Adds a record."""
    self._guard(self._writer.write, record)

  def __exit__(self, kind, *unused):
    if kind is None:
      self._guard(self._writer.close)
    else:
      with contextlib.suppress(tf.errors.OpError):
        self._writer.close()

  def _guard(self, function, *args):
    try:
      return function(*args)
    except tf.errors.OpError as error:
      full = errno.EFBIG if "too large" in str(error) else errno.ENOSPC
      raise OSError(full, error.message, self._path) from error


class _Progress(contextlib.AbstractContextManager):
  """A bar over the inputs, and an estimate from the first few."""

  def __init__(self, inputs, todo, folder):
    self._sizes = {
      number: max(0, sources.size_of(inputs[number])) for number in todo
    }
    self._folder = folder
    self._began = time.monotonic()
    self._read = self._written = self._count = 0
    self._sample = min(64, max(4, len(todo) // 20))
    tqdm.tqdm.monitor_interval = 0  # no thread: workers are forked
    self._bar = tqdm.tqdm(
      total=len(todo), unit="input", smoothing=0.05, dynamic_ncols=True
    )

  def add(self, number, outcome):
    """Counts an input that has ended."""
    self._bar.update()
    self._count += 1
    self._read += self._sizes.get(number, 0)
    self._written += outcome.bytes if outcome else 0
    if self._count == self._sample:
      self._estimate()

  def _estimate(self):
    share = max(self._read, 1) / max(sum(self._sizes.values()), 1)
    seconds = (time.monotonic() - self._began) / share
    size = self._written / share
    free = storage.free_bytes(self._folder)
    self._bar.write(
      f"estimate from {self._count} inputs: {seconds / 60:.1f} minutes,"
      f" {size / 1e9:.2f} GB of records, {free / 1e9:.1f} GB free"
    )
    # Shards stand beside their staged inputs while they are joined.
    if size > free:
      logging.warning("the disk will be full before the end")

  def __exit__(self, *unused):
    self._bar.close()
