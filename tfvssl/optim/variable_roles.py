"""What an optimiser must know of a variable: is it a weight, of a predictor?

A role is read from the path of the variable that its layer gives it, without
what TensorFlow appends on the second and later replicas.
"""

from collections.abc import Iterable
import enum
import re

import tensorflow as tf

_SUFFIX = re.compile(r"(/replica_\d+)?(:\d+)?$")


class Role(enum.Enum):
  """WEIGHT: of a convolution or linear layer. EXCLUDED: bias or batch norm."""

  WEIGHT = "weight"
  EXCLUDED = "excluded"


_ROLES = {
  "kernel": Role.WEIGHT,
  "bias": Role.EXCLUDED,
  "gamma": Role.EXCLUDED,
  "beta": Role.EXCLUDED,
}


def role(name: str) -> Role:
  """Returns the role of the variable called `name`.

  Raises:
    ValueError: it has none.
  """
  last = _path(name)[-1]
  if last not in _ROLES:
    raise ValueError(
      f"variable '{name}' is none of {', '.join(_ROLES)}; say in"
      " optim/variable_roles.py whether it is a weight or excluded from"
      " decay and adaptation."
    )
  return _ROLES[last]


def is_predictor(name: str) -> bool:
  """Returns whether the variable called `name` belongs to a predictor."""
  return any("predictor" in part for part in _path(name)[:-1])


def is_classifier(name: str) -> bool:
  """Returns whether the variable belongs to the layer that tells classes."""
  return "linear_head" in _path(name)[:-1]


def check(variables: Iterable[tf.Variable]) -> None:
  """Raises ValueError naming the first variable that has no role."""
  for variable in variables:
    role(variable.name)


def _path(name):
  return _SUFFIX.sub("", name).split("/")


def multiply_rate(
  optimizer: tf.keras.optimizers.legacy.Optimizer,
  apply_state: dict | None,
  variable: tf.Variable,
  factor: float,
) -> dict:
  """Returns `apply_state` with `factor` on the rate of `variable`.

  Args:
    optimizer: the optimiser that prepared it.
    apply_state: coefficients by device and type, as a legacy optimiser hands
      them to its `_resource_apply_dense`.
    variable: the variable that will be updated with the result.
    factor: of the learning rate.
  """
  key = (variable.device, variable.dtype.base_dtype)
  # The fallback is that of the base classes, for a device not prepared.
  coefficients = (apply_state or {}).get(
    key
  ) or optimizer._fallback_apply_state(*key)
  return {key: {**coefficients, "lr_t": coefficients["lr_t"] * factor}}
