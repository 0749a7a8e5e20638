"""Encoded flow to fields, of which a view shows one square."""

import tensorflow as tf

from tfvssl.data import crops
from tfvssl.data import decode
from tfvssl.runtime import randomness


def decode_view(
  flow: tf.Tensor, short_side: int, size: int, key: tf.Tensor
) -> tf.Tensor:
  """Returns one square of all fields, uniform in place.

  Args:
    flow: string [n] with static n, grey PNG [2 H, W], u above v.
    short_side: to which the fields are resized first; the values stay in
      pixels of the stored images.
    size: side of the square, at most `short_side`.
    key: uint32 [2], see randomness.key.

  Returns:
    uint8 [n, size, size, 2].

  Raises:
    ValueError: `size` is above `short_side`.
    tf.errors.InvalidArgumentError: an image is no PNG or larger than
      schema.MAX_PIXELS.
  Source: paper appendix A.1.
  """
  fields = _decode(flow, short_side, size)
  slack = tf.shape(fields)[1:3] - size
  place = randomness.uniform(key, (2,))
  corner = tf.cast(place * tf.cast(slack + 1, tf.float32), tf.int32)
  return crops.square(fields, tf.minimum(corner, slack), size)


def decode_crops(
  flow: tf.Tensor, *, short_side: int, size: int, num_crops: int
) -> tf.Tensor:
  """Returns uint8 [num_crops, n, size, size, 2]; as crops.decode_crops."""
  fields = _decode(flow, short_side, size)
  return crops.regular_squares(fields, size, num_crops)


def _decode(flow, short_side, size):
  """Returns uint8 [n, h, w, 2] with min(h, w) = short_side."""
  crops.check_size(size, short_side)
  images = []
  for image in tf.unstack(flow):
    # Width and height of a PNG stand at bytes 16 to 24, big endian.
    header = tf.io.decode_raw(
      tf.strings.substr(image, 16, 8), tf.int32, little_endian=False
    )
    with tf.control_dependencies([decode.assert_small(tf.maximum(header, 1))]):
      images.append(tf.io.decode_png(image, channels=1))
  stacked = tf.stack(images)
  height, width = tf.shape(stacked)[1] // 2, tf.shape(stacked)[2]
  fields = tf.reshape(stacked, [len(images), 2, height, width])
  fields = tf.transpose(fields, [0, 2, 3, 1])
  return tf.cond(
    tf.minimum(height, width) == short_side,
    lambda: fields,
    lambda: decode.to_uint8(
      decode.resize(fields, *crops.short_side_size(fields, short_side))
    ),
  )
