"""What an optimiser must know of a variable: is it a weight, of which part?

A role is read from the path of the variable that its layer gives it, without
what TensorFlow appends on the second and later replicas.
"""

from collections.abc import Iterable, Mapping
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
  "positions": Role.EXCLUDED,  # learned vectors that are added, as a bias is
  "class": Role.EXCLUDED,
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


def of_part(name: str, values: Mapping[str, float], default: float) -> float:
  """Returns the value of the part that the variable called `name` belongs to.

  Args:
    name: of the variable.
    values: by part: a word that a layer on the variable's path has in its name,
      as "predictor" is in "broad_flow_predictor"; the first that fits counts.
    default: where none fits.
  """
  layers = _path(name)[:-1]
  for part, value in values.items():
    if any(part in layer for layer in layers):
      return value
  return default


def check(variables: Iterable[tf.Variable]) -> None:
  """Raises ValueError naming the first variable that has no role."""
  for variable in variables:
    role(variable.name)


def _path(name):
  return _SUFFIX.sub("", name).split("/")
