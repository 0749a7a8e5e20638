"""The deterministic parameters of STiCA's golden files.

Rule: README.md beside the vectors. Parameters go by their published names.
"""

import zlib

import numpy as np


def value(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
  """Returns float32 [*shape], the value of the parameter called `name`."""
  digest = zlib.crc32(f"{seed}:{name}".encode("ascii")) & 0xFFFFFFFF
  drawn = np.random.RandomState(digest).standard_normal(size=shape)
  leaf = name.rpartition(".")[2]
  if leaf == "running_var":
    drawn = 1 + 0.2 * np.abs(drawn)
  elif leaf in ("running_mean", "bias"):
    drawn = 0.1 * drawn
  elif leaf == "weight" and len(shape) == 1:
    drawn = 1 + 0.1 * drawn
  else:
    drawn = drawn * np.sqrt(2 / np.prod(shape[1:]))
  return drawn.astype(np.float32)


def fill(weights: dict, arrays: dict[str, np.ndarray]) -> None:
  """Assigns every weight the array of its name; none is left over."""
  assert sorted(weights) == sorted(arrays)
  for name, weight in weights.items():
    assert weight.shape == arrays[name].shape, name
    weight.assign(arrays[name])
