"""What tells the features of one network from those of any other."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
  from tfvssl.methods import base


def digest(encoder: "base.Encoder") -> str:
  """Returns 64 hexadecimal digits: of the backbone's weights, in their order.

  Names have no part in it: Keras counts layers of a process.
  """
  total = hashlib.sha256()
  for variable in encoder.backbone.variables:
    value = np.ascontiguousarray(variable.numpy())
    total.update(f"{value.dtype} {value.shape}\n".encode())
    total.update(value.tobytes())
  return total.hexdigest()
