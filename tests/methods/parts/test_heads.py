import numpy as np
import tensorflow as tf

from tfvssl.methods.parts import heads


def _features():
  return tf.random.stateless_normal([6, 10], [0, 1])


def test_embedding_is_normalised_over_the_batch():
  z = heads.Projector(16, 8)(_features(), training=True).numpy()
  np.testing.assert_allclose(z.mean(axis=0), np.zeros(8), atol=1e-6)
  np.testing.assert_allclose(z.std(axis=0), np.ones(8), atol=1e-3)


def test_predictor_is_two_linear_layers_with_norm_and_relu_between():
  predictor = heads.Predictor(16, 8)
  prediction = predictor(_features())
  weights = {
    name.removeprefix("h/"): variable.numpy()
    for name, variable in predictor.haiku_variables("h").items()
  }
  hidden = _features().numpy() @ weights["linear/w"] + weights["linear/b"]
  # Moving mean 0 and variance 1 at the start.
  hidden = np.maximum(hidden / np.sqrt(1 + 1e-5), 0)
  expected = hidden @ weights["linear_1/w"] + weights["linear_1/b"]
  np.testing.assert_allclose(prediction, expected, atol=1e-6)


def test_names_of_predictor_variables_hold_the_word_predictor():
  # The optimisers find them by it.
  predictor, projector = heads.Predictor(16, 8), heads.Projector(16, 8)
  predictor(projector(_features()))
  assert all("predictor/" in v.name for v in predictor.trainable_variables)
  assert not any("predictor" in v.name for v in projector.trainable_variables)


def test_published_sizes():
  projector, predictor = heads.Projector(), heads.Predictor()
  predictor(projector(tf.zeros([2, 2048])))
  sizes = [
    np.prod(v.shape)
    for head in (projector, predictor)
    for v in head.trainable_variables
  ]
  # Source: counted in the released heads.
  assert sum(sizes) == 9_986_560


def test_adapter_is_linear():
  adapter = heads.Adapter(4)
  zero, one = adapter(tf.zeros([1, 10])), adapter(tf.ones([1, 10]))
  np.testing.assert_allclose(
    adapter(3 * tf.ones([1, 10]), training=True),
    zero + 3 * (one - zero),
    atol=1e-6,
  )


def test_outputs_are_float32_under_bfloat16():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    z = heads.Projector(16, 8)(_features(), training=True)
    outputs = [z, heads.Predictor(16, 8)(z), heads.Adapter(4)(z)]
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert {output.dtype for output in outputs} == {tf.float32}
