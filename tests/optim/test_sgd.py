import numpy as np
import pytest
import tensorflow as tf

from tfvssl.config import stored_config
from tfvssl.config import tree
from tfvssl.optim import sgd

_GRADIENT = np.array([0.6, 0.8])
_START = np.array([3.0, 4.0])


def _after_steps(settings, name, steps, rate=0.5):
  variable = tf.Variable(_START.astype(np.float32), name=name)
  optimizer = settings.build(rate, [variable])
  for _ in range(steps):
    gradient = tf.constant(_GRADIENT, tf.float32)
    optimizer.apply_gradients([(gradient, variable)])
  return variable.numpy()


def test_first_step_is_the_rate_times_the_gradient():
  np.testing.assert_allclose(
    _after_steps(sgd.SgdConfig(), "conv/kernel", 1), [2.7, 3.6], rtol=1e-6
  )


def test_second_step_keeps_nine_tenths_of_the_first():
  # 0.5 g, then 0.9 * 0.5 g + 0.5 g: 1.45 g in all.
  np.testing.assert_allclose(
    _after_steps(sgd.SgdConfig(), "conv/kernel", 2),
    _START - 1.45 * _GRADIENT,
    rtol=1e-6,
  )
  np.testing.assert_allclose(
    _after_steps(sgd.SgdConfig(momentum=0.5), "conv/kernel", 2),
    _START - 1.25 * _GRADIENT,
    rtol=1e-6,
  )


@pytest.mark.parametrize("kind", ["kernel", "bias"])
def test_only_the_classifier_decays(kind):
  settings = sgd.SgdConfig(weight_decay=0.1)
  # g + 0.1 p = (0.9, 1.2)
  np.testing.assert_allclose(
    _after_steps(settings, f"linear_head/{kind}", 1), [2.55, 3.4], rtol=1e-6
  )
  np.testing.assert_allclose(
    _after_steps(settings, f"backbone/{kind}", 1), [2.7, 3.6], rtol=1e-6
  )


def test_decay_goes_through_the_momentum():
  settings = sgd.SgdConfig(weight_decay=0.1)
  position, speed = _START, np.zeros(2)
  for _ in range(3):
    speed = 0.9 * speed - 0.5 * (_GRADIENT + 0.1 * position)
    position = position + speed
  np.testing.assert_allclose(
    _after_steps(settings, "linear_head/kernel", 3), position, rtol=1e-6
  )


def test_schedule_is_asked_with_the_step():
  schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay(
    [0], [0.5, 0.0]
  )
  # The rate is 0.5 in step 0 and 0 from step 1 on: momentum alone.
  np.testing.assert_allclose(
    _after_steps(sgd.SgdConfig(), "conv/kernel", 2, rate=schedule),
    _START - (0.5 + 0.45) * _GRADIENT,
    rtol=1e-6,
  )


def test_slots_are_there_before_the_first_step():
  variable = tf.Variable([1.0], name="conv/kernel")
  optimizer = sgd.SgdConfig().build(0.1, [variable])
  shapes = [slot.shape.as_list() for slot in optimizer.variables()]
  assert sorted(shapes) == [[], [1]]  # the step and the momentum


def test_config_survives_its_file_form():
  settings = sgd.SgdConfig(momentum=0.8, weight_decay=5e-3)
  assert stored_config.from_tree(tree.to_tree(settings)) == settings


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"momentum": 1.0}, r"`optimizer.momentum` \(1.0\) must be in \[0, 1\)"),
    ({"momentum": -0.1}, r"`optimizer.momentum` \(-0.1\) must be in"),
    ({"weight_decay": -1e-3}, r"`optimizer.weight_decay` \(-0.001\) must be"),
  ],
)
def test_config_that_breaks_a_rule(change, message):
  sgd.SgdConfig().validate()
  with pytest.raises(ValueError, match=message):
    sgd.SgdConfig(**change).validate()
