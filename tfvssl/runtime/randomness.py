"""Every random draw: key(seed, epoch, sample_index, view, operation).

Threefry-2x32 with 20 rounds (Salmon et al., SC 2011) in uint32 operations.
TensorFlow's stateless float draws differ with and without XLA; these do not,
neither do they depend on batch, replica or step, and a restart repeats them.
"""

from collections.abc import Sequence
import zlib

import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry(key: tf.Tensor, counter: tf.Tensor) -> tf.Tensor:
  """Returns Threefry-2x32-20, uint32 [..., 2], of two such tensors."""
  # 150 operations, in a graph traced once a shape.
  return (_traced if tf.inside_function() else _threefry)(key, counter)


def _threefry(key, counter):
  parity = tf.constant(0x1BD11BDA, tf.uint32)
  key_0, key_1 = key[..., 0], key[..., 1]
  schedule = (
    key_0,
    key_1,
    tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(key_0, key_1), parity),
  )
  x_0 = counter[..., 0] + key_0
  x_1 = counter[..., 1] + key_1
  for group in range(5):
    for rotation in _ROTATIONS[group % 2]:
      x_0 = x_0 + x_1
      x_1 = tf.bitwise.bitwise_xor(_rotate_left(x_1, rotation), x_0)
    x_0 = x_0 + schedule[(group + 1) % 3]
    x_1 = x_1 + schedule[(group + 2) % 3] + tf.constant(group + 1, tf.uint32)
  return tf.stack([x_0, x_1], axis=-1)


_traced = tf.function(_threefry, autograph=False)


def _rotate_left(x, bits):
  left = tf.bitwise.left_shift(x, tf.constant(bits, tf.uint32))
  right = tf.bitwise.right_shift(x, tf.constant(32 - bits, tf.uint32))
  return tf.bitwise.bitwise_or(left, right)


def key(
  seed: int | tf.Tensor,
  epoch: int | tf.Tensor,
  sample_index: int | tf.Tensor,
  view: str,
  operation: str,
) -> tf.Tensor:
  """Returns the key of one operation on one view of one sample.

  Args:
    seed: the run's seed.
    epoch: int, any shape [...].
    sample_index: int, of the same shape.
    view: name of the view.
    operation: name of the operation.

  Returns:
    uint32 [..., 2].
  """
  return keys(seed, epoch, sample_index, view, (operation,))[..., 0, :]


def keys(
  seed: int | tf.Tensor,
  epoch: int | tf.Tensor,
  sample_index: int | tf.Tensor,
  view: str,
  operations: Sequence[str],
) -> tf.Tensor:
  """Returns the `key` of every operation, in a graph of the size of one.

  Returns:
    uint32 [..., len(operations), 2].
  """
  result = _words(seed)
  for part in (epoch, sample_index):
    words = _words(part)
    shape = tf.broadcast_static_shape(result.shape, words.shape)
    result = threefry(
      tf.broadcast_to(result, shape), tf.broadcast_to(words, shape)
    )
  names = tf.constant(
    [
      [zlib.crc32(view.encode()), zlib.crc32(operation.encode())]
      for operation in operations
    ],
    tf.uint32,
  )
  shape = result.shape[:-1].as_list() + [len(operations), 2]
  return threefry(
    tf.broadcast_to(result[..., tf.newaxis, :], shape),
    tf.broadcast_to(names, shape),
  )


def _words(value):
  value = tf.cast(value, tf.int64)
  low = tf.cast(tf.bitwise.bitwise_and(value, 0xFFFFFFFF), tf.uint32)
  high = tf.cast(
    tf.bitwise.bitwise_and(tf.bitwise.right_shift(value, 32), 0xFFFFFFFF),
    tf.uint32,
  )
  return tf.stack([low, high], axis=-1)


def bits(keys: tf.Tensor, shape: tuple[int, ...] = ()) -> tf.Tensor:
  """Returns uint32 [..., *shape] for uint32 keys [..., 2]."""
  size = 1
  for length in shape:
    size *= length
  counters = tf.stack(
    [tf.range(size, dtype=tf.int32), tf.zeros([size], tf.int32)], axis=-1
  )
  counters = tf.cast(counters, tf.uint32)
  batch = keys.shape[:-1].as_list()
  full = batch + [size, 2]
  words = threefry(
    tf.broadcast_to(keys[..., tf.newaxis, :], full),
    tf.broadcast_to(counters, full),
  )[..., 0]
  return tf.reshape(words, batch + list(shape))


def uniform(
  keys: tf.Tensor,
  shape: tuple[int, ...] = (),
  low: float = 0.0,
  high: float = 1.0,
) -> tf.Tensor:
  """Returns float32 [..., *shape] in [low, high) for keys [..., 2]."""
  shifted = tf.bitwise.right_shift(bits(keys, shape), tf.constant(8, tf.uint32))
  unit = tf.cast(tf.cast(shifted, tf.int32), tf.float32) * (2.0**-24)
  return low + unit * (high - low)


def uniform_int(
  keys: tf.Tensor, upper: int | tf.Tensor, shape: tuple[int, ...] = ()
) -> tf.Tensor:
  """Returns int32 [..., *shape] in [0, upper) for keys [..., 2].

  By a 64-bit multiplication and shift: the bias is below upper / 2**32.
  """
  product = tf.cast(bits(keys, shape), tf.int64) * tf.cast(upper, tf.int64)
  return tf.cast(tf.bitwise.right_shift(product, 32), tf.int32)


def truncated_normal(keys: tf.Tensor, shape: tuple[int, ...] = ()) -> tf.Tensor:
  """Returns float32 [..., *shape]: N(0, 1) cut at +-2, not rescaled.

  Its standard deviation is 0.87962566103423978.
  """
  # Phi(-2) and Phi(2); erfinv(2 p - 1) sqrt(2) is the normal quantile.
  probability = uniform(keys, shape, 0.02275013194817921, 0.9772498680518208)
  return tf.math.erfinv(2.0 * probability - 1.0) * (2.0**0.5)


def normal(keys: tf.Tensor, shape: tuple[int, ...] = ()) -> tf.Tensor:
  """Returns float32 [..., *shape] of N(0, 1) for keys [..., 2].

  By the normal quantile of the middles of 2**23 equal parts of (0, 1), so no
  value is beyond 5.3.
  """
  shifted = tf.bitwise.right_shift(bits(keys, shape), tf.constant(9, tf.uint32))
  # Odd and below 2**23 in size, so that (1 + x) / 2, which the kernel takes,
  # is exact in float32 and never 0 or 1.
  odd = 2 * tf.cast(shifted, tf.int32) + (1 - 2**23)
  return tf.math.erfinv(tf.cast(odd, tf.float32) * 2.0**-23) * (2.0**0.5)
