"""What Adam, LARS and SGD share, asked of all three."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.config import stored_config
from tfvssl.config import tree
from tfvssl.optim import adam
from tfvssl.optim import lars
from tfvssl.optim import schedules
from tfvssl.optim import sgd

_WITH_FACTORS = (adam.AdamConfig, lars.LarsConfig)


def _variables():
  return [
    tf.Variable([3.0, 4.0], name=f"{part}/{kind}")
    for part in ("predictor", "backbone", "linear_head")
    for kind in ("kernel", "bias")
  ]


def _moved(optimizer, variables, steps=1):
  before = [variable.numpy() for variable in variables]
  for _ in range(steps):
    optimizer.apply_gradients((tf.constant([0.6, -0.8]), v) for v in variables)
  return [v - start for v, start in zip(variables, before, strict=True)]


@pytest.mark.parametrize("kind", [*_WITH_FACTORS, sgd.SgdConfig])
def test_slots_are_made_at_once(kind):
  variables = _variables()
  optimizer = kind().build(0.1, variables)
  count = len(optimizer.variables())
  _moved(optimizer, variables)
  assert len(optimizer.variables()) == count >= 1 + len(variables)


@pytest.mark.parametrize("kind", _WITH_FACTORS)
def test_every_part_has_its_factor(kind):
  variables = _variables()
  config = kind(rate_factors={"predictor": 10.0, "linear": 0.25})
  plain = kind(rate_factors={})
  moved = _moved(config.build(0.01, variables), variables)
  same = _variables()
  expected = _moved(plain.build(0.01, same), same)
  factors = (10.0, 10.0, 1.0, 1.0, 0.25, 0.25)
  for one, other, factor in zip(moved, expected, factors, strict=True):
    # Differences of numbers near 4.
    np.testing.assert_allclose(one, factor * other, rtol=5e-3, atol=2e-7)
    if factor == 1.0:
      np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", _WITH_FACTORS)
def test_default_is_the_predictors_ten(kind):
  assert kind().rate_factors == {"predictor": 10.0}
  kind().rate_factors["predictor"] = 3.0
  assert kind().rate_factors == {"predictor": 10.0}


@pytest.mark.parametrize("kind", _WITH_FACTORS)
def test_factor_of_zero_is_refused(kind):
  with pytest.raises(
    ValueError,
    match=r"`optimizer.rate_factors.predictor` \(0.0\) must be above 0.",
  ):
    kind(rate_factors={"backbone": 1.0, "predictor": 0.0}).validate()


@pytest.mark.parametrize("kind", _WITH_FACTORS)
def test_field_of_version_0_1_is_read(kind):
  stored = tree.to_tree(kind())
  del stored["rate_factors"]
  found = stored_config.from_tree({**stored, "predictor_multiplier": 7.0})
  assert found == kind(rate_factors={"predictor": 7.0})
  assert tree.differences(found, kind()) == [
    "rate_factors.predictor: 7.0 -> 10.0"
  ]
  assert stored_config.from_tree(tree.to_tree(found)) == found


def test_other_class_has_no_such_field():
  stored = {**tree.to_tree(sgd.SgdConfig()), "predictor_multiplier": 7.0}
  with pytest.raises(ValueError, match="no field `predictor_multiplier`"):
    stored_config.from_tree(stored)


@pytest.mark.parametrize("kind", [*_WITH_FACTORS, sgd.SgdConfig])
def test_copy_by_get_config_trains_alike(kind):
  variables, copies = _variables(), _variables()
  schedule = schedules.WarmupCosine(1.0, 1, 9)
  optimizer = kind().build(schedule, variables)
  copy = type(optimizer).from_config(optimizer.get_config())
  assert copy.get_config() == optimizer.get_config()
  moved = _moved(optimizer, variables, steps=3)
  for one, other in zip(moved, _moved(copy, copies, steps=3), strict=True):
    np.testing.assert_array_equal(one, other)


def test_sgd_decays_the_classifier_alone():
  variables, plain = _variables(), _variables()
  decayed = sgd.SgdConfig(momentum=0.0, weight_decay=0.5)
  moved = _moved(decayed.build(0.1, variables), variables)
  expected = _moved(sgd.SgdConfig(momentum=0.0).build(0.1, plain), plain)
  for one, other in zip(moved[:4], expected[:4], strict=True):
    np.testing.assert_array_equal(one, other)
  for one, other in zip(moved[4:], expected[4:], strict=True):
    # 0.1 * 0.5 * (3, 4); bias included.
    np.testing.assert_allclose(other - one, [0.15, 0.2], rtol=1e-5)
