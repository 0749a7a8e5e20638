"""LARS as the paper describes it, and as the released code has it."""

from collections.abc import Mapping, Sequence
import dataclasses
import enum
import types
from typing import Any

from official.modeling.optimization import lars
import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.optim import parts
from tfvssl.optim import variable_roles


class Variant(enum.Enum):
  """Which variables are adapted, and where the factor of a part stands.

  PAPER: decay and trust ratio on weights only; the factor is on the update.
  GRADIENT_FACTOR: as PAPER, but the factor is on the gradient, where the
    trust ratio cancels it.
  RELEASED: decay and trust ratio on biases and batch norm only, the factor on
    the gradient. Source: released optimizers.py.
  """

  PAPER = "paper"
  GRADIENT_FACTOR = "gradient_factor"
  RELEASED = "released"


@dataclasses.dataclass
class LarsConfig(config.OptimizerConfig):
  """The paper's recipe. Source: paper Sec. 4.1; released trainer.py.

  Attributes:
    momentum: the learning rate is inside it.
    nesterov: as released; the paper does not say.
    weight_decay: added to the gradient before the trust ratio.
    trust: the trust ratio is trust * ||p|| / ||g||.
    rate_factors: of the learning rate, by part of the network.
    variant: see `Variant`.
  """

  momentum: float = 0.9
  nesterov: bool = True
  weight_decay: float = 0.01
  trust: float = 0.001
  rate_factors: dict[str, float] = dataclasses.field(
    default_factory=lambda: {"predictor": parts.PREDICTOR_FACTOR}
  )
  variant: Variant = Variant.PAPER

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not 0 <= self.momentum < 1 or self.weight_decay < 0:
      raise ValueError(
        f"`optimizer.momentum` ({self.momentum}) must be in [0, 1) and"
        f" `optimizer.weight_decay` ({self.weight_decay}) at least 0."
      )
    if self.trust <= 0:
      raise ValueError(f"`optimizer.trust` ({self.trust}) must be above 0.")
    parts.check_factors(self.rate_factors)

  def build(
    self, learning_rate: parts.Rate, variables: Sequence[tf.Variable]
  ) -> "LARS":
    """Returns the optimiser with its slots; see the base class.

    Raises:
      ValueError: a variable is neither a weight nor a bias or scale.
    """
    optimizer = LARS(
      learning_rate,
      momentum=self.momentum,
      nesterov=self.nesterov,
      weight_decay_rate=self.weight_decay,
      eeta=self.trust,
      rate_factors=self.rate_factors,
      variant=self.variant,
    )
    return parts.with_slots(optimizer, variables)


class LARS(lars.LARS):
  """Layer-wise adaptive rate scaling; the rate is inside the momentum."""

  def __init__(
    self,
    learning_rate: parts.Rate = 0.01,
    *,
    rate_factors: Mapping[str, float] = types.MappingProxyType({}),
    variant: Variant | str = Variant.PAPER,
    name: str = "LARS",
    **base: Any,
  ):
    """Makes the optimiser; slots are made when variables are known.

    Args:
      learning_rate: a schedule of the step, or one value.
      rate_factors: of the learning rate, by part of the network.
      variant: see `Variant`.
      name: of the optimiser.
      **base: arguments of the base class.
    """
    super().__init__(learning_rate, classic_momentum=True, name=name, **base)
    self.rate_factors = dict(rate_factors)
    self.variant = Variant(variant)

  def _create_slots(self, var_list):
    variable_roles.check(var_list)
    super()._create_slots(var_list)

  def _resource_apply_dense(self, grad, param, apply_state=None):
    factors = self.rate_factors
    if self.variant == Variant.PAPER:
      apply_state = parts.with_factor(self, apply_state, param, factors)
    else:
      grad = grad * variable_roles.of_part(param.name, factors, 1.0)
    return super()._resource_apply_dense(grad, param, apply_state)

  def _use_weight_decay(self, param_name):
    return bool(self.weight_decay_rate) and self._is_adapted(param_name)

  def _do_layer_adaptation(self, param_name):
    return self._is_adapted(param_name)

  def _is_adapted(self, name):
    is_weight = variable_roles.role(name) == variable_roles.Role.WEIGHT
    return is_weight != (self.variant == Variant.RELEASED)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that `from_config` makes an equal optimiser of."""
    arguments = super().get_config()
    del arguments["classic_momentum"]
    return {
      **arguments,
      "rate_factors": self.rate_factors,
      "variant": self.variant.value,
    }

  from_config = classmethod(parts.remade)
