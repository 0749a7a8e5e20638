import numpy as np
import pytest
import tensorflow as tf

from tfvssl.optim import adam
from tfvssl.optim import schedules


def _variable(name):
  return tf.Variable([3.0, 4.0], name=name)


@pytest.mark.parametrize("compiled", [False, True])
def test_predictor_moves_ten_times_as_far(compiled):
  variables = [_variable("projector/kernel"), _variable("predictor/kernel")]
  optimizer = adam.AdamConfig().build(0.01, variables)

  @tf.function(jit_compile=compiled, autograph=False)
  def step():
    gradient = tf.constant([0.5, -2.0])
    optimizer.apply_gradients((gradient, v) for v in variables)

  step()
  # Adam's first step is the rate, against the sign of the gradient.
  np.testing.assert_allclose(variables[0], [2.99, 4.01], rtol=1e-5)
  np.testing.assert_allclose(variables[1], [2.9, 4.1], rtol=1e-5)


def test_from_config_gives_an_equal_optimizer():
  config = adam.AdamConfig(
    beta_1=0.8, beta_2=0.9, epsilon=1e-3, rate_factors={"predictor": 7.0}
  )
  variable = _variable("predictor/kernel")
  copy = _variable("predictor/kernel")
  optimizer = config.build(schedules.WarmupCosine(1.0, 1, 9), [variable])
  restored = adam.Adam.from_config(optimizer.get_config())
  assert restored.get_config() == optimizer.get_config()
  for _ in range(3):
    optimizer.apply_gradients([(tf.constant([0.6, -0.8]), variable)])
    restored.apply_gradients([(tf.constant([0.6, -0.8]), copy)])
  np.testing.assert_array_equal(variable, copy)
  assert not np.array_equal(variable, [3.0, 4.0])
