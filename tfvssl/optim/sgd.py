"""Stochastic gradient descent with momentum, as MMV fine-tunes."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.optim import variable_roles


@dataclasses.dataclass
class SgdConfig(config.OptimizerConfig):
  """SGD whose weight decay is that of the linear classifier alone.

  Source: MMV paper, appendix A.2, "FT on UCF101/HMDB51".

  Attributes:
    momentum: of the updates.
    weight_decay: added to the gradient, times the variable; bias included.
  """

  momentum: float = 0.9
  weight_decay: float = 0.0

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not 0 <= self.momentum < 1:
      raise ValueError(
        f"`optimizer.momentum` ({self.momentum}) must be in [0, 1)."
      )
    if self.weight_decay < 0:
      raise ValueError(
        f"`optimizer.weight_decay` ({self.weight_decay}) must be at least 0."
      )

  def build(
    self,
    learning_rate: tf.keras.optimizers.schedules.LearningRateSchedule | float,
    variables: Sequence[tf.Variable],
  ) -> "Sgd":
    """Returns the optimiser with its slots; call it in the strategy's scope.

    Args:
      learning_rate: a schedule of the step, or one value.
      variables: all that will be trained.
    """
    optimizer = Sgd(
      learning_rate, momentum=self.momentum, classifier_decay=self.weight_decay
    )
    # A compiled step may not create variables.
    optimizer._create_all_weights(list(variables))
    return optimizer


class Sgd(tf.keras.optimizers.legacy.SGD):
  """SGD of the same optimiser generation as LARS."""

  def __init__(
    self,
    learning_rate: (
      tf.keras.optimizers.schedules.LearningRateSchedule | float
    ) = 0.01,
    *,
    classifier_decay: float = 0.0,
    name: str = "Sgd",
    **base: Any,
  ):
    """Makes the optimiser; slots are made when variables are known.

    Args:
      learning_rate: a schedule of the step, or one value.
      classifier_decay: of variables with "linear_head" in their path.
      name: of the optimiser.
      **base: arguments of the base class.
    """
    super().__init__(learning_rate, name=name, **base)
    self.classifier_decay = classifier_decay

  def _resource_apply_dense(self, grad, var, apply_state=None):
    if variable_roles.is_classifier(var.name):
      grad = grad + self.classifier_decay * var
    return super()._resource_apply_dense(grad, var, apply_state)
