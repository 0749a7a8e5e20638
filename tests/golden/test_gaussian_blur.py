"""Blur with given sigma against the released code's output."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import blur


@pytest.mark.parametrize("jit_compile", [False, True])
def test_blur_equals_released(golden, jit_compile):
  vectors = golden("gaussian_blur")
  video = vectors["video_u8"][np.newaxis].astype(np.float32) / 255
  np.testing.assert_allclose(video[0], vectors["normalized"], atol=1e-7)
  gaussian_blur = tf.function(
    blur.gaussian_blur, jit_compile=jit_compile, autograph=False
  )
  cases = 0
  for name, expected in vectors.items():
    match = re.fullmatch(r"blur_ks(\d+)_sigma([\d.]+)", name)
    if match:
      cases += 1
      sigma = tf.constant([float(match[2])])
      output = gaussian_blur(video, sigma, int(match[1]))
      np.testing.assert_allclose(
        output[0], expected, rtol=0, atol=1e-6, err_msg=name
      )
  assert cases
