import numpy as np
import pytest

from tfvssl.optim import schedules


def test_warmup_then_half_a_cosine_then_zero():
  schedule = schedules.WarmupCosine(2.0, 4, 12)
  np.testing.assert_allclose(
    [schedule(step) for step in (0, 1, 4, 8, 12, 20)],
    [0.0, 0.5, 2.0, 1.0, 0.0, 0.0],
    atol=1e-7,
  )


def test_without_warmup_the_first_rate_is_the_peak():
  schedule = schedules.WarmupCosine(2.0, 0, 10)
  np.testing.assert_allclose([schedule(0), schedule(5)], [2.0, 1.0], rtol=1e-6)


@pytest.mark.parametrize("warmup_steps", [-1, 10])
def test_warmup_outside_the_run(warmup_steps):
  with pytest.raises(ValueError, match=r"`warmup_steps` .* must be at least 0"):
    schedules.WarmupCosine(1.0, warmup_steps, 10)
