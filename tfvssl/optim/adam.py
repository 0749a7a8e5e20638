"""Adam, with a learning-rate multiplier for the predictor of small runs."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.optim import schedules
from tfvssl.optim import variable_roles


@dataclasses.dataclass
class AdamConfig(config.OptimizerConfig):
  """The optimiser of MMV (paper A.1, epsilon 1e-8) and of small BraVe runs.

  Attributes:
    beta_1: decay of the first moment.
    beta_2: decay of the second moment.
    epsilon: added to the root of the second moment.
    predictor_multiplier: of the learning rate of BraVe's predictor.
  """

  beta_1: float = 0.9
  beta_2: float = 0.999
  epsilon: float = 1e-7
  predictor_multiplier: float = 10.0

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not (0 <= self.beta_1 < 1 and 0 <= self.beta_2 < 1):
      raise ValueError(
        f"`optimizer.beta_1` ({self.beta_1}) and `optimizer.beta_2`"
        f" ({self.beta_2}) must be in [0, 1)."
      )
    if self.epsilon <= 0 or self.predictor_multiplier <= 0:
      raise ValueError(
        f"`optimizer.epsilon` ({self.epsilon}) and"
        f" `optimizer.predictor_multiplier` ({self.predictor_multiplier}) must"
        " be above 0."
      )

  def build(
    self,
    learning_rate: tf.keras.optimizers.schedules.LearningRateSchedule | float,
    variables: Sequence[tf.Variable],
  ) -> "Adam":
    """Returns the optimiser with its slots; call it in the strategy's scope.

    Args:
      learning_rate: a schedule of the step, or one value.
      variables: all that will be trained.
    """
    optimizer = Adam(
      learning_rate,
      beta_1=self.beta_1,
      beta_2=self.beta_2,
      epsilon=self.epsilon,
      predictor_multiplier=self.predictor_multiplier,
    )
    # A compiled step may not create variables.
    optimizer._create_all_weights(list(variables))
    return optimizer


class Adam(tf.keras.optimizers.legacy.Adam):
  """Adam of the same optimiser generation as LARS."""

  def __init__(
    self,
    learning_rate: (
      tf.keras.optimizers.schedules.LearningRateSchedule | float
    ) = 0.001,
    *,
    predictor_multiplier: float = 1.0,
    name: str = "Adam",
    **base: Any,
  ):
    """Makes the optimiser; slots are made when variables are known.

    Args:
      learning_rate: a schedule of the step, or one value.
      predictor_multiplier: of variables with "predictor" in their path.
      name: of the optimiser.
      **base: arguments of the base class.
    """
    super().__init__(learning_rate, name=name, **base)
    self.predictor_multiplier = predictor_multiplier

  def _resource_apply_dense(self, grad, var, apply_state=None):
    if variable_roles.is_predictor(var.name):
      apply_state = variable_roles.multiply_rate(
        self, apply_state, var, self.predictor_multiplier
      )
    return super()._resource_apply_dense(grad, var, apply_state)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that `from_config` makes an equal optimiser of."""
    return {
      **super().get_config(),
      "predictor_multiplier": self.predictor_multiplier,
    }

  @classmethod
  def from_config(
    cls,
    config: dict[str, Any],  # The base class calls it so.
    custom_objects: dict[str, Any] | None = None,
  ) -> "Adam":
    """Returns the optimiser that `get_config` describes."""
    return cls(**schedules.restored(config, custom_objects))
