import numpy as np
import pytest
import tensorflow as tf

from tfvssl.config import stored_config
from tfvssl.config import tree as config_tree
from tfvssl.methods.parts import heads
from tfvssl.optim import lars
from tfvssl.optim import lars_optimizer
from tfvssl.optim import schedules


def _variable(name):
  return tf.Variable([3.0, 4.0], name=name)


def _after_one_step(config, name, gradient=(0.6, 0.8), rate=0.5):
  variable = _variable(name)
  optimizer = config.build(rate, [variable])
  optimizer.apply_gradients([(tf.constant(gradient), variable)])
  return variable.numpy()


def test_weights_move_by_trust_ratio_and_decay():
  # g + 0.01 p = (0.63, 0.84), of norm 1.05; trust 0.001 * 5 / 1.05;
  # Nesterov's first update is 1.9 times the plain one.
  step = 0.5 * 0.001 * 5 / 1.05 * np.array([0.63, 0.84]) * 1.9
  np.testing.assert_allclose(
    _after_one_step(lars.LarsConfig(), "conv/kernel"),
    np.array([3.0, 4.0]) - step,
    rtol=1e-6,
  )


@pytest.mark.parametrize("kind", ["bias", "gamma", "beta"])
def test_biases_and_norms_move_by_the_gradient(kind):
  step = 0.5 * np.array([0.6, 0.8]) * 1.9
  np.testing.assert_allclose(
    _after_one_step(lars.LarsConfig(), f"layer/{kind}"),
    np.array([3.0, 4.0]) - step,
    rtol=1e-6,
  )


def test_without_nesterov_and_decay():
  config = lars.LarsConfig(nesterov=False, weight_decay=0.0)
  step = 0.5 * 0.001 * 5 * np.array([0.6, 0.8])
  np.testing.assert_allclose(
    _after_one_step(config, "conv/kernel"),
    np.array([3.0, 4.0]) - step,
    rtol=1e-6,
  )


def test_zero_gradient_without_decay_changes_nothing():
  config = lars.LarsConfig(weight_decay=0.0)
  after = _after_one_step(config, "conv/kernel", gradient=(0.0, 0.0))
  np.testing.assert_array_equal(after, [3.0, 4.0])


@pytest.mark.parametrize("kind", ["kernel", "bias"])
def test_predictor_moves_ten_times_as_far(kind):
  def moved(module, variant):
    config = lars.LarsConfig(variant=variant, weight_decay=0.0)
    return _after_one_step(config, f"{module}/{kind}", rate=0.01) - [3.0, 4.0]

  np.testing.assert_allclose(
    moved("predictor", lars.Variant.PAPER),
    10 * moved("projector", lars.Variant.PAPER),
    rtol=1e-3,  # The difference of numbers near 4.
  )
  # Put on the gradient, the trust ratio of a weight cancels the factor.
  factor = 1 if kind == "kernel" else 10
  np.testing.assert_allclose(
    moved("predictor", lars.Variant.GRADIENT_FACTOR),
    factor * moved("projector", lars.Variant.GRADIENT_FACTOR),
    rtol=1e-3,
  )


def test_released_variant_adapts_what_the_paper_excludes():
  config = lars.LarsConfig(variant=lars.Variant.RELEASED)
  np.testing.assert_array_equal(
    _after_one_step(config, "layer/bias"),
    _after_one_step(lars.LarsConfig(), "layer/kernel"),
  )
  np.testing.assert_array_equal(
    _after_one_step(config, "layer/kernel"),
    _after_one_step(lars.LarsConfig(), "layer/bias"),
  )


def test_slots_exist_after_build():
  variables = [_variable("a/kernel"), _variable("b/bias")]
  optimizer = lars.LarsConfig().build(0.1, variables)
  # The step count and one momentum per variable.
  assert len(optimizer.variables()) == 3


def test_schedule_is_read_at_the_step():
  variable = _variable("layer/bias")
  schedule = schedules.WarmupCosine(1.0, 2, 10)
  optimizer = lars.LarsConfig(momentum=0.0).build(schedule, [variable])
  gradient = tf.constant([1.0, 1.0])
  optimizer.apply_gradients([(gradient, variable)])
  np.testing.assert_array_equal(variable, [3.0, 4.0])
  optimizer.apply_gradients([(gradient, variable)])
  np.testing.assert_allclose(variable, [2.5, 3.5])
  assert optimizer.iterations == 2
  assert optimizer.learning_rate is schedule


def test_from_config_gives_an_equal_optimizer():
  config = lars.LarsConfig(
    momentum=0.8,
    nesterov=False,
    weight_decay=0.02,
    trust=0.003,
    rate_factors={"predictor": 7.0},
    variant=lars.Variant.RELEASED,
  )
  variables = [_variable("predictor/kernel"), _variable("predictor/bias")]
  copies = [tf.Variable(v, name=v.name[:-2]) for v in variables]
  optimizer = config.build(schedules.WarmupCosine(1.0, 1, 9), variables)
  restored = lars_optimizer.Lars.from_config(optimizer.get_config())
  assert restored.get_config() == optimizer.get_config()
  gradients = [tf.constant([0.6, -0.8]), tf.constant([0.1, 0.2])]
  for _ in range(3):
    optimizer.apply_gradients(zip(gradients, variables))
    restored.apply_gradients(zip(gradients, copies))
  for variable, copy in zip(variables, copies):
    np.testing.assert_array_equal(variable, copy)


def test_variable_without_a_role():
  with pytest.raises(ValueError, match="variable 'position:0' is none of"):
    lars.LarsConfig().build(0.1, [_variable("position")])


def test_config_survives_its_file_form():
  config = lars.LarsConfig(momentum=0.8, variant=lars.Variant.RELEASED)
  tree = config_tree.to_tree(config)
  assert stored_config.from_tree(tree) == config


def test_weights_stay_float32_under_bfloat16():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    predictor = heads.Predictor(16, 8)
    inputs = tf.random.stateless_normal([4, 8], [0, 1])
    predictor(inputs)
    before = predictor.get_weights()
    optimizer = lars.LarsConfig().build(0.1, predictor.trainable_variables)
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(predictor(inputs, training=True) ** 2)
    variables = predictor.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  for variable, old in zip(variables, before):
    assert variable.dtype == tf.float32
    assert np.isfinite(variable).all()
    assert not np.array_equal(variable, old)
