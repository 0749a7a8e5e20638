"""A picture as a JPEG: its colours, any size, and what cannot be written."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.data.media import jpeg


def test_colours_come_back():
  picture = np.zeros([30, 50, 3], np.uint8)
  picture[:, :25, 0], picture[:, 25:, 2] = 255, 255
  decoded = tf.io.decode_jpeg(jpeg.encode(picture)).numpy()
  assert decoded.shape == picture.shape
  np.testing.assert_allclose(decoded[:, :20], picture[:, :20], atol=12)
  np.testing.assert_allclose(decoded[:, 30:], picture[:, 30:], atol=12)


def test_odd_sizes_can_be_written_and_smaller_quality_is_larger():
  picture = np.random.default_rng(0).integers(0, 256, [31, 47, 3], np.uint8)
  fine, coarse = jpeg.encode(picture, quality=2), jpeg.encode(picture)
  assert tf.io.decode_jpeg(coarse).shape == [31, 47, 3]
  assert len(fine) > len(coarse)


def test_picture_without_pixels_is_one_line():
  with pytest.raises(RuntimeError, match="a JPEG of 0x4 pixels .exit"):
    jpeg.encode(np.zeros([4, 0, 3], np.uint8))
