import numpy as np
import pytest

from tfvssl.backbones import initialisation

# Of N(0, 1) cut at +-2.
_STDDEV = 0.8796


@pytest.mark.parametrize(
  ("shape", "fan_in"), [([3, 3, 64, 512], 576), ([1000, 300], 1000)]
)
def test_cut_at_two_sigma_and_not_rescaled(shape, fan_in):
  weights = initialisation.fan_in_truncated_normal()(shape).numpy()
  sigma = 1 / np.sqrt(fan_in)
  # 295k draws: the standard error of the deviation is 1.3e-3 of it.
  np.testing.assert_allclose(weights.std(), _STDDEV * sigma, rtol=6e-3)
  assert 1.99 * sigma < np.abs(weights).max() <= 2.0 * sigma * (1 + 1e-6)
