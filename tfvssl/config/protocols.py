"""Settings of the evaluation protocols; the defaults are the paper's.

Imports no TensorFlow.
"""

import dataclasses
from typing import ClassVar

from tfvssl.config import rules


@dataclasses.dataclass
class TestViews:
  """Which views of a test clip are averaged; source: paper appendix B.

  Attributes:
    temporal_clips: regularly spaced in time.
    spatial_crops: regularly spaced along the longer side; 1 is the centre.
    test_short_side: the test frames' short side before the crop, in pixels.
    positive: the fields that must be above 0.
  """

  temporal_clips: int = 10
  spatial_crops: int = 3
  test_short_side: int = 256

  positive: ClassVar[tuple[str, ...]] = (
    "temporal_clips",
    "spatial_crops",
    "test_short_side",
  )

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold.

    Args:
      name: of the section in the config, for the message.
    """
    rules.require_positive(name, self, *self.positive)

  @property
  def views_per_pass(self) -> int:
    """How many views go through a network at once, over all replicas."""
    raise TypeError(f"{type(self).__name__} defines no `views_per_pass`.")


@dataclasses.dataclass
class Untrained(TestViews):
  """What protocols share for which nothing is trained on the accelerator.

  Attributes:
    batch_size: views per forward pass.
  """

  batch_size: int = 16

  positive = (*TestViews.positive, "batch_size")

  @property
  def views_per_pass(self) -> int:
    """How many views go through a network at once."""
    return self.batch_size


@dataclasses.dataclass
class Trained(TestViews):
  """What protocols share that train by gradient descent.

  Attributes:
    batch_size: clips per update over all replicas.
    test_batch_size: test views per forward pass over all replicas.
  """

  batch_size: int = 512
  test_batch_size: int = 16

  positive = (*TestViews.positive, "batch_size", "test_batch_size")

  @property
  def views_per_pass(self) -> int:
    """How many views of the test go through a network at once."""
    return self.test_batch_size


@dataclasses.dataclass
class Svm(Untrained):
  """Linear SVM protocol; source: paper appendix B.

  Attributes:
    train_epochs: passes of augmented training clips.
    grid_c: values of C, chosen on the first pair of record folders.
  """

  train_epochs: int = 10
  grid_c: tuple[float, ...] = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)

  positive = (*Untrained.positive, "train_epochs")

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    _require_all_positive(f"{name}.grid_c", self.grid_c)


@dataclasses.dataclass
class Linear(Trained):
  """A linear layer on frozen features, trained by LARS.

  Source: paper appendix B, "Linear evaluation on Kinetics-600". Test crops
  have the side `test_short_side`: the network is fully convolutional.

  Attributes:
    epochs: passes of augmented training clips.
    warmup_epochs: of them, in which the learning rate rises from 0.
    learning_rate: after the warm-up; then half a cosine to 0.
  """

  epochs: int = 100
  warmup_epochs: float = 6.5
  learning_rate: float = 0.5

  positive = (*Trained.positive, "epochs", "learning_rate")

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    _require_warmup(self, name)


@dataclasses.dataclass
class FineTune(Trained):
  """The whole backbone and a linear layer, trained by LARS.

  Source: paper appendix B, "Finetuning evaluation on HMDB51 and UCF101". A
  grid of one value each is what Table 7 has for a network.

  Attributes:
    spatial_crops: the central one. Source: paper Sec. 4.2.
    epochs: passes of augmented training clips, 50 + 550.
    warmup_epochs: of them, in which the learning rate rises from 0.
    batch_size: clips per update over all replicas; 128 for large networks.
    learning_rates: grid of the rate after the warm-up; then half a cosine.
    weight_decays: grid of the decay of weights.
    dropouts: grid of the share of features that are dropped.
    scale: smallest and largest factor of the frames' width, and of their
      height.
    validation_share: of the first split's training files per class, on which
      the grid is decided instead of its test clips; 0 is the paper's rule.
  """

  spatial_crops: int = 1
  epochs: int = 600
  warmup_epochs: float = 50
  batch_size: int = 256
  learning_rates: tuple[float, ...] = (0.03, 0.1, 0.3)
  weight_decays: tuple[float, ...] = (0.0, 1e-7)
  dropouts: tuple[float, ...] = (0.1, 0.5, 0.8)
  scale: tuple[float, float] = (0.8, 1.2)
  validation_share: float = 0.0

  positive = (*Trained.positive, "epochs")

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    _require_warmup(self, name)
    _require_all_positive(f"{name}.learning_rates", self.learning_rates)
    decays, dropouts = self.weight_decays, self.dropouts
    holds = bool(decays) and min(decays) >= 0
    rule = "hold numbers of at least 0"
    rules.require(holds, f"{name}.weight_decays", decays, rule)
    holds = bool(dropouts) and all(0 <= rate < 1 for rate in dropouts)
    rules.require(holds, f"{name}.dropouts", dropouts, "hold numbers in [0, 1)")
    share, rule = self.validation_share, "be in [0, 1)"
    rules.require(0 <= share < 1, f"{name}.validation_share", share, rule)


@dataclasses.dataclass
class FineTuneSgd(Trained):
  """The whole backbone and a linear layer, trained by SGD; HMDB51's values.

  Source: MMV paper, appendix A.2 and Table 5, whose decay of 5^-3 is taken for
  5e-3. That frames are mirrored, jittered and coloured as in pretraining is
  taken from its saying that they are not during the test.

  Attributes:
    spatial_crops: the central one.
    image_size: side of the crops, in pixels.
    steps: updates in all.
    decay_steps: updates after which the rate is multiplied by `decay_factor`.
    decay_factor: gamma in Table 5.
    learning_rate: of the first updates.
    weight_decay: of the linear layer alone.
  """

  spatial_crops: int = 1
  image_size: int = 256
  steps: int = 10_000
  decay_steps: tuple[float, ...] = (2500, 5000, 7500)
  decay_factor: float = 0.1
  learning_rate: float = 1.0
  weight_decay: float = 5e-3
  batch_size: int = 256

  positive = (
    *Trained.positive,
    "image_size",
    "steps",
    "decay_factor",
    "learning_rate",
  )

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    rising = sorted({step for step in self.decay_steps if step >= 1})
    whole = all(float(step).is_integer() for step in rising)
    if not rising or not whole or list(self.decay_steps) != rising:
      raise ValueError(
        f"`{name}.decay_steps` ({self.decay_steps}) must be whole numbers from"
        " 1 on that rise; for example 2500,5000,7500."
      )
    decay = self.weight_decay
    rules.require(decay >= 0, f"{name}.weight_decay", decay, "be at least 0")


# Source: MMV paper, Table 5.
FINE_TUNE_SGD_UCF101 = FineTuneSgd(
  steps=25_000, decay_steps=(6250, 12_500, 18_750), weight_decay=1e-7
)


@dataclasses.dataclass
class ShallowMlp(Trained):
  """A perceptron with one hidden layer on frozen features, trained by Adam.

  Source: paper appendix B, "Shallow classifier evaluation on AudioSet". A clip
  may have several labels.

  Attributes:
    hidden_dim: units of the hidden layer.
    epochs: passes of training clips, each time cut at another place.
    warmup_steps: updates in which the learning rate rises from 0.
    learning_rate: after the warm-up; then half a cosine to 0.
  """

  hidden_dim: int = 512
  epochs: int = 20
  warmup_steps: int = 5000
  learning_rate: float = 2e-4

  positive = (*Trained.positive, "hidden_dim", "epochs", "learning_rate")

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    steps = self.warmup_steps
    rules.require(steps >= 0, f"{name}.warmup_steps", steps, "be at least 0")


@dataclasses.dataclass
class ImageLinear(Trained):
  """A linear layer on frozen features of still images, trained by Adam.

  Source: MMV paper, appendix A.2. It names neither batch size nor the rates
  that are tried, nor the share of ImageNet that decides between them.

  Attributes:
    temporal_clips: an image has one.
    spatial_crops: the central one; the paper names none for the test.
    test_short_side: the short side before the crop, in pixels.
    epochs: passes of training images.
    learning_rates: initial ones that are tried; a rate falls as
      1 / sqrt(update).
    validation_share: of the training files, on which the rate is decided.
    batch_size: images per update over all replicas.
    test_batch_size: images per forward pass over all replicas.
  """

  temporal_clips: int = 1
  spatial_crops: int = 1
  test_short_side: int = 224
  epochs: int = 30
  learning_rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
  validation_share: float = 0.5
  batch_size: int = 256
  test_batch_size: int = 64

  positive = (*Trained.positive, "epochs")

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    _require_all_positive(f"{name}.learning_rates", self.learning_rates)
    share, rule = self.validation_share, "be above 0 and below 1"
    rules.require(0 < share < 1, f"{name}.validation_share", share, rule)


@dataclasses.dataclass
class Pascal(ImageLinear):
  """PASCAL VOC 2007: an image may show several classes.

  Half of `trainval` is the size of the data set's own `val`.
  """


@dataclasses.dataclass
class ImageNet(ImageLinear):
  """ImageNet: one class an image; crops are jittered and coloured."""

  epochs: int = 200
  validation_share: float = 0.02


@dataclasses.dataclass
class Retrieval(Untrained):
  """Zero-shot retrieval between modalities that share a space.

  Source: MMV paper, appendix A.2.

  Attributes:
    spatial_crops: the central one, 200 px in the paper.
    test_short_side: the frames' short side before the crop, in pixels.
    batch_size: views or captions per forward pass.
  """

  spatial_crops: int = 1
  test_short_side: int = 224


def _require_all_positive(name: str, values: tuple[float, ...]) -> None:
  holds = bool(values) and min(values) > 0
  rules.require(holds, name, values, "hold positive numbers only")


def _require_warmup(section: Linear | FineTune, name: str) -> None:
  if not 0 <= section.warmup_epochs < section.epochs:
    raise ValueError(
      f"`{name}.warmup_epochs` ({section.warmup_epochs}) must be at least 0"
      f" and below `{name}.epochs` ({section.epochs}); try"
      f" {section.epochs / 12:.3g}."
    )
