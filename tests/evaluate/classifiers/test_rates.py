"""Learning rates of classifiers alone."""

import math

import numpy as np

from tfvssl.evaluate.classifiers import rates


def test_rate_falls_with_the_square_root_of_the_update():
  schedule = rates.InverseSquareRoot(0.6)
  found = [float(schedule(step)) for step in (0, 1, 3, 99)]
  expected = [0.6, 0.6 / math.sqrt(2), 0.3, 0.06]
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  again = rates.InverseSquareRoot.from_config(schedule.get_config())
  assert float(again(3)) == float(schedule(3))
