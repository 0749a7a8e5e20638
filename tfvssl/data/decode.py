"""Encoded frames to pixels: only what the view shows is decoded."""

import tensorflow as tf

from tfvssl.config import pictures
from tfvssl.data.records import schema
from tfvssl.runtime import randomness

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
  shape = _common_jpeg_shape(frames)
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
    return jitter_window(shape, crop, key)
  if isinstance(crop, pictures.Crop):
    return distorted_window(shape, crop, key)
  raise TypeError(
    f"a window must be Crop or JitterCrop, not {type(crop).__name__}."
  )


def jitter_window(
  shape: tf.Tensor, crop: pictures.JitterCrop, key: tf.Tensor
) -> tf.Tensor:
  """Returns a window, as `random_window`, that scaling makes a square.

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


def decode_crops(
  frames: tf.Tensor, *, short_side: int, size: int, num_crops: int
) -> tf.Tensor:
  """Returns squares regularly spaced along the longer side of all frames.

  Args:
    frames: string [n] with static n, JPEG of equal size.
    short_side: to which the frames are resized first.
    size: side of the squares, at most `short_side`.
    num_crops: how many; 1 is the centre.

  Returns:
    uint8 [num_crops, n, size, size, 3].

  Raises:
    ValueError: `size` is above `short_side`.
    tf.errors.InvalidArgumentError: as `decode_view`.
  Source: paper appendix B; the released code spaces them along the diagonal.
  """
  _check_crop_size(size, short_side)
  video = resize_short_side(decode_frames(frames), short_side)
  return regular_squares(video, size, num_crops)


def decode_frames(frames: tf.Tensor) -> tf.Tensor:
  """Returns all pixels, uint8 [n, h, w, 3]; see `decode_crops`."""
  with tf.control_dependencies([_common_jpeg_shape(frames)]):
    return tf.stack(
      [tf.io.decode_jpeg(frame, channels=3) for frame in tf.unstack(frames)]
    )


def decode_flow_view(
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
  fields = _decode_flow(flow, short_side, size)
  slack = tf.shape(fields)[1:3] - size
  place = randomness.uniform(key, (2,))
  corner = tf.cast(place * tf.cast(slack + 1, tf.float32), tf.int32)
  return _square(fields, tf.minimum(corner, slack), size)


def decode_flow_crops(
  flow: tf.Tensor, *, short_side: int, size: int, num_crops: int
) -> tf.Tensor:
  """Returns uint8 [num_crops, n, size, size, 2]; as `decode_crops`."""
  fields = _decode_flow(flow, short_side, size)
  return regular_squares(fields, size, num_crops)


def resize(
  video: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor
) -> tf.Tensor:
  """Returns float32 [n, height, width, C]: bilinear without antialias."""
  return tf.image.resize(video, [height, width], method="bilinear")


def resize_short_side(video: tf.Tensor, short_side: int) -> tf.Tensor:
  """Returns uint8 [n, h, w, C] with min(h, w) = short_side.

  Cut off to whole numbers, as in the released code.
  """
  height, width = _short_side_size(video, short_side)
  return tf.cast(resize(video, height, width), tf.uint8)


def _short_side_size(video, short_side):
  shape = tf.shape(video)[1:3]
  return tf.unstack(shape * short_side // tf.reduce_min(shape))


def to_uint8(video: tf.Tensor) -> tf.Tensor:
  """Returns the nearest uint8 values of float32 pixels in 0..255."""
  return tf.cast(tf.round(video), tf.uint8)


def _common_jpeg_shape(frames):
  """Returns [h, w] of the frames, int32; checks all of them first."""
  shapes = tf.stack(
    [tf.io.extract_jpeg_shape(frame)[:2] for frame in tf.unstack(frames)]
  )
  checks = [
    _assert_small(tf.reduce_max(shapes, axis=0)),
    tf.debugging.assert_equal(
      shapes,
      tf.broadcast_to(shapes[:1], tf.shape(shapes)),
      message="the frames of a clip must be equal in size",
    ),
  ]
  with tf.control_dependencies(checks):
    return tf.identity(shapes[0])


def _assert_small(shape):
  pixels = tf.reduce_prod(tf.cast(shape, tf.int64))
  return tf.debugging.assert_less_equal(
    pixels,
    tf.constant(schema.MAX_PIXELS, tf.int64),
    message=f"an image must have at most {schema.MAX_PIXELS} pixels",
  )


def _decode_flow(flow, short_side, size):
  """Returns uint8 [n, h, w, 2] with min(h, w) = short_side."""
  _check_crop_size(size, short_side)
  images = []
  for image in tf.unstack(flow):
    # Width and height of a PNG stand at bytes 16 to 24, big endian.
    header = tf.io.decode_raw(
      tf.strings.substr(image, 16, 8), tf.int32, little_endian=False
    )
    with tf.control_dependencies([_assert_small(tf.maximum(header, 1))]):
      images.append(tf.io.decode_png(image, channels=1))
  stacked = tf.stack(images)
  height, width = tf.shape(stacked)[1] // 2, tf.shape(stacked)[2]
  fields = tf.reshape(stacked, [len(images), 2, height, width])
  fields = tf.transpose(fields, [0, 2, 3, 1])
  return tf.cond(
    tf.minimum(height, width) == short_side,
    lambda: fields,
    lambda: to_uint8(resize(fields, *_short_side_size(fields, short_side))),
  )


def _check_crop_size(size, short_side):
  if size > short_side:
    raise ValueError(
      f"`image_size` ({size}) must be at most the short side ({short_side})"
      " that images are resized to before the crop; raise"
      " `svm.test_short_side` or `resize_short_side`."
    )


def regular_squares(video: tf.Tensor, size: int, num_crops: int) -> tf.Tensor:
  """Returns [num_crops, n, size, size, C]; see `decode_crops`."""
  slack = tf.shape(video)[1:3] - size
  crops = []
  for number in range(num_crops):
    place = number / (num_crops - 1) if num_crops > 1 else 0.5
    along = tf.cast(tf.cast(slack, tf.float32) * place, tf.int32)
    is_longer = slack == tf.reduce_max(slack)
    crops.append(_square(video, tf.where(is_longer, along, slack // 2), size))
  return tf.stack(crops)


def _square(video, corner, size):
  square = video[:, corner[0] : corner[0] + size, corner[1] : corner[1] + size]
  frames, channels = video.shape[0], video.shape[-1]
  return tf.ensure_shape(square, [frames, size, size, channels])
