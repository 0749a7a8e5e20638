"""Encoded pictures whose pixels say where they lie."""

import numpy as np
import tensorflow as tf


def of_coordinates(height: int, width: int) -> tf.Tensor:
  """Returns a JPEG whose red is 2 x and whose green is 2 y, nearly."""
  y, x = np.mgrid[:height, :width]
  image = np.stack([2 * x, 2 * y, 0 * x], -1).astype(np.uint8)
  return tf.io.encode_jpeg(image, quality=100, chroma_downsampling=False)
