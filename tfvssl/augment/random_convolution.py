"""Convolution of every clip with its own random kernel.

A convolution of three channels leaves a matrix unit idle, and XLA has no fast
one on the CPU. Cut into tiles, each with its surroundings, a clip needs one
matrix product; the matrix holds the kernel once for every output pixel of a
tile. benchmarks/augmentation.py shows it beside tf.nn.conv2d.
"""

import numpy as np
import tensorflow as tf

from tfvssl.runtime import randomness

# Pixels. A larger tile multiplies more zeros, a smaller one copies more of its
# surroundings; of 5, 6, 8, 14 and 16 the fastest on a CPU.
_TILE = 8
# Of a normal variable cut at +-2.
_TRUNCATED_STDDEV = 0.87962566103423978


def random_convolution(
  video: tf.Tensor,
  max_size: int,
  *,
  size_keys: tf.Tensor,
  kernel_keys: tf.Tensor,
) -> tf.Tensor:
  """Returns the clips, each convolved with a random kernel of random size.

  Args:
    video: float32 [B, T, H, W, 3].
    max_size: odd; the size is one of 1, 3, ..., max_size.
    size_keys: uint32 [B, 2].
    kernel_keys: uint32 [B, 2].

  Returns:
    float32 [B, T, H, W, 3], not cut to [0, 1].

  Source: paper Sec. 3.2; released code, augmentations: no bias, stride 1, no
    mixing with the original, one kernel for all frames.
  """
  sizes = random_sizes(size_keys, max_size)
  return convolve(video, he_normal_kernels(kernel_keys, sizes, max_size))


def random_sizes(keys: tf.Tensor, max_size: int) -> tf.Tensor:
  """Returns int32 [B], each of 1, 3, ..., max_size equally often."""
  return 2 * randomness.uniform_int(keys, (max_size + 1) // 2) + 1


def he_normal_kernels(
  keys: tf.Tensor, sizes: tf.Tensor, max_size: int
) -> tf.Tensor:
  """Returns random kernels, centred in zeros.

  Args:
    keys: uint32 [B, 2].
    sizes: int32 [B], odd, at most max_size.
    max_size: odd.

  Returns:
    float32 [B, max_size, max_size, 3, 3]; truncated normal with a standard
    deviation of sqrt(2 / (3 size^2)) in the middle size x size (He et al.).
  """
  normal = randomness.truncated_normal(keys, (max_size, max_size, 3, 3))
  distance = np.abs(np.arange(max_size) - max_size // 2)
  distance = np.maximum(distance[:, np.newaxis], distance)
  sizes = tf.reshape(sizes, [-1, 1, 1, 1, 1])
  inside = distance[:, :, np.newaxis, np.newaxis] <= sizes // 2
  scale = (2.0 / 3.0) ** 0.5 / _TRUNCATED_STDDEV / tf.cast(sizes, tf.float32)
  return tf.where(inside, normal * scale, 0.0)


def convolve(video: tf.Tensor, kernels: tf.Tensor) -> tf.Tensor:
  """Returns clip b convolved with kernel b: stride 1, zeros beyond the edges.

  Args:
    video: float32 [B, T, H, W, C].
    kernels: float32 [B, K, K, C, C], K odd; a kernel that is smaller stands in
      the middle of zeros.

  Returns:
    float32 [B, T, H, W, C].

  Raises:
    ValueError: K is even.
  """
  size = kernels.shape[1]
  if size % 2 == 0:
    raise ValueError(
      f"the size of `kernels` ({size}) must be odd; try {size + 1}."
    )
  _, frames, height, width, channels = video.shape
  radius = size // 2
  tile = max(_TILE, radius)
  images = tf.reshape(video, [-1, height, width, channels])
  tiles = _tiles(_tiles(images, 1, tile, radius), 3, tile, radius)
  _, rows, span, columns, _, _ = tiles.shape
  patches = tf.reshape(
    tf.transpose(tiles, [0, 1, 3, 2, 4, 5]),
    [-1, frames * rows * columns, span * span * channels],
  )
  output = tf.matmul(patches, _tile_matrices(kernels, tile))
  output = tf.reshape(output, [-1, frames, rows, columns, tile, tile, channels])
  output = tf.reshape(
    tf.transpose(output, [0, 1, 2, 4, 3, 5, 6]),
    [-1, frames, rows * tile, columns * tile, channels],
  )
  return output[:, :, :height, :width]


def _tiles(images, axis, tile, radius):
  """Cuts `axis` into [tiles, tile + 2 radius] that overlap by 2 radius.

  By slices of the neighbours instead of tf.image.extract_patches, which XLA
  makes a slow convolution of.
  """
  length = images.shape[axis]
  count = -(-length // tile)
  paddings = [[0, 0]] * images.shape.rank
  paddings[axis] = [tile, tile * (count + 1) - length]
  shape = images.shape.as_list()
  shape[0] = -1
  shape[axis : axis + 1] = [count + 2, tile]
  blocks = tf.reshape(tf.pad(images, paddings), shape)
  before = (slice(None),) * axis
  return tf.concat(
    [
      blocks[before + (slice(0, count), slice(tile - radius, tile))],
      blocks[before + (slice(1, count + 1),)],
      blocks[before + (slice(2, count + 2), slice(0, radius))],
    ],
    axis=axis + 1,
  )


def _tile_matrices(kernels, tile):
  """Returns [B, span * span * C, tile * tile * C] for [B, K, K, C, C]."""
  size, channels = kernels.shape[1], kernels.shape[3]
  span = tile + size - 1
  offset = np.arange(span)[:, np.newaxis] - np.arange(tile)
  # 1 where input i reaches output o through the kernel's element k.
  reach = tf.constant(offset[..., np.newaxis] == np.arange(size), kernels.dtype)
  matrices = tf.einsum("iok,bklcd->biolcd", reach, kernels)
  matrices = tf.einsum("jpl,biolcd->bijcopd", reach, matrices)
  return tf.reshape(
    matrices, [-1, span * span * channels, tile * tile * channels]
  )
