"""LARS against the released optimiser and its two repaired forms."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.optim import lars
from tfvssl.optim import variable_roles

_VARIANTS = {
  "as_published": lars.Variant.RELEASED,
  "paper_mask_grad_factor": lars.Variant.GRADIENT_FACTOR,
  "paper_mask_update_factor": lars.Variant.PAPER,
}
_KERAS_NAMES = {"w": "kernel", "b": "bias", "scale": "gamma", "offset": "beta"}
# Of a variable's largest value, at least 1, as float32 rounds: where values
# reach 138 their spacing alone is 1.5e-5. Seen: 3e-7; the norms are sums.
_TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def arrays(golden):
  return golden("lars")


def _variables(arrays):
  """Returns initial variables by published name, with the names of Keras."""
  prefix = "init:"
  variables = {}
  for key, initial in arrays.items():
    if key.startswith(prefix):
      name = key.removeprefix(prefix)
      module, last = name.rsplit("/", 1)
      variables[name] = tf.Variable(
        initial, name=f"{module}/{_KERAS_NAMES[last]}"
      )
  return variables


def test_excluded_variables_are_those_of_the_file(arrays):
  excluded = [
    name
    for name, variable in _variables(arrays).items()
    if variable_roles.role(variable.name) == variable_roles.Role.EXCLUDED
  ]
  assert sorted(excluded) == sorted(arrays["excluded_names"])


@pytest.mark.parametrize("variant", _VARIANTS)
@pytest.mark.parametrize("compiled", [False, True])
def test_parameters_after_each_step(arrays, variant, compiled):
  variables = _variables(arrays)
  optimizer = lars.LarsConfig(variant=_VARIANTS[variant]).build(
    0.0, list(variables.values())
  )

  @tf.function(jit_compile=compiled, autograph=False)
  def step(gradients):
    optimizer.apply_gradients(
      (gradients[name], variable) for name, variable in variables.items()
    )

  for number, rate in enumerate(arrays["lr_values"]):
    optimizer.learning_rate = rate
    step({name: arrays[f"grads:{name}"][number] for name in variables})
    for name, variable in variables.items():
      expected = arrays[f"{variant}:{name}"][number]
      largest = max(1.0, np.abs(expected).max())
      np.testing.assert_allclose(
        variable,
        expected,
        rtol=0,
        atol=_TOLERANCE * largest,
        err_msg=f"{name} after step {number}",
      )
