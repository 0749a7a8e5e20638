"""LARS with factors by part of the network; the rate is inside the momentum."""

from collections.abc import Mapping
import types
from typing import Any

from official.modeling.optimization import lars as official_lars

from tfvssl.optim import parts
from tfvssl.optim import variable_roles


class Lars(official_lars.LARS):
  """Layer-wise adaptive rate scaling; see lars.LarsConfig for its settings."""

  def __init__(
    self,
    learning_rate: parts.Rate = 0.01,
    *,
    rate_factors: Mapping[str, float] = types.MappingProxyType({}),
    factor_on_gradient: bool = False,
    adapts_biases: bool = False,
    name: str = "LARS",
    **base: Any,
  ):
    """Makes the optimiser; slots are made when variables are known.

    Args:
      learning_rate: a schedule of the step, or one value.
      rate_factors: of the learning rate, by part of the network.
      factor_on_gradient: whether the trust ratio sees the factor of a part;
        else the factor is on the update.
      adapts_biases: whether decay and trust ratio are of biases and batch norms
        instead of weights.
      name: of the optimiser.
      **base: arguments of the base class.
    """
    super().__init__(learning_rate, classic_momentum=True, name=name, **base)
    self.rate_factors = dict(rate_factors)
    self.factor_on_gradient = factor_on_gradient
    self.adapts_biases = adapts_biases

  def _create_slots(self, var_list):
    variable_roles.check(var_list)
    super()._create_slots(var_list)

  def _resource_apply_dense(self, grad, param, apply_state=None):
    factors = self.rate_factors
    if self.factor_on_gradient:
      grad = grad * variable_roles.of_part(param.name, factors, 1.0)
    else:
      apply_state = parts.with_factor(self, apply_state, param, factors)
    return super()._resource_apply_dense(grad, param, apply_state)

  def _use_weight_decay(self, param_name):
    return bool(self.weight_decay_rate) and self._is_adapted(param_name)

  def _do_layer_adaptation(self, param_name):
    return self._is_adapted(param_name)

  def _is_adapted(self, name):
    is_weight = variable_roles.role(name) == variable_roles.Role.WEIGHT
    return is_weight != self.adapts_biases

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments that `from_config` makes an equal optimiser of."""
    arguments = super().get_config()
    del arguments["classic_momentum"]
    return {
      **arguments,
      "rate_factors": self.rate_factors,
      "factor_on_gradient": self.factor_on_gradient,
      "adapts_biases": self.adapts_biases,
    }

  from_config = classmethod(parts.remade)
