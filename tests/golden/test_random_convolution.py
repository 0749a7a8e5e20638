"""Convolution with given kernels against the released code's output."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import random_convolution


@pytest.fixture(scope="module")
def vectors(golden):
  return golden("random_convolution")


@pytest.mark.parametrize("jit_compile", [False, True])
def test_convolution_equals_released(vectors, jit_compile):
  sizes = sorted(
    int(name[4:]) for name in vectors if re.fullmatch(r"out_\d+", name)
  )
  assert sizes
  kernels = _in_zeros([vectors[f"kernel_{size}"] for size in sizes])
  video = np.stack([vectors["video"]] * len(sizes))

  convolve = tf.function(
    random_convolution.convolve, jit_compile=jit_compile, autograph=False
  )
  output = convolve(video, kernels).numpy()

  for got, kernel, size in zip(output, kernels, sizes, strict=True):
    # 1e-6 of the sum of the absolute products (at least 1), the measure that
    # the rounding of a sum of 3 k^2 products follows. Of the outputs alone no
    # other order of the sum can keep it: at k = 11 the vectors are 1.3e-6 away
    # from the same convolution in float64.
    magnitude = tf.nn.conv2d(
      np.abs(vectors["video"]), np.abs(kernel), 1, "SAME"
    )
    error = np.abs(got - vectors[f"out_{size}"]) / np.maximum(magnitude, 1.0)
    assert error.max() <= 1e-6, size


def test_he_normal_spread_equals_released(vectors):
  keys = tf.constant(np.arange(400).reshape(200, 2), tf.uint32)
  kernels = random_convolution.he_normal_kernels(keys, tf.fill([200], 11), 11)
  expected = vectors["he_normal_k11_expected_std"]
  # 72600 values: the spread of such a sample is known to 0.3 %.
  np.testing.assert_allclose(np.std(kernels), expected, rtol=0.01)
  largest = 2 * expected / 0.87962566103423978
  assert np.abs(kernels).max() <= largest * (1 + 1e-6)
  assert vectors["he_normal_k11_max_abs"] <= largest * (1 + 1e-6)


def _in_zeros(kernels):
  size = max(len(kernel) for kernel in kernels)
  canvas = np.zeros([len(kernels), size, size, 3, 3], np.float32)
  for kernel, target in zip(kernels, canvas, strict=True):
    edge = (size - len(kernel)) // 2
    end = edge + len(kernel)
    target[edge:end, edge:end] = kernel
  return canvas
