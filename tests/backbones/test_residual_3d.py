"""The post-activation block by hand; whole networks are those of its users."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import residual_3d


def _times(factor, stride=(1, 1, 1), name="layer"):
  """Returns a layer that multiplies by `factor` once it is called."""
  layer = residual_3d.ConvNorm(1, (1, 1, 1), stride, name)
  layer(tf.zeros([1, 1, 1, 1, 1]))
  layer.conv.kernel.assign(tf.fill([1, 1, 1, 1, 1], float(factor)))
  layer.norm.moving_variance.assign([1 - 1e-5])  # epsilon makes it 1
  return layer


def _video(*values):
  return tf.reshape(tf.constant(values, tf.float32), [1, len(values), 1, 1, 1])


def test_relu_stands_between_the_layers_and_after_the_sum():
  block = residual_3d.ResidualBlock([_times(-1), _times(-2)], None, "block")
  # x + -2 relu(-x): 3 + 0, and -1 + -2 * 1 before the last relu.
  np.testing.assert_allclose(np.ravel(block(_video(3, -1))), [3, 0], rtol=1e-6)
  # After the last layer of the branch there is none: 1 - 2 * 0.5.
  block = residual_3d.ResidualBlock([_times(0.5), _times(-1)], None, "block")
  np.testing.assert_allclose(np.ravel(block(_video(4.0))), [2], rtol=1e-6)


def test_shortcut_takes_the_stride_of_the_branch():
  stride = (2, 1, 1)
  block = residual_3d.ResidualBlock(
    [_times(1, stride)], _times(10, stride), "block"
  )
  found = block(_video(1, 2, 3, 4))
  assert found.shape == [1, 2, 1, 1, 1]
  np.testing.assert_allclose(np.ravel(found), [11, 33], rtol=1e-6)


def test_norm_follows_the_convolution_without_bias():
  layer = _times(1)
  assert not layer.conv.use_bias
  layer.norm.moving_mean.assign([2.0])
  layer.norm.gamma.assign([3.0])
  layer.norm.beta.assign([0.5])
  np.testing.assert_allclose(
    np.ravel(layer(_video(2, 3))), [0.5, 3.5], rtol=1e-6
  )


@pytest.mark.parametrize(
  # Windows of 3x3 two pixels apart, SAME, end at 5, 6, 8 and 9.
  ("max_pool", "expected"),
  [(True, [5, 6, 8, 9]), (False, range(1, 10))],
)
def test_pooling_of_the_stem_is_in_space_only(max_pool, expected):
  network = residual_3d.ResNet3D(
    [_times(1)],
    [[residual_3d.ResidualBlock([_times(0)], None, "block")]],
    max_pool=max_pool,
    output_dim=1,
    name="network",
  )
  picture = tf.reshape(tf.range(1.0, 10.0), [1, 1, 3, 3, 1])
  found = network.feature_map(picture)
  np.testing.assert_allclose(np.ravel(found), list(expected), rtol=1e-6)
  np.testing.assert_allclose(
    network(picture), [[np.mean(list(expected))]], rtol=1e-6
  )


@pytest.mark.parametrize(
  # Sums of three of 1, 2, 3, 4 and zeros, two apart.
  ("padding", "expected"),
  [
    (residual_3d.Padding.SAME, [6, 7]),
    (residual_3d.Padding.SYMMETRIC, [3, 9]),
  ],
)
def test_padding_of_an_even_length(padding, expected):
  form = residual_3d.Form(padding=padding)
  layer = residual_3d.ConvNorm(1, (3, 1, 1), (2, 1, 1), "layer", form)
  layer(_video(0))
  layer.conv.kernel.assign(tf.ones([3, 1, 1, 1, 1]))
  layer.norm.moving_variance.assign([1 - 1e-5])
  np.testing.assert_allclose(
    np.ravel(layer(_video(1, 2, 3, 4))), expected, rtol=1e-6
  )


def test_symmetric_pooling_looks_back():
  form = residual_3d.Form(residual_3d.Padding.SYMMETRIC)
  network = residual_3d.ResNet3D(
    [_times(1)], [], max_pool=True, output_dim=1, name="x", form=form
  )
  pictures = tf.reshape(tf.range(1.0, 17.0), [1, 1, 4, 4, 1])
  # Rows and columns -1 to 1, and 1 to 3.
  np.testing.assert_allclose(
    np.ravel(network.feature_map(pictures)), [6, 8, 14, 16], rtol=1e-6
  )


def test_input_is_normalised_inside():
  form = residual_3d.Form(input_mean=0.45, input_scale=0.225)
  network = residual_3d.ResNet3D(
    [_times(1)], [], max_pool=False, output_dim=1, name="x", form=form
  )
  np.testing.assert_allclose(
    np.ravel(network.feature_map(_video(0.45, 0.675))), [0, 1], atol=1e-6
  )


def test_scale_of_the_input_is_above_0():
  with pytest.raises(ValueError, match=r"`form.input_scale` \(0.0\) must be"):
    residual_3d.Form(input_scale=0.0).validate()


def test_kernels_by_fan_out_have_he_et_als_deviation():
  tf.keras.utils.set_random_seed(0)
  form = residual_3d.pytorch_form(is_normalised=True)
  layer = residual_3d.ConvNorm(64, (1, 3, 3), (1, 1, 1), "layer", form)
  layer(tf.zeros([1, 1, 3, 3, 32]))
  kernel = layer.conv.kernel.numpy()
  # 18432 values; not cut at two deviations.
  deviation = np.sqrt(2 / (9 * 64))
  assert np.std(kernel) == pytest.approx(deviation, rel=0.02)
  assert np.abs(kernel).max() > 3 * deviation
