"""Dataclasses of an experiment, and their checks.

Imports no TensorFlow. What belongs to one class (a backbone, an optimiser, a
method) stands beside that class; its config object builds it, so the type of
a config selects the class and there is no table of names.
"""

import abc
import dataclasses
import enum

from tfvssl.config import protocols
from tfvssl.config import rules
from tfvssl.config import tree


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


# A predictor learns ten times as fast. Source: the released configs.
PREDICTOR_FACTOR = 10.0


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
    train_records: folder of tfvssl prepare, read for training.
    second_train_records: half of every batch comes from it (paper Sec. 4.2 of
      MMV: AudioSet beside HowTo100M); empty for none.
    heldout_records: folder whose clips are never trained on, for the held-out
      loss; empty for none.
    shuffle_buffer: records that are shuffled at a time, per host; twice as
      many are held in memory (about 4 MB each at the paper's size).
    use_silent_sound: whether a clip whose sound is silent counts as one with
      sound, as it did before this field: a stored config without it means so.
    bad_record_share: of a folder's records, which a run leaves out where they
      are bad; it looks through all records before it begins. 0: it looks
      through none, and stops where it reads a bad one.
  """

  train_records: str = ""
  second_train_records: str = ""
  heldout_records: str = ""
  shuffle_buffer: int = 256
  use_silent_sound: bool = dataclasses.field(
    default=False, metadata={tree.BEFORE: True}
  )
  bad_record_share: float = 0.0


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
    scalars_every: steps between two log lines; on TPUs and with several
      workers a signal to stop is also answered only then.
    heldout_every: steps between two held-out losses; 0 is off.
    heldout_batches: how many batches, the same each time, make one.
    images_every: steps between two pictures of the views, of which there are
      some at the first step and at the last, too; 0 is off.
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
  svm: protocols.Svm = dataclasses.field(default_factory=protocols.Svm)
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
    rules.require_positive(
      "experiment", self, "batch_size", "accumulation", "steps"
    )
    rules.require_positive("data", self.data, "shuffle_buffer")
    share = self.data.bad_record_share
    rule = "be at least 0 and below 1"
    rules.require(0 <= share < 1, "data.bad_record_share", share, rule)
    for name in ("train_records", "second_train_records", "heldout_records"):
      rules.require_local(f"data.{name}", getattr(self.data, name))
    rules.require_positive("runtime", self.runtime, "logical_cpus")
    rules.require_positive("schedule", self.schedule, "peak")
    rules.require_positive(
      "logging",
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
    for name in protocol_sections():
      getattr(self, name).validate(name)
    self.method.validate()


def protocol_sections() -> tuple[str, ...]:
  """Returns the fields of an experiment that say how it is evaluated."""
  return tuple(
    field.name
    for field in dataclasses.fields(Experiment)
    if isinstance(field.type, type)
    and issubclass(field.type, protocols.TestViews)
  )
