import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import random_convolution
from tfvssl.runtime import randomness


def _keys(count, operation):
  samples = tf.range(count, dtype=tf.int64)
  return randomness.key(0, samples, samples, "broad", operation)


# Multiples of the tile and not, smaller than the kernel, kernels that reach
# farther than one tile of 8.
@pytest.mark.parametrize(
  "shape, size",
  [
    ((2, 3, 16, 24, 3), 11),
    ((3, 1, 13, 9, 3), 5),
    ((1, 2, 3, 5, 3), 11),
    ((2, 1, 30, 17, 3), 23),
    ((2, 2, 7, 8, 3), 1),
    ((2, 1, 9, 9, 2), 3),
  ],
)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_convolution_equals_conv2d(shape, size, jit_compile):
  draw = np.random.RandomState(0)
  video = draw.rand(*shape).astype(np.float32)
  channels = shape[-1]
  kernels = draw.randn(shape[0], size, size, channels, channels)
  kernels = (kernels / size).astype(np.float32)
  run = tf.function(
    random_convolution.convolve, jit_compile=jit_compile, autograph=False
  )
  output = run(video, kernels)
  for clip, kernel, got in zip(video, kernels, output, strict=True):
    np.testing.assert_allclose(
      got, tf.nn.conv2d(clip, kernel, 1, "SAME"), rtol=0, atol=5e-6
    )


def test_an_even_kernel_is_refused():
  with pytest.raises(ValueError, match=r"`kernels` \(4\) must be odd; try 5"):
    random_convolution.convolve(
      tf.zeros([1, 1, 8, 8, 3]), tf.zeros([1, 4, 4, 3, 3])
    )


def test_sizes_are_equally_frequent():
  sizes = random_convolution.random_sizes(_keys(6000, "size"), 11).numpy()
  counts = np.bincount(sizes)
  assert set(np.flatnonzero(counts)) == {1, 3, 5, 7, 9, 11}
  # Four standard deviations of a count with p = 1/6.
  np.testing.assert_allclose(counts[1::2], 1000, atol=4 * 29)


@pytest.mark.parametrize("size", [1, 3, 7, 11])
def test_kernels_have_the_spread_of_he_normal_inside_and_zeros_outside(size):
  count = min(20_000 // size**2 + 50, 2500)
  kernels = random_convolution.he_normal_kernels(
    _keys(count, "kernel"), tf.fill([count], size), 11
  ).numpy()
  edge = (11 - size) // 2
  inside = kernels[:, edge : edge + size, edge : edge + size].copy()
  kernels[:, edge : edge + size, edge : edge + size] = 0
  assert not kernels.any()
  expected = (2 / (3 * size**2)) ** 0.5
  np.testing.assert_allclose(inside.std(), expected, rtol=0.015)
  assert np.abs(inside).max() <= 2 / 0.87962566 * expected * (1 + 1e-6)


def test_output_is_not_cut():
  video = np.random.RandomState(0).rand(8, 1, 16, 16, 3).astype(np.float32)
  output = random_convolution.random_convolution(
    video, 5, size_keys=_keys(8, "size"), kernel_keys=_keys(8, "kernel")
  ).numpy()
  assert output.min() < -0.2 and output.max() > 1.2


def test_all_frames_of_a_clip_get_one_kernel():
  frame = np.random.RandomState(0).rand(3, 1, 16, 16, 3).astype(np.float32)
  video = np.repeat(frame, 4, axis=1)
  output = random_convolution.random_convolution(
    video, 11, size_keys=_keys(3, "size"), kernel_keys=_keys(3, "kernel")
  ).numpy()
  for number in range(1, 4):
    np.testing.assert_allclose(output[:, number], output[:, 0], atol=2e-6)
  assert np.abs(output[0] - output[1]).max() > 0.1
