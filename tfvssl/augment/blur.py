"""Gaussian blur with one sigma per clip, as two banded matrix products."""

import numpy as np
import tensorflow as tf


def gaussian_blur(
  video: tf.Tensor, sigma: tf.Tensor, kernel_argument: int
) -> tf.Tensor:
  """Returns the clips, blurred; zeros beyond the edges, which darken.

  Args:
    video: float32 [B, T, H, W, C].
    sigma: float32 [B], in pixels, above 0.
    kernel_argument: the kernel reaches kernel_argument // 2 pixels to each
      side; the released code passes W // 10.

  Source: released code, augmentations (its kernel has an odd real size of
    2 * (kernel_argument // 2) + 1).
  """
  radius = kernel_argument // 2
  _, frames, height, width, channels = video.shape
  rows = tf.reshape(video, [-1, frames, height, width * channels])
  rows = tf.matmul(_band(sigma, height, radius)[:, tf.newaxis], rows)
  columns = tf.reshape(rows, [-1, frames * height, width, channels])
  columns = tf.matmul(_band(sigma, width, radius)[:, tf.newaxis], columns)
  return tf.reshape(columns, video.shape)


def _band(sigma, size, radius):
  """Returns float32 [B, size, size]; row i holds the kernel around i."""
  taps = np.arange(-radius, radius + 1)
  # The sum is over the whole kernel, also where it reaches over the edge.
  weights = tf.exp(
    tf.constant(-(taps**2), tf.float32)
    / (2.0 * tf.square(sigma[:, tf.newaxis]))
  )
  weights /= tf.reduce_sum(weights, axis=-1, keepdims=True)
  offset = np.arange(size)[:, np.newaxis] - np.arange(size)
  inside = np.abs(offset) <= radius
  band = tf.gather(weights, np.where(inside, offset + radius, 0), axis=1)
  return tf.where(inside, band, 0.0)
