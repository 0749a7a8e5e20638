"""Encoded frames to pixels: only what the view shows is decoded."""

import tensorflow as tf

from tfvssl.config import pictures
from tfvssl.data.records import schema

_FALLBACK_PAD = 16  # released datasets/video_sampling


def decode_view(
  frames: tf.Tensor, crop: pictures.Window, size: int, key: tf.Tensor
) -> tf.Tensor:
  """Returns one random window of all frames, uint8 [n, size, size, 3].

  Args:
    frames: string [n] with static n, JPEG of equal size.
    crop: distribution of the window.
    size: height and width of the result.
    key: uint32 [2], see randomness.key.

  Raises:
    tf.errors.InvalidArgumentError: a frame is no JPEG, is larger than
      schema.MAX_PIXELS or differs in size from the first.
  Source: released datasets/video_sampling; rounding to uint8 is ours.
  """
  shape = common_jpeg_shape(frames)
  window = random_window(shape, crop, key)
  video = tf.stack(
    [
      tf.io.decode_and_crop_jpeg(frame, window, channels=3)
      for frame in tf.unstack(frames)
    ]
  )
  return to_uint8(resize(video, size, size))


def random_window(
  shape: tf.Tensor, crop: pictures.Window, key: tf.Tensor
) -> tf.Tensor:
  """Returns int32 [y, x, height, width] inside an image of `shape` [h, w].

  Raises:
    TypeError: `crop` is of no known kind.
  """
  if isinstance(crop, pictures.JitterCrop):
    from tfvssl.data import jitter  # of fine-tuning alone

    return jitter.window(shape, crop, key)
  if isinstance(crop, pictures.Crop):
    return distorted_window(shape, crop, key)
  raise TypeError(
    f"a window must be Crop or JitterCrop, not {type(crop).__name__}."
  )


def distorted_window(
  shape: tf.Tensor, crop: pictures.Crop, key: tf.Tensor
) -> tf.Tensor:
  """Returns a window of random area and aspect, as `random_window`.

  If no window was found, or by luck the whole image, it is the centre square
  (released rule).
  """
  begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
    image_size=tf.concat([shape, [3]], 0),
    bounding_boxes=tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
    seed=tf.bitcast(key, tf.int32),
    min_object_covered=min(0.3, crop.area[0]),
    aspect_ratio_range=crop.aspect,
    area_range=crop.area,
    max_attempts=20,
    use_image_if_no_bounding_boxes=True,
  )
  window = tf.concat([begin[:2], extent[:2]], 0)
  is_whole = tf.reduce_all(extent[:2] == shape)
  return tf.where(is_whole, centre_square(shape, _FALLBACK_PAD), window)


def centre_square(shape: tf.Tensor, pad: int) -> tf.Tensor:
  """Returns int32 [y, x, side, side]: the centre of an image of `shape`.

  `pad` pixels are left out at both ends of the short side; none where the
  image is too small for that.
  """
  short = tf.reduce_min(shape)
  side = tf.where(short > 2 * pad, short - 2 * pad, short)
  corner = (shape - side) // 2
  return tf.concat([corner, [side, side]], 0)


def resize(
  video: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor
) -> tf.Tensor:
  """Returns float32 [n, height, width, C]: bilinear without antialias."""
  return tf.image.resize(video, [height, width], method="bilinear")


def to_uint8(video: tf.Tensor) -> tf.Tensor:
  """Returns the nearest uint8 values of float32 pixels in 0..255."""
  return tf.cast(tf.round(video), tf.uint8)


def common_jpeg_shape(frames: tf.Tensor) -> tf.Tensor:
  """Returns [h, w] of the frames, int32; checks all of them first.

  Raises:
    tf.errors.InvalidArgumentError: as `decode_view`.
  """
  shapes = tf.stack(
    [tf.io.extract_jpeg_shape(frame)[:2] for frame in tf.unstack(frames)]
  )
  checks = [
    assert_small(tf.reduce_max(shapes, axis=0)),
    tf.debugging.assert_equal(
      shapes,
      tf.broadcast_to(shapes[:1], tf.shape(shapes)),
      message="the frames of a clip must be equal in size",
    ),
  ]
  with tf.control_dependencies(checks):
    return tf.identity(shapes[0])


def assert_small(shape: tf.Tensor) -> tf.Operation:
  """Asserts that an image of `shape`, int32 [h, w], may be decoded."""
  pixels = tf.reduce_prod(tf.cast(shape, tf.int64))
  return tf.debugging.assert_less_equal(
    pixels,
    tf.constant(schema.MAX_PIXELS, tf.int64),
    message=f"an image must have at most {schema.MAX_PIXELS} pixels",
  )
