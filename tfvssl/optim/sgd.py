"""Stochastic gradient descent with momentum, as MMV fine-tunes."""

from collections.abc import Mapping, Sequence
import dataclasses
import types
from typing import Any

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.optim import parts
from tfvssl.optim import variable_roles

# The layer that tells classes; see evaluate.classifiers.
_CLASSIFIER = "linear_head"


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
    self, learning_rate: parts.Rate, variables: Sequence[tf.Variable]
  ) -> "Sgd":
    """Returns the optimiser with its slots; see the base class."""
    optimizer = Sgd(
      learning_rate,
      momentum=self.momentum,
      decays={_CLASSIFIER: self.weight_decay},
    )
    return parts.with_slots(optimizer, variables)


class Sgd(tf.keras.optimizers.legacy.SGD):
  """SGD of the same optimiser generation as LARS."""

  def __init__(
    self,
    learning_rate: parts.Rate = 0.01,
    *,
    decays: Mapping[str, float] = types.MappingProxyType({}),
    name: str = "Sgd",
    **base: Any,
  ):
    """Makes the optimiser; slots are made when variables are known.

    Args:
      learning_rate: a schedule of the step, or one value.
      decays: times the variable, added to its gradient, by part of the
        network.
      name: of the optimiser.
      **base: arguments of the base class.
    """
    super().__init__(learning_rate, name=name, **base)
    self.decays = dict(decays)

  def _resource_apply_dense(self, grad, var, apply_state=None):
    decay = variable_roles.of_part(var.name, self.decays, 0.0)
    if decay:
      grad = grad + decay * var
    return super()._resource_apply_dense(grad, var, apply_state)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that `from_config` makes an equal optimiser of."""
    return {**super().get_config(), "decays": self.decays}

  from_config = classmethod(parts.remade)
