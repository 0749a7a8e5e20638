"""Dataclasses of an experiment, their checks and their file form.

Imports no TensorFlow. What belongs to one class (a backbone, an optimiser, a
method) stands beside that class; its config object builds it, so the type of
a config selects the class and there is no table of names.
"""

import abc
import dataclasses
import difflib
import enum
import importlib
import json
import pathlib
import types
import typing

from tfvssl.config import protocols

# Sections of an experiment that say how it is evaluated.
PROTOCOLS = (
  "svm",
  "linear",
  "finetune",
  "finetune_sgd",
  "mlp",
  "pascal",
  "imagenet",
  "retrieval",
)


@dataclasses.dataclass
class MethodConfig(abc.ABC):
  """Base of the methods' configs."""

  @abc.abstractmethod
  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""

  @abc.abstractmethod
  def build(self):
    """Returns the methods.base.Method, whose first call makes its weights."""

  def identify_files(self) -> None:
    """Notes which content of the files it names a new run is bound to.

    Raises:
      FileNotFoundError: there is no such file.
    """
    return  # most methods name none


@dataclasses.dataclass
class OptimizerConfig(abc.ABC):
  """Base of the optimisers' configs."""

  @abc.abstractmethod
  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""

  @abc.abstractmethod
  def build(self, learning_rate, variables):
    """Returns the optimiser with its slots; call it in the strategy's scope.

    Args:
      learning_rate: a schedule of the step, or one value.
      variables: all that will be trained.
    """


@dataclasses.dataclass
class BackboneConfig(abc.ABC):
  """Base of the backbones' configs."""

  @abc.abstractmethod
  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""

  @abc.abstractmethod
  def build(self, name: str):
    """Returns the tf.keras.Model, whose first call makes its weights."""


class Strategy(enum.Enum):
  """How replicas are placed; the names users give to `runtime.strategy`."""

  CPU = "cpu"
  GPU = "gpu"
  MIRRORED = "mirrored"
  MULTI_WORKER = "multi_worker"
  TPU = "tpu"


class Precision(enum.Enum):
  FLOAT32 = "float32"
  BFLOAT16 = "bfloat16"  # losses and norms stay in float32


@dataclasses.dataclass
class Runtime:
  """Where and how exactly the run is computed.

  Attributes:
    strategy: placement of the replicas.
    tpu: name or address of the TPU; "local" on a Cloud TPU VM.
    logical_cpus: with MIRRORED on a machine without GPU, how many logical
      CPUs act as replicas.
    precision: of the networks' activations.
    deterministic: bit-exact repetition at a small cost (about 3 % on CPU).
  """

  strategy: Strategy = Strategy.CPU
  tpu: str = "local"
  logical_cpus: int = 1
  precision: Precision = Precision.FLOAT32
  deterministic: bool = True


@dataclasses.dataclass
class Data:
  """Which records are read and how.

  Attributes:
    train_records: folder of data_prep.prepare_records, read for training.
    second_train_records: half of every batch comes from it (paper Sec. 4.2 of
      MMV: AudioSet beside HowTo100M); empty for none.
    heldout_records: folder whose clips are never trained on, for the held-out
      loss; empty for none.
    shuffle_buffer: records that are shuffled at a time, per host; twice as
      many are held in memory (about 4 MB each at the paper's size).
  """

  train_records: str = ""
  second_train_records: str = ""
  heldout_records: str = ""
  shuffle_buffer: int = 256


@dataclasses.dataclass
class Schedule:
  """Linear warm-up to `peak`, then half a cosine to zero at the last step.

  Source: paper Sec. 4.1: 4.8 without audio, 1.0 with; 5000 steps of warm-up.
  """

  peak: float = 4.8
  warmup_steps: int = 5000


@dataclasses.dataclass
class Logging:
  """Intervals in steps.

  Attributes:
    scalars_every: steps between two log lines; a signal to stop is also
      answered only then.
    heldout_every: steps between two held-out losses; 0 is off.
    heldout_batches: how many batches, the same each time, make one.
    images_every: steps between two pictures of the views; 0 is off.
    checkpoint_every: steps between two checkpoints.
    checkpoints_kept: how many of the newest stay on disk.
  """

  scalars_every: int = 50
  heldout_every: int = 1000
  heldout_batches: int = 4
  images_every: int = 5000
  checkpoint_every: int = 1000
  checkpoints_kept: int = 5


@dataclasses.dataclass
class Svm(protocols.TestViews):
  """Linear SVM protocol; source: paper appendix B.

  Attributes:
    train_epochs: passes of augmented training clips.
    grid_c: values of C, chosen on the first pair of record folders.
    batch_size: views per forward pass.
  """

  train_epochs: int = 10
  grid_c: tuple[float, ...] = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
  batch_size: int = 16

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    _require_positive(self, "train_epochs", "batch_size")
    if not self.grid_c or min(self.grid_c) <= 0:
      raise ValueError(
        f"`{name}.grid_c` ({self.grid_c}) must hold positive numbers only."
      )


@dataclasses.dataclass
class Experiment:
  """Everything that a run is made of.

  Attributes:
    batch_size: clips per step over all replicas. Source: paper Sec. 4.1.
    accumulation: parts that a batch is taken in, one after the other, where
      it does not fit into memory. Their gradients are averaged; batch norm
      sees each part alone, so the step equals that of the whole batch only
      where the parts have the same statistics. MMV's negatives and its
      weights of what is missing are those of a part, too.
    steps: updates in all. Source: paper Sec. 4.1; 620k on AudioSet.
    seed: of initial weights and of every random draw.
  """

  method: MethodConfig
  optimizer: OptimizerConfig
  data: Data = dataclasses.field(default_factory=Data)
  schedule: Schedule = dataclasses.field(default_factory=Schedule)
  runtime: Runtime = dataclasses.field(default_factory=Runtime)
  logging: Logging = dataclasses.field(default_factory=Logging)
  svm: Svm = dataclasses.field(default_factory=Svm)
  linear: protocols.Linear = dataclasses.field(default_factory=protocols.Linear)
  finetune: protocols.FineTune = dataclasses.field(
    default_factory=protocols.FineTune
  )
  finetune_sgd: protocols.FineTuneSgd = dataclasses.field(
    default_factory=protocols.FineTuneSgd
  )
  mlp: protocols.ShallowMlp = dataclasses.field(
    default_factory=protocols.ShallowMlp
  )
  pascal: protocols.Pascal = dataclasses.field(default_factory=protocols.Pascal)
  imagenet: protocols.ImageNet = dataclasses.field(
    default_factory=protocols.ImageNet
  )
  retrieval: protocols.Retrieval = dataclasses.field(
    default_factory=protocols.Retrieval
  )
  batch_size: int = 512
  accumulation: int = 1
  steps: int = 300_000
  seed: int = 0

  def validate(self) -> None:
    """Raises ValueError in one line for the first rule that does not hold."""
    _require_positive(self, "batch_size", "accumulation", "steps")
    _require_positive(self.data, "shuffle_buffer")
    _require_positive(self.runtime, "logical_cpus")
    _require_positive(self.schedule, "peak")
    _require_positive(
      self.logging,
      "checkpoints_kept",
      "checkpoint_every",
      "heldout_batches",
      "scalars_every",
    )
    for name in ("heldout_every", "images_every"):
      value = getattr(self.logging, name)
      if value < 0:
        raise ValueError(
          f"`logging.{name}` ({value}) must be at least 0, which is off."
        )
    self.optimizer.validate()
    if not 0 <= self.schedule.warmup_steps < self.steps:
      raise ValueError(
        f"`schedule.warmup_steps` ({self.schedule.warmup_steps}) must be at"
        f" least 0 and below `steps` ({self.steps}); try"
        f" {self.steps // 10}."
      )
    for name in PROTOCOLS:
      getattr(self, name).validate(name)
    self.method.validate()


def _require_positive(section: object, *names: str) -> None:
  for name in names:
    value = getattr(section, name)
    if value <= 0:
      raise ValueError(
        f"`{type(section).__name__.lower()}.{name}` ({value}) must be above 0."
      )


def nearest_name(name: str, config: typing.Any) -> str:
  """Returns a hint for a misspelt field: the nearest name, else all of them."""
  known = (
    list(config)
    if isinstance(config, dict)
    else [field.name for field in dataclasses.fields(config)]
  )
  near = difflib.get_close_matches(name, known, n=1)
  return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}."


def to_tree(config: object) -> object:
  """Returns `config` as dicts, lists and scalars that JSON can hold."""
  if dataclasses.is_dataclass(config):
    kind = type(config)
    fields = {
      field.name: to_tree(getattr(config, field.name))
      for field in dataclasses.fields(config)
    }
    return {"class": f"{kind.__module__}.{kind.__qualname__}", **fields}
  if isinstance(config, enum.Enum):
    return config.value
  if isinstance(config, dict):
    return {name: to_tree(value) for name, value in config.items()}
  if isinstance(config, (list, tuple)):
    return [to_tree(value) for value in config]
  return config


def from_tree(tree: dict) -> object:
  """Returns the config that `to_tree` made `tree` of.

  Only dataclasses of modules of this package are constructed.

  Raises:
    ValueError: a class outside the package, or an unknown field.
  """
  path = tree.get("class", "")
  module_name, _, class_name = path.rpartition(".")
  if not module_name.startswith("tfvssl."):
    raise ValueError(f"config class '{path}' is not one of this package.")
  kind = getattr(importlib.import_module(module_name), class_name, None)
  if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
    raise ValueError(f"'{path}' is not a config class of this version.")
  hints = typing.get_type_hints(kind)
  values = {}
  for name, value in tree.items():
    if name == "class":
      continue
    if name not in hints:
      raise ValueError(f"'{path}' has no field `{name}`.")
    values[name] = _from_value(value, hints[name])
  return kind(**values)


def _from_value(value, hint):
  if isinstance(value, dict):
    if "class" in value:
      return from_tree(value)
    return {name: _from_value(item, None) for name, item in value.items()}
  if isinstance(hint, type) and issubclass(hint, enum.Enum):
    return hint(value)
  if isinstance(value, list):
    return tuple(_from_value(item, None) for item in value)
  if isinstance(hint, types.UnionType) and float in typing.get_args(hint):
    return None if value is None else float(value)
  return float(value) if hint is float else value


def save(experiment: Experiment, path: str | pathlib.Path) -> None:
  """Writes `experiment`, resolved, as JSON."""
  pathlib.Path(path).write_text(
    json.dumps(to_tree(experiment), indent=2) + "\n", encoding="utf-8"
  )


def load(path: str | pathlib.Path) -> Experiment:
  """Reads what `save` wrote.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is not an experiment of this version.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(
      f"{path} does not exist; is its folder the --workdir of tfvssl.train?"
    )
  try:
    experiment = from_tree(json.loads(path.read_text(encoding="utf-8")))
  except (ValueError, TypeError, AttributeError, RecursionError) as error:
    raise ValueError(f"{path} cannot be read as a config: {error}") from error
  if not isinstance(experiment, Experiment):
    raise ValueError(f"{path} holds no experiment.")
  return experiment


def differences(old: object, new: object, prefix: str = "") -> list[str]:
  """Returns one line `name: old -> new` for every value that differs."""
  old, new = to_tree(old), to_tree(new)
  return _tree_differences(old, new, prefix)


def _tree_differences(old, new, prefix):
  if isinstance(old, dict) and isinstance(new, dict):
    lines = []
    for name in sorted(set(old) | set(new)):
      path = f"{prefix}.{name}" if prefix else name
      lines += _tree_differences(old.get(name), new.get(name), path)
    return lines
  return [] if old == new else [f"{prefix}: {old} -> {new}"]
