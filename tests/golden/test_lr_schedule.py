"""The learning-rate schedule against the released one."""

import re

import numpy as np

from tfvssl.optim import schedules


def test_warmup_and_cosine(golden):
  arrays = golden("lr_schedule")
  keys = [key for key in arrays if key.startswith("lr:")]
  assert keys
  for key in keys:
    peak, warmup, total = re.fullmatch(
      r"lr:peak([\d.]+)_warm(\d+)_total(\d+)", key
    ).groups()
    schedule = schedules.WarmupCosine(float(peak), int(warmup), int(total))
    # Both in float32, whose spacing at the peak is 1.2e-7 of it.
    np.testing.assert_allclose(
      [schedule(step) for step in arrays["steps"]],
      arrays[key],
      rtol=0,
      atol=1.2e-7 * float(peak),
      err_msg=key,
    )
