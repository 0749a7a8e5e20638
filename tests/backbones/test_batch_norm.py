"""Batch norm over the global batch, and over a replica's own."""

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tfvssl.backbones import batch_norm
from tfvssl.backbones import tsm_resnet


def test_training_normalises_by_the_batch():
  layer = batch_norm.batch_norm("norm")
  normalised = layer(tf.constant([[1.0], [3.0]]), training=True)
  # Mean 2, variance 1, epsilon 1e-5.
  expected = 1.0 / np.sqrt(1.0 + 1e-5)
  np.testing.assert_allclose(normalised, [[-expected], [expected]], rtol=1e-6)


def test_moving_statistics_decay_by_a_tenth_to_the_biased_variance():
  layer = batch_norm.batch_norm("norm")
  layer(tf.constant([[1.0], [3.0]]), training=True)
  np.testing.assert_allclose(layer.moving_mean, [0.1 * 2.0], rtol=1e-6)
  # Biased: 1; unbiased, as Keras' fused kernel keeps it: 2.
  np.testing.assert_allclose(layer.moving_variance, [0.9 + 0.1], rtol=1e-6)


def test_evaluation_uses_and_keeps_the_moving_statistics():
  layer = batch_norm.batch_norm("norm")
  layer.build([None, 1])
  layer.moving_mean.assign([1.0])
  layer.moving_variance.assign([4.0])
  normalised = layer(tf.constant([[5.0], [1.0]]))
  np.testing.assert_allclose(normalised, [[2.0], [0.0]], rtol=1e-5)
  np.testing.assert_array_equal(layer.moving_mean, [1.0])


def test_statistics_of_images_are_per_channel():
  layer = batch_norm.batch_norm("norm")
  images = np.random.default_rng(0).normal(size=[2, 3, 4, 5])
  layer(images, training=True)
  np.testing.assert_allclose(
    layer.moving_mean, 0.1 * images.mean(axis=(0, 1, 2)), atol=1e-7
  )
  np.testing.assert_allclose(
    layer.moving_variance,
    0.9 + 0.1 * images.var(axis=(0, 1, 2)),
    rtol=1e-6,
  )


@pytest.mark.parametrize("compiled", [False, True])
def test_nearly_constant_channels_stay_finite(compiled):
  # E[x^2] - E[x]^2 is -2e-4 here, below minus epsilon.
  layer = batch_norm.batch_norm("norm")
  images = 1.1 + tf.random.stateless_normal([64, 56, 56, 4], [0, 1]) * 1e-3

  @tf.function(jit_compile=compiled, autograph=False)
  def variance_and_gradient(inputs):
    with tf.GradientTape() as tape:
      tape.watch(inputs)
      normalised = layer(inputs, training=True)
      loss = tf.reduce_sum(normalised**2)
    return layer.moving_variance.read_value(), tape.gradient(loss, inputs)

  variance, gradient = variance_and_gradient(images)
  assert np.isfinite(gradient).all()
  np.testing.assert_allclose(variance, 0.9 + 0.1 * 1e-6, rtol=1e-6)


def test_gradient_passes_through_the_statistics():
  # A normalised batch does not change with the scale of its input.
  layer = batch_norm.batch_norm("norm")
  inputs = tf.constant([[1.0, 4.0], [3.0, 0.0], [5.0, 2.0]])
  weights = tf.constant([[1.0, 2.0], [3.0, 5.0], [7.0, 11.0]])
  with tf.GradientTape() as tape:
    tape.watch(inputs)
    loss = tf.reduce_sum(layer(inputs, training=True) * weights)
  gradient = tape.gradient(loss, inputs)
  np.testing.assert_allclose(tf.reduce_sum(gradient, 0), [0, 0], atol=1e-5)
  np.testing.assert_allclose(
    tf.reduce_sum(gradient * inputs, 0), [0, 0], atol=1e-4
  )


def test_float32_under_bfloat16():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    layer = batch_norm.batch_norm("norm")
    normalised = layer(tf.constant([[1.0], [3.0]], tf.bfloat16), training=True)
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert normalised.dtype == tf.float32
  assert {variable.dtype for variable in layer.weights} == {tf.float32}


def test_local_norm_has_the_statistics_of_each_replica(tmp_path):
  # Its own process: logical CPUs are made before TensorFlow starts.
  path = tmp_path / "norms.npz"
  done = forked_binaries.run("tests.backbones.norm_on_replicas", path)
  assert done.returncode == 0, done.stderr[-3000:]
  # Replica 0 has 1 and 3, replica 1 has 10 and 30.
  with np.load(path) as results:
    np.testing.assert_allclose(results["shared"], [1.1, 1.1], rtol=1e-5)
    np.testing.assert_allclose(results["local"], [0.2, 2.0], rtol=1e-5)
    np.testing.assert_allclose(results["averaged"], [1.1, 1.1], rtol=1e-5)


def test_norm_of_another_kind_cannot_be_local():
  model = tf.keras.Sequential([tf.keras.layers.BatchNormalization(name="bn")])
  with pytest.raises(TypeError, match="`bn` is no SynchronizedBatchNorm"):
    batch_norm.make_local(model)


def test_every_norm_of_a_network_becomes_local():
  network = tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125).build("f")
  batch_norm.make_local(network)
  norms = [
    module
    for module in network.submodules
    if isinstance(module, batch_norm.SynchronizedBatchNorm)
  ]
  assert [norm.local for norm in norms] == [True] * 4
  assert not batch_norm.batch_norm("another").local
