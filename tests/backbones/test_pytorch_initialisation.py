"""Deviations and bounds of what networks released in PyTorch start with."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import pytorch_initialisation


@pytest.mark.parametrize(
  ("name", "arguments", "deviation"),
  [
    ("fan_out_he_normal", (), np.sqrt(2 / 200)),
    ("normal", (0.02,), 0.02),
    ("pytorch_linear", (), np.sqrt(1 / 100 / 3)),
    ("pytorch_bias", (100,), np.sqrt(1 / 100 / 3)),
  ],
)
def test_deviation_and_seed(name, arguments, deviation):
  def drawn(seed):
    tf.keras.utils.set_random_seed(seed)
    make = getattr(pytorch_initialisation, name)
    return make(*arguments)([100, 200]).numpy()

  values = drawn(3)
  # Of 20,000 values.
  assert values.std() == pytest.approx(deviation, rel=0.02)
  assert abs(values.mean()) < 0.03 * deviation
  np.testing.assert_array_equal(values, drawn(3))
  assert np.any(values != drawn(4))
