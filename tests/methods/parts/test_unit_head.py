"""STiCA's head; its values are in golden/stica."""

import numpy as np
import tensorflow as tf

from tfvssl.methods.parts import unit_head


def test_embedding_has_unit_length_in_float32():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    head = unit_head.UnitHead(8, 4)
    z = head(tf.random.stateless_normal([5, 6], [1, 2]), training=True)
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert z.dtype == tf.float32 and z.shape == [5, 4]
  np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)


def test_layers_start_as_pytorchs_do():
  tf.keras.utils.set_random_seed(0)
  head = unit_head.UnitHead()
  head(tf.zeros([1, 512]))
  count = sum(v.shape.num_elements() for v in head.trainable_variables)
  assert count == 394_496  # released model.py
  bound = 512**-0.5
  output = head.output_layer
  for variable in (head.hidden.kernel, output.kernel, output.bias):
    values = variable.numpy()
    assert np.abs(values).max() <= bound
    # Uniform: a standard deviation of bound / sqrt(3).
    np.testing.assert_allclose(values.std(), bound / 3**0.5, rtol=0.1)
  assert head.hidden.bias is None
