"""Why a step was not finite: which terms, which clips, and what to do.

Called after a training has stopped. The batch of the step is read again, which
its number decides, and the step is taken again; with several steps between two
looks at them the weights may have moved a little since.
"""

from collections.abc import Callable, Mapping, Sequence
import json
import math
from typing import NamedTuple

import tensorflow as tf

from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.data.records import contexts
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.runtime import storage
from tfvssl.train import input as run_input
from tfvssl.train import trainer

NAME = "not_finite.json"
_MOST_CLIPS = 8  # in a line; the file has all
_ENOUGH_CLIPS = 8  # that each do it alone: the weights do it
_GRADIENT = "optimizer/gradient_norm"


class Sample(NamedTuple):
  """One clip of the batch.

  Attributes:
    shard: path of its file.
    record: its number there.
    clip_id: empty where it cannot be read.
    broken: names of the views whose values are not finite.
    alone: whether loss or gradient of this clip alone are not finite.
  """

  shard: str
  record: int
  clip_id: str
  broken: tuple[str, ...] = ()
  alone: bool = False

  def describe(self) -> str:
    """Returns clip, shard and record in words."""
    clip = f"clip '{self.clip_id}'" if self.clip_id else "clip without id"
    return f"{clip} ({self.shard}: record {self.record})"


class Cause(NamedTuple):
  """What is known of a step that was not finite.

  Attributes:
    step: its number.
    terms: the loss terms and the gradient norm that were not finite.
    samples: the clips of its batch, of this process.
    whole: whether there is no other process that has clips of the batch.
  """

  step: int
  terms: dict[str, float]
  samples: list[Sample]
  whole: bool = True

  @property
  def broken(self) -> list[Sample]:
    """Returns the clips whose values are not finite."""
    return [sample for sample in self.samples if sample.broken]

  @property
  def alone(self) -> list[Sample]:
    """Returns the clips that are to blame: some, but not most of the batch."""
    found = [sample for sample in self.samples if sample.alone]
    return found if 2 * len(found) < len(self.samples) else []

  def write(self, path: storage.Path) -> None:
    """Writes everything as JSON."""
    tree = {
      "step": self.step,
      "not_finite": {name: str(value) for name, value in self.terms.items()},
      "clips": [sample._asdict() for sample in self.samples],
    }
    storage.write_text(path, json.dumps(tree, indent=1) + "\n")

  def terms_in_words(self) -> str:
    """Returns names and values of the terms."""
    return ", ".join(f"{name} {value}" for name, value in self.terms.items())

  def describe(self, advice: "Advice") -> str:
    """Returns the cause, what to do, and the clips of the batch."""
    ids = [sample.clip_id for sample in self.samples[:_MOST_CLIPS]]
    rest = len(self.samples) - len(ids)
    clips = ", ".join(ids) + (f" and {rest} more" if rest else "")
    of_whom = "its batch" if self.whole else "this worker's part of its batch"
    return f"{self._blame(advice)} The clips of {of_whom}: {clips}"

  def _blame(self, advice):
    if self.broken:
      first = self.broken[0]
      rest = len(self.broken) - 1
      more = f" and {rest} more" * bool(rest)
      return (
        f"The {first.describe()}{more} has values that are not finite in"
        f" {' and '.join(first.broken)}: {advice.for_clip}"
      )
    if self.alone:
      rest = len(self.alone) - 1
      more = f", and {rest} more," * bool(rest)
      return (
        f"The {self.alone[0].describe()}{more} makes it so alone, though its"
        f" values are finite: look at it. If it is whole: {advice.for_rest}"
      )
    if not self.whole:
      return (
        "No clip of this worker has values that are not finite; see what the"
        f" others say. If none of them names a clip: {advice.for_rest}"
      )
    return f"No clip makes it so alone: {advice.for_rest}"


class Advice(NamedTuple):
  """What to do: with a clip whose values are not finite, and otherwise."""

  for_clip: str
  for_rest: str


def of_run(
  step: int,
  made: trainer.Trainer,
  method: base.Method,
  source: run_input.Input,
  experiment: config.Experiment,
  folder: storage.Path | None,
) -> str:
  """Returns the line that ends a run whose `step` was not finite.

  Args:
    step: as that of `find_cause`.
    made: as that of `find_cause`.
    method: as that of `find_cause`.
    source: of the batches.
    experiment: of the run.
    folder: gets the file NAME with everything; None for none.
  """
  records = source.sources[0]
  share = math.ceil(1000 / len(records.usable)) / 1000
  advice = Advice(
    "prepare it again, or, if it is among what tfvssl inspect"
    f" --records={records.folder} --verify lists, leave such records out with"
    f" --config.data.bad_record_share={share:g} or more.",
    f"lower `schedule.peak` ({experiment.schedule.peak}) and start again with"
    " --allow_change=schedule.peak; the run goes on from its last checkpoint.",
  )
  return explain(
    f"loss or gradient is not finite at step {step}; nothing of it was saved",
    advice,
    lambda: find_cause(
      step,
      made=made,
      method=method,
      seed=experiment.seed,
      batches=lambda: source.batches(step),
      accumulation=experiment.accumulation,
      sources=source.sources,
    ),
    folder,
  )


def of_classifier(
  what: str,
  learning_rate: float,
  cause_of: Callable[..., Cause],
  records: reader.Records,
) -> str:
  """Returns the line that ends a classifier's training.

  Args:
    what: happened, in words without a stop.
    learning_rate: of the training.
    cause_of: `find_cause` without the arguments that are known here.
    records: that it trains on.
  """
  advice = Advice(
    f"prepare {records.folder} again.",
    f"lower the learning rate ({learning_rate:g}).",
  )
  return explain(
    what, advice, lambda: cause_of(seed=0, accumulation=1, sources=[records])
  )


def explain(
  what: str,
  advice: Advice,
  cause_of: Callable[[], Cause],
  folder: storage.Path | None = None,
) -> str:
  """Returns what happened, why, and what to do, in one line.

  Args:
    what: happened, in words without a stop.
    advice: what to do.
    cause_of: `find_cause`; where it fails, that is said, too.
    folder: gets the file NAME with everything; None for none.
  """
  try:
    cause = cause_of()
  except (tf.errors.OpError, ValueError) as error:
    reason = str(error).splitlines()[0]
    return (
      f"{what}; its batch could not be taken again ({reason}):"
      f" {advice.for_rest}"
    )
  words = f"{what} ({cause.terms_in_words()}). {cause.describe(advice)}"
  if folder is None:
    return f"{words}."
  cause.write(folder / NAME)
  return f"{words}; {folder / NAME} has all of it."


def find_cause(
  step: int,
  *,
  made: trainer.Trainer,
  method: trainer.Trained,
  seed: int,
  batches: Callable[[], tf.data.Dataset | tf.distribute.DistributedDataset],
  accumulation: int,
  sources: Sequence[reader.Records],
) -> Cause:
  """Returns what is known of a step that was not finite.

  Ends the training: weights and statistics may move.

  Args:
    step: that `made` names as the first bad one.
    made: the trainer; its means are those of its last loop.
    method: that it trains.
    seed: of the run.
    batches: from those of `step` on, whenever it is called.
    accumulation: batches of one step.
    sources: the records, one or two.
  """
  strategy = made.strategy
  terms = terms_of(made.train_loop_end())
  parts = _parts(strategy, batches(), accumulation)
  indices = [index for part in parts for index in _indices(part)]
  samples = name_samples(indices, sources)
  broken = [names for part in parts for names in _broken(part)]
  alone = [False] * len(samples)
  several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
  if not any(broken) and not several:
    alone = _alone(method, strategy, seed, parts)
  made.train_dataset = batches()
  terms = terms_of(made.train(tf.constant(1))) or terms
  found = [
    sample._replace(broken=names, alone=bad)
    for sample, names, bad in zip(samples, broken, alone, strict=True)
  ]
  return Cause(step, terms, found, not several)


def terms_of(scalars: Mapping[str, float]) -> dict[str, float]:
  """Returns the loss terms and the gradient norm that are not finite."""
  return {
    name: value
    for name, value in scalars.items()
    if (name.startswith("loss/") or name == _GRADIENT)
    and not math.isfinite(value)
  }


def _parts(strategy, batches, accumulation):
  """Returns what each replica of this process gets of the step's batches."""
  iterator = iter(batches)
  return [
    part
    for _ in range(accumulation)
    for part in strategy.experimental_local_results(next(iterator))
  ]


def _by_name(part: base.Views | views.View) -> base.Views:
  """Returns the views of a method's batch, or the one of a classifier's."""
  return {"its view": part} if isinstance(part, views.View) else part


def _indices(part):
  view = next(iter(_by_name(part).values()))
  return view.sample_index.numpy().tolist()


def name_samples(
  indices: Sequence[int], sources: Sequence[reader.Records]
) -> list[Sample]:
  """Returns the clips of a batch; reads the contexts of their shards."""
  ids: dict[str, dict[int, str]] = {}
  samples = []
  for index in indices:
    records = sources[0]
    if index >= len(records.usable):  # see data.second_records
      index, records = index - len(records.usable), sources[1]
    shard = int((records.offsets <= index).sum()) - 1
    path, number = records.paths[shard], index - int(records.offsets[shard])
    if path not in ids:
      ids[path] = _ids(storage.Path(path), records)
    samples.append(Sample(path, number, ids[path].get(number, "")))
  return samples


def _ids(path, records):
  """Returns the ids of a shard's clips by their number, as far as possible."""
  found = {}
  try:
    for number, context in contexts.of_shard(
      path, records.bad.get(path.name, ())
    ):
      found[number] = context["clip/id"].decode("utf-8", "replace")
  except (ValueError, OSError):  # the batch is told by numbers from there on
    return found
  return found


def _broken(part):
  """Returns for each clip the names of its views that are not finite."""
  count = len(_indices(part))
  names: list[tuple[str, ...]] = [()] * count
  for name, view in _by_name(part).items():
    for piece in view:
      if piece is None or not piece.dtype.is_floating:
        continue
      axes = list(range(1, len(piece.shape)))
      finite = tf.reduce_all(tf.math.is_finite(piece), axes).numpy()
      for row in range(count):
        if not finite[row] and name not in names[row]:
          names[row] += (name,)
  return names


def _alone(method, strategy, seed, parts):
  """Returns for each clip whether it alone is not finite."""
  variables = method.trainable_variables

  def replica(batch):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch(variables)
      loss = method.loss(batch, seed).loss
    norm = tf.linalg.global_norm(tape.gradient(loss, variables))
    return tf.math.is_finite(loss) & tf.math.is_finite(norm)

  @tf.function(autograph=False)
  def is_finite(batch):
    return strategy.run(replica, args=(batch,))

  total = sum(len(_indices(part)) for part in parts)
  found: list[bool] = []
  for part in parts:
    for row in range(len(_indices(part))):
      if len(found) == _ENOUGH_CLIPS and all(found):
        return [True] * total  # it is not one clip's doing
      one = tf.nest.map_structure(
        lambda piece, row=row: None if piece is None else piece[row : row + 1],
        part,
      )
      result = strategy.experimental_local_results(is_finite(one))[0]
      found.append(not bool(result))
  return found
