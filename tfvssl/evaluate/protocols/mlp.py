"""A perceptron with one hidden layer on frozen features, for several labels.

Source: paper appendix B, "Shallow classifier evaluation on AudioSet". Test
clips are scored by the mean probability of their windows.
"""

from collections.abc import Callable
import dataclasses
import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfvssl.config import protocols
from tfvssl.evaluate.protocols import trained

if TYPE_CHECKING:
  import tensorflow as tf

  from tfvssl.evaluate.classifiers import heads
  from tfvssl.evaluate.classifiers import trained as classifier
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.optim import adam


@dataclasses.dataclass
class ShallowMlpProtocol(trained.FrozenProtocol):
  """See the module.

  Attributes:
    recipe: hidden units, epochs, rate and batch.
  """

  recipe: protocols.ShallowMlp = dataclasses.field(
    default_factory=protocols.ShallowMlp
  )
  NAME: ClassVar[str] = "mlp"
  TITLE: ClassVar[str] = "shallow MLP"
  SOURCE: ClassVar[str] = "paper appendix B, AudioSet"
  HEAD: ClassVar[str] = "batch norm, linear, batch norm, relu, linear"
  METRICS: ClassVar[tuple[str, ...]] = ("mean_average_precision",)
  SEVERAL_LABELS: ClassVar[bool] = True
  Settings: ClassVar[type[protocols.TestViews]] = protocols.ShallowMlp

  def optimizer(self) -> "adam.AdamConfig":
    """Returns Adam."""
    from tfvssl.optim import adam

    return adam.AdamConfig(rate_factors={})

  def head(self, num_classes: int) -> "heads.MlpHead":
    """Returns the new layers."""
    from tfvssl.evaluate.classifiers import heads

    return heads.MlpHead(self.recipe.hidden_dim, num_classes)

  def training(self, num_clips: int) -> "classifier.Recipe":
    """Returns how the head is trained on so many clips."""
    from tfvssl.evaluate.classifiers import trained as classifier

    recipe = self.recipe
    steps = classifier.steps_of(recipe.epochs, num_clips, recipe.batch_size)
    return classifier.Recipe(
      self.NAME,
      self.optimizer(),
      recipe.learning_rate,
      recipe.batch_size,
      total_steps=math.ceil(steps),
      warmup_steps=recipe.warmup_steps,
    )

  def loss_of(
    self, split: "splits_of.Split"
  ) -> "Callable[[tf.Tensor, tf.Tensor], tf.Tensor]":
    """Returns the loss [B] of logits and labels."""
    del split  # is the same for all
    from tfvssl.evaluate.classifiers import heads

    return heads.sigmoid_loss

  def figures(self, split: "splits_of.Split", scores: np.ndarray) -> dict:
    """Returns the average precisions of scores, float32 [M, K]."""
    from tfvssl.evaluate.classifiers import average_precision

    targets = average_precision.multi_hot(split.test_labels, split.columns)
    precision = average_precision.mean_average_precision(scores, targets)
    return trained.precision_tree(split, precision, split.columns)

  def baselines(self, split: "splits_of.Split") -> dict:
    """Returns the mean average precision of guessing.

    A random order gives a class the share of its clips; `chance` is the mean
    of these shares over the classes that are averaged.
    """
    from tfvssl.evaluate.classifiers import average_precision

    targets = average_precision.multi_hot(split.test_labels, split.columns)
    shares = targets.mean(axis=0)
    return {"chance": float(np.mean(shares[shares > 0]))}
