"""Pooling over time; what released layers compute is in golden/stica."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import temporal_transformer
from tfvssl.optim import variable_roles

_Token = temporal_transformer.Token


def _pooling(num_layers=1, seed=0, **changes):
  tf.keras.utils.set_random_seed(seed)
  pooling = temporal_transformer.TemporalTransformer(
    num_layers, "pooling", width=4, num_heads=2, feed_forward=6, **changes
  )
  pooling(_tokens(3))
  for variable in pooling.variables:  # 0.02 tells too little
    variable.assign(tf.random.stateless_normal(variable.shape, [1, 2]))
  return pooling


def _tokens(length, seed=5):
  return tf.random.stateless_normal([2, length, 4], [seed, length])


def test_number_of_parameters_of_two_layers():
  pooling = temporal_transformer.TemporalTransformer(2, "pooling")
  pooling(tf.zeros([1, 4, 512]))
  count = sum(variable.shape.num_elements() for variable in pooling.variables)
  assert count == 5_254_144  # released transformer.py


def test_any_length_is_taken_and_sequences_do_not_mix():
  pooling = _pooling()
  for length in (1, 2, 5):
    both = pooling(_tokens(length))
    assert both.shape == [2, 4]
    alone = pooling(_tokens(length)[1:])
    np.testing.assert_allclose(both[1:], alone, rtol=1e-4, atol=1e-6)


def test_order_of_later_steps_is_seen_with_positions_alone():
  tokens = _tokens(3)
  exchanged = tf.gather(tokens, [0, 2, 1], axis=1)
  plain, placed = _pooling(), _pooling(most_positions=3)
  np.testing.assert_allclose(plain(tokens), plain(exchanged), atol=1e-5)
  assert np.abs(placed(tokens) - placed(exchanged)).max() > 1e-3


def test_tokens():
  tokens = _tokens(3)
  first, mean, learned = (_pooling(token=token) for token in _Token)
  sequence = first.sequence(tokens)
  np.testing.assert_array_equal(first(tokens), sequence[:, 0])
  np.testing.assert_allclose(
    mean(tokens), np.mean(sequence, axis=1), rtol=1e-5, atol=1e-6
  )
  assert learned.sequence(tokens).shape == [2, 4, 4]
  np.testing.assert_array_equal(learned(tokens), learned.sequence(tokens)[:, 0])


def test_attention_is_that_of_the_definition():
  pooling, tokens = _pooling(projects_values=True), _tokens(3)
  layer = pooling.layers[0]

  def linear(dense, x):
    return x @ dense.kernel.numpy() + dense.bias.numpy()

  x = tokens.numpy().astype(np.float64)
  query, key, value = (
    linear(dense, x) for dense in (layer.query, layer.key, layer.value)
  )
  mixed = np.zeros_like(x)
  for head in (slice(0, 2), slice(2, 4)):
    scores = query[..., head] @ key[..., head].swapaxes(1, 2) / np.sqrt(2)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    mixed[..., head] = weights @ value[..., head]
  np.testing.assert_allclose(
    layer._attention(tokens), linear(layer.output_layer, mixed), rtol=1e-4
  )


def test_same_seed_gives_the_same_weights():
  made = []
  for seed in (3, 3, 4):
    tf.keras.utils.set_random_seed(seed)
    made.append(
      temporal_transformer.TemporalTransformer(
        1, "pooling", width=4, num_heads=2, most_positions=3
      )
    )
  first, again, other = made
  for pooling in (other, again, first):  # whatever is called first
    pooling(_tokens(2))
  for one, two in zip(first.get_weights(), again.get_weights()):
    np.testing.assert_array_equal(one, two)


def test_bfloat16():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    pooling = temporal_transformer.TemporalTransformer(
      1, "pooling", width=4, num_heads=2, feed_forward=6
    )
    found = pooling(tf.cast(_tokens(3), tf.bfloat16))
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  # As the mean that it stands for.
  assert found.dtype == tf.float32 and np.all(np.isfinite(found))
  assert pooling.sequence(_tokens(3)).dtype == tf.bfloat16
  assert pooling.layers[0].norm.compute_dtype == "float32"


def test_unknown_sizes_give_the_values_of_known_ones():
  pooling = _pooling(projects_values=True)
  any_size = tf.function(
    pooling,
    input_signature=[tf.TensorSpec([None, None, 4], tf.float32)],
    autograph=False,
  )
  for length in (1, 3):
    np.testing.assert_allclose(
      any_size(_tokens(length)), pooling(_tokens(length)), rtol=1e-5, atol=1e-6
    )


def test_compiled_gradients_equal_the_plain_ones():
  pooling, tokens = _pooling(2), _tokens(3)

  def gradients():
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(pooling(tokens) ** 3)
    return tape.gradient(loss, pooling.trainable_variables)

  compiled = tf.function(gradients, jit_compile=True, autograph=False)
  for found, expected in zip(compiled(), gradients()):
    atol = 1e-4 * np.abs(expected).max() + 1e-6
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def test_optimisers_know_every_variable():
  pooling = _pooling(most_positions=4, token=_Token.CLASS, projects_values=True)
  variable_roles.check(pooling.trainable_variables)
  tf.keras.utils.set_random_seed(0)
  fresh = temporal_transformer.TemporalTransformer(
    1, "fresh", width=4, num_heads=2, most_positions=3, token=_Token.CLASS
  )
  fresh(_tokens(2))
  assert np.any(fresh.class_token != fresh.positions[0])


def test_rules_are_checked():
  with pytest.raises(
    ValueError, match=r"`num_layers` \(0\) must be at least 1"
  ):
    temporal_transformer.TemporalTransformer(0, "pooling")
  with pytest.raises(
    ValueError, match="a `width` of 512 cannot be shared by 3"
  ):
    temporal_transformer.TemporalTransformer(1, "pooling", num_heads=3)
  pooling = _pooling(most_positions=3)
  with pytest.raises(ValueError, match="a sequence of 4 steps must have a"):
    pooling(_tokens(4))
