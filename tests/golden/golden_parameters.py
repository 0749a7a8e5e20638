"""The deterministic parameters and the batch-norm state of the golden files.

Rules: README.md beside the vectors. Parameters go by their published names.
"""

import zlib

import numpy as np

_DECAY = 0.9
_FIRST_COUNTER = 5


def value(name: str, shape: tuple[int, ...], base_seed: int) -> np.ndarray:
  """Returns float32 [*shape], the value of the parameter called `name`."""
  seed = (zlib.crc32(name.encode()) + base_seed) % 2**32
  random = np.random.RandomState(seed)
  last = name.rsplit("/", 1)[-1]
  if last == "w":
    drawn = random.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))
  elif last in ("b", "offset") or name.endswith("mean_ema/average"):
    drawn = 0.1 * random.standard_normal(shape)
  else:
    drawn = random.uniform(0.5, 1.5, shape)
  return drawn.astype(np.float32)


def fill(variables: dict, base_seed: int) -> None:
  """Assigns every variable the value of its published name."""
  for name, variable in variables.items():
    variable.assign(value(name, tuple(variable.shape), int(base_seed)))


class HaikuAverages:
  """Haiku's zero-debiased averages, from what Keras adds to its own.

  Keras keeps average <- 0.9 average + 0.1 statistic. Haiku keeps hidden <- 0.9
  hidden + 0.1 statistic, counter <- counter + 1, and average = hidden /
  (1 - 0.9^counter). Call `count_pass` after each pass in training mode.
  """

  def __init__(self, variables: dict):
    self._variables = {
      name: variable
      for name, variable in variables.items()
      if name.endswith("/average")
    }
    self._keras = self._read()
    self.counter = _FIRST_COUNTER
    self.hidden = {
      name: average * np.float32(1 - _DECAY**_FIRST_COUNTER)
      for name, average in self._keras.items()
    }

  def _read(self):
    return {
      name: variable.numpy().astype(np.float64)
      for name, variable in self._variables.items()
    }

  def count_pass(self) -> None:
    """Applies Haiku's rule to the batch statistics of the last pass."""
    before, self._keras = self._keras, self._read()
    self.counter += 1
    for name, after in self._keras.items():
      weighted_statistic = after - _DECAY * before[name]
      self.hidden[name] = _DECAY * self.hidden[name] + weighted_statistic

  def check(self, arrays: dict, prefix: str) -> None:
    """Asserts that the state equals the keys `<prefix><name>` of a file.

    6e-5 of the largest value is what a second implementation differed by: the
    reference takes a variance as E[x^2] - E[x]^2 in float32.
    """
    keys = [key for key in arrays if key.startswith(prefix)]
    assert keys
    for key in keys:
      module, kind = key.removeprefix(prefix).rsplit("/", 1)
      if kind == "counter":
        assert arrays[key] == self.counter, key
        continue
      theirs = arrays[key].reshape(-1)
      ours = self.hidden[f"{module}/average"]
      if kind == "average":
        ours = ours / (1 - _DECAY**self.counter)
      np.testing.assert_allclose(
        ours,
        theirs,
        rtol=0,
        atol=6e-5 * np.abs(theirs).max(),
        err_msg=key,
      )


def check_gradients(arrays: dict, gradients: dict) -> None:
  """Asserts norms and directions of gradients by published name.

  At these batch sizes single relus flip between float32 and float64, which
  moves elements of early layers by 1-3 %; norms stay within 1e-2 and cosines
  above 0.999.
  """
  names = list(arrays["grad_norm_names"])
  assert sorted(names) == sorted(gradients)
  norms = np.array([np.linalg.norm(gradients[name]) for name in names])
  expected = arrays["grad_norms"]
  # A bias before batch norm has no gradient but rounding.
  np.testing.assert_allclose(
    norms, expected, rtol=1e-2, atol=1e-6 * expected.max()
  )
  full = [key for key in arrays if key.startswith("grad:")]
  assert full
  for key in full:
    ours = np.ravel(gradients[key.removeprefix("grad:")])
    theirs = np.ravel(arrays[key])
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert cosine >= 0.999, (key, cosine)
