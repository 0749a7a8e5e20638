"""Windows that stand for a frame scaled apart in height and width, and cut."""

import tensorflow as tf

from tfvssl.config import pictures
from tfvssl.runtime import randomness


def window(
  shape: tf.Tensor, crop: pictures.JitterCrop, key: tf.Tensor
) -> tf.Tensor:
  """Returns a window, as decode.random_window, that scaling makes a square.

  A frame h x w is scaled to a h x b w, then resized by f so that its short
  side is S, and cropped to s x s at a uniform place. In the frame as it is
  stored, the square is s / (a f) high and s / (b f) wide, with
  f = S / min(a h, b w) and share = s / S. Rounded to whole pixels.
  Source: paper appendix B, fine-tuning.
  """
  draws = randomness.uniform(key, (4,))
  low, high = crop.scale
  scale = low + draws[:2] * (high - low)
  size = tf.cast(shape, tf.float32)
  extent = crop.share * tf.reduce_min(scale * size) / scale
  begin = draws[2:] * (size - extent)
  first = tf.cast(tf.round(begin), tf.int32)
  last = tf.cast(tf.round(begin + extent), tf.int32)
  return tf.concat([first, tf.maximum(last - first, 1)], 0)
