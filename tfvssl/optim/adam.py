"""Adam, with factors of the learning rate by part of the network."""

from collections.abc import Mapping, Sequence
import dataclasses
import types
from typing import Any

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.config import rules
from tfvssl.optim import parts


@dataclasses.dataclass
class AdamConfig(config.OptimizerConfig):
  """The optimiser of MMV (paper A.1, epsilon 1e-8) and of small BraVe runs.

  Attributes:
    beta_1: decay of the first moment.
    beta_2: decay of the second moment.
    epsilon: added to the root of the second moment.
    rate_factors: of the learning rate, by part of the network.
  """

  beta_1: float = 0.9
  beta_2: float = 0.999
  epsilon: float = 1e-7
  rate_factors: dict[str, float] = dataclasses.field(
    default_factory=lambda: {"predictor": config.PREDICTOR_FACTOR}
  )

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not (0 <= self.beta_1 < 1 and 0 <= self.beta_2 < 1):
      raise ValueError(
        f"`optimizer.beta_1` ({self.beta_1}) and `optimizer.beta_2`"
        f" ({self.beta_2}) must be in [0, 1)."
      )
    if self.epsilon <= 0:
      raise ValueError(f"`optimizer.epsilon` ({self.epsilon}) must be above 0.")
    rules.require_positive_values("optimizer.rate_factors", self.rate_factors)

  def build(
    self, learning_rate: parts.Rate, variables: Sequence[tf.Variable]
  ) -> "Adam":
    """Returns the optimiser with its slots; see the base class."""
    optimizer = Adam(
      learning_rate,
      beta_1=self.beta_1,
      beta_2=self.beta_2,
      epsilon=self.epsilon,
      rate_factors=self.rate_factors,
    )
    return parts.with_slots(optimizer, variables)


class Adam(tf.keras.optimizers.legacy.Adam):
  """Adam of the same optimiser generation as LARS."""

  def __init__(
    self,
    learning_rate: parts.Rate = 0.001,
    *,
    rate_factors: Mapping[str, float] = types.MappingProxyType({}),
    name: str = "Adam",
    **base: Any,
  ):
    """Makes the optimiser; slots are made when variables are known.

    Args:
      learning_rate: a schedule of the step, or one value.
      rate_factors: of the learning rate, by part of the network.
      name: of the optimiser.
      **base: arguments of the base class.
    """
    super().__init__(learning_rate, name=name, **base)
    self.rate_factors = dict(rate_factors)

  def _resource_apply_dense(self, grad, var, apply_state=None):
    state = parts.with_factor(self, apply_state, var, self.rate_factors)
    return super()._resource_apply_dense(grad, var, state)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that `from_config` makes an equal optimiser of."""
    return {**super().get_config(), "rate_factors": self.rate_factors}

  from_config = classmethod(parts.remade)
