"""Projector and predictor against the released heads."""

import numpy as np
import pytest

from tests.golden import golden_parameters
from tfvssl.methods.parts import heads

_ROOT = "shared_project"


@pytest.fixture(scope="module")
def arrays(golden):
  return golden("project_predict")


@pytest.fixture
def networks(arrays):
  """Projector, predictor and their variables, as the file has them."""
  state = f"new_state:{_ROOT}/predictor/batch_norm/~/var_ema/average"
  hidden, output = arrays[state].shape[-1], arrays["z_eval"].shape[-1]
  projector = heads.Projector(hidden, output)
  predictor = heads.Predictor(hidden, output)
  predictor(projector(arrays["input"]))
  variables = {
    **projector.haiku_variables(f"{_ROOT}/projector"),
    **predictor.haiku_variables(f"{_ROOT}/predictor"),
  }
  golden_parameters.fill(variables, arrays["base_seed"])
  return projector, predictor, variables


def _check(ours, theirs, tolerance):
  np.testing.assert_allclose(
    ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max()
  )


def test_evaluation(arrays, networks):
  projector, predictor, _ = networks
  z = projector(arrays["input"])
  # Sums of up to 4096 products in another order: 2e-6 of the largest value.
  _check(z, arrays["z_eval"], 2e-6)
  _check(predictor(z), arrays["h_eval"], 2e-6)


def test_training_passes_and_moving_statistics(arrays, networks):
  projector, predictor, variables = networks
  averages = golden_parameters.HaikuAverages(variables)
  for input_key, suffix, prefix in (
    ("input", "", "new_state:"),
    ("input2", "_second", "second_new_state:"),
  ):
    z = projector(arrays[input_key], training=True)
    h = predictor(z, training=True)
    averages.count_pass()
    # Batch norm over 8 examples subtracts squares of means: 1e-4.
    _check(z, arrays[f"z_train{suffix}"], 1e-4)
    _check(h, arrays[f"h_train{suffix}"], 1e-4)
    averages.check(arrays, prefix)
