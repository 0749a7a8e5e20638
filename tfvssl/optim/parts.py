"""What the optimisers have in common: slots, factors by part, their config.

All are of the generation of LARS, tf.keras.optimizers.legacy. A part of the
network is named by a word in the path of its variables, such as "predictor".
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import tensorflow as tf

from tfvssl.optim import schedules
from tfvssl.optim import variable_roles

Rate = tf.keras.optimizers.schedules.LearningRateSchedule | float
_Kind = TypeVar("_Kind", bound=tf.keras.optimizers.legacy.Optimizer)


def with_slots(optimizer: _Kind, variables: Sequence[tf.Variable]) -> _Kind:
  """Returns `optimizer` with its slots; call it in the strategy's scope.

  A compiled step may not create variables.

  Args:
    optimizer: a fresh one.
    variables: all that will be trained.
  """
  optimizer._create_all_weights(list(variables))
  return optimizer


def remade(
  kind: type[_Kind],
  config: dict[str, Any],  # The base class calls it so.
  custom_objects: dict[str, Any] | None = None,
) -> _Kind:
  """Returns the optimiser that `get_config` describes; for `from_config`."""
  rate = config["learning_rate"]
  if isinstance(rate, dict):
    own = {schedules.WarmupCosine.__name__: schedules.WarmupCosine}
    known = {**own, **(custom_objects or {})}
    rate = tf.keras.optimizers.schedules.deserialize(rate, known)
  return kind(**{**config, "learning_rate": rate})


def with_factor(
  optimizer: tf.keras.optimizers.legacy.Optimizer,
  apply_state: dict | None,
  variable: tf.Variable,
  factors: Mapping[str, float],
) -> dict | None:
  """Returns `apply_state` with the factor of its part on `variable`'s rate.

  Args:
    optimizer: the optimiser that prepared it.
    apply_state: coefficients by device and type, as a legacy optimiser hands
      them to its `_resource_apply_dense`.
    variable: the variable that will be updated with the result.
    factors: of the learning rate, by part; 1 where no part is named.
  """
  factor = variable_roles.of_part(variable.name, factors, 1.0)
  if factor == 1.0:
    return apply_state
  key = (variable.device, variable.dtype.base_dtype)
  # The fallback is that of the base classes, for a device not prepared.
  coefficients = (apply_state or {}).get(
    key
  ) or optimizer._fallback_apply_state(*key)
  return {key: {**coefficients, "lr_t": coefficients["lr_t"] * factor}}
