"""Naive deflation of both video networks."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.backbones import reference_3d
from tfvssl.backbones import deflation
from tfvssl.backbones import r3d
from tfvssl.backbones import s3d
from tfvssl.backbones import tsm_resnet

_TSM = tsm_resnet.TSMResNetConfig(blocks=(1, 1), width=0.125)
_BLOCKS = s3d.S3DConfig(width=0.0625)
_RGB = s3d.S3DConfig(width=0.0625, stem=s3d.Stem.RGB)


def _images():
  return tf.random.stateless_uniform([2, 1, 20, 24, 3], [0, 1])


def _still(num_frames):
  return tf.repeat(_images(), num_frames, axis=1)


def _network(backbone):
  tf.keras.utils.set_random_seed(0)
  network = backbone.build("network")
  network(_still(4))
  reference_3d.randomise(network, seed=1)
  return network


_BACKBONES = {"blocks": _BLOCKS, "rgb": _RGB}


@functools.cache
def _pair(name):
  """Returns a network and its deflated form; no test changes their weights."""
  network = _network(_BACKBONES[name])
  return network, deflation.deflate(network, _BACKBONES[name], "deflated")


def test_tsm_is_the_same_network_without_shift():
  network = _network(_TSM)
  deflated = deflation.deflate(network, _TSM, "deflated")
  images = _images()
  shifted_out = network(images)  # one frame: zeros come from both sides
  for layer in network.submodules:
    if hasattr(layer, "shift_fraction"):
      layer.shift_fraction = 0.0
  np.testing.assert_array_equal(deflated(images), network(images))
  assert np.abs(deflated(images) - shifted_out).max() > 1e-3


def test_one_frame_meets_the_sum_of_all_taps():
  # All mass of a kernel in its centre, one frame, SAME: only that tap counts.
  network = _network(_RGB)
  deflated = deflation.deflate(network, _RGB, "deflated")
  for name, variable in network.haiku_variables("network").items():
    if "conv3_d" in name:
      taps = variable.shape[0]
      mass = tf.reduce_sum(variable, axis=0)
      centre = tf.one_hot(taps // 2, taps)
      variable.assign(tf.einsum("t,hwcd->thwcd", centre, mass))
  expected = network.endpoints(_images())
  for name, endpoint in deflated.endpoints(_images()).items():
    np.testing.assert_allclose(
      endpoint, expected[name], rtol=1e-5, atol=1e-6, err_msg=name
    )


def test_every_kernel_of_the_space_to_depth_network_is_summed():
  network, deflated = _pair("blocks")
  sources = network.haiku_variables("root")
  for name, variable in deflated.haiku_variables("root").items():
    expected = sources[name].numpy().astype(np.float64)
    if "Conv2d_1a_7x7/~/conv3_d" in name:
      # Taps, rows, columns, frame of the block, its pixels.
      expected = expected.reshape([2, 4, 4, 2, 12, 4]).sum(axis=(0, 3))
      expected = expected[np.newaxis]
    elif "conv3_d" in name:
      expected = expected.sum(axis=0, keepdims=True)
    assert variable.shape == expected.shape, name
    np.testing.assert_allclose(
      variable, expected, rtol=1e-5, atol=1e-6, err_msg=name
    )


@pytest.mark.parametrize(
  # A time in the middle, where the stem meets no padding.
  ("backbone", "time"),
  [("blocks", 0), ("blocks", 2), ("rgb", 3)],
)
def test_stem_sees_the_image_as_a_still_clip(backbone, time):
  network, deflated = _pair(backbone)
  name = "Conv2d_1a_7x7"
  expected = network.endpoints(_still(12))[name][:, time]
  np.testing.assert_allclose(
    deflated.endpoints(_images())[name][:, 0], expected, rtol=1e-5, atol=1e-6
  )


def test_network_without_temporal_kernels_is_equal_on_still_clips():
  # Nothing meets the padding, and the maximum over equal frames is theirs.
  backbone = s3d.S3DConfig(
    width=0.0625,
    stem=s3d.Stem.RGB,
    rgb_stem_frames=1,
    temporal_start=s3d.NEVER,
  )
  network = _network(backbone)
  deflated = deflation.deflate(network, backbone, "deflated")
  np.testing.assert_allclose(deflated(_images()), network(_still(8)), rtol=1e-5)


@pytest.mark.parametrize(
  "backbone",
  # Deflated, the two S3D are one network.
  [_TSM, _BLOCKS, pytest.param(_RGB, marks=pytest.mark.slow)],
)
def test_scales_and_offsets_can_be_trained_on_their_own(backbone):
  network = _network(backbone)
  for name, variable in network.haiku_variables("root").items():
    if name.endswith("/offset"):
      variable.assign(tf.fill(variable.shape, 2.0))  # no relu is dead
  target = network(_still(4)).numpy()
  deflated = deflation.deflate(network, backbone, "deflated")
  trained = {
    name: variable
    for name, variable in deflated.haiku_variables("root").items()
    if name.endswith(("/scale", "/offset"))
  }
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.abs(deflated(_images()) - target))
  for name, gradient in tape.gradient(loss, trained).items():
    assert np.abs(gradient).max() > 0, name
    trained[name].assign_sub(gradient)
  # The video network keeps its own.
  np.testing.assert_array_equal(network(_still(4)), target)


def test_config_says_that_the_network_is_deflated():
  assert deflation.deflated_config(_BLOCKS) == s3d.S3DConfig(
    width=0.0625, deflated=True
  )
  assert deflation.deflated_config(_TSM) == tsm_resnet.TSMResNetConfig(
    blocks=(1, 1), width=0.125, shift_fraction=0.0
  )


def test_network_without_a_deflated_form():
  with pytest.raises(
    TypeError, match=r"`backbone` \(R3DConfig\) has no deflated form; S3DConfig"
  ):
    deflation.deflated_config(r3d.R3DConfig())


@pytest.mark.parametrize("told", [_BLOCKS, _TSM])
def test_config_of_another_network(told):
  network, _ = _pair("rgb")
  with pytest.raises(
    ValueError,
    match=r"`network` \(network\) has no 'deflated/.* must be the config that",
  ):
    deflation.deflate(network, told, "deflated")


def test_network_without_weights():
  with pytest.raises(ValueError, match="has no weights yet; call the network"):
    deflation.deflate(_RGB.build("network"), _RGB, "deflated")
