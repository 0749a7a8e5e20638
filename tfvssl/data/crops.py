"""Regularly spaced squares of decoded images, as evaluations take them."""

import tensorflow as tf

from tfvssl.data import decode


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
    tf.errors.InvalidArgumentError: as decode.decode_view.
  Source: paper appendix B; the released code spaces them along the diagonal.
  """
  check_size(size, short_side)
  video = resize_short_side(decode_frames(frames), short_side)
  return regular_squares(video, size, num_crops)


def resize_short_side(video: tf.Tensor, short_side: int) -> tf.Tensor:
  """Returns uint8 [n, h, w, C] with min(h, w) = short_side.

  Cut off to whole numbers, as in the released code.
  """
  height, width = short_side_size(video, short_side)
  return tf.cast(decode.resize(video, height, width), tf.uint8)


def short_side_size(
  video: tf.Tensor, short_side: int
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns height and width of [n, H, W, C] with that short side."""
  shape = tf.shape(video)[1:3]
  return tf.unstack(shape * short_side // tf.reduce_min(shape))


def decode_frames(frames: tf.Tensor) -> tf.Tensor:
  """Returns all pixels, uint8 [n, h, w, 3]; see `decode_crops`."""
  with tf.control_dependencies([decode.common_jpeg_shape(frames)]):
    return tf.stack(
      [tf.io.decode_jpeg(frame, channels=3) for frame in tf.unstack(frames)]
    )


def regular_squares(video: tf.Tensor, size: int, num_crops: int) -> tf.Tensor:
  """Returns [num_crops, n, size, size, C]; see `decode_crops`."""
  slack = tf.shape(video)[1:3] - size
  crops = []
  for number in range(num_crops):
    place = number / (num_crops - 1) if num_crops > 1 else 0.5
    along = tf.cast(tf.cast(slack, tf.float32) * place, tf.int32)
    is_longer = slack == tf.reduce_max(slack)
    crops.append(square(video, tf.where(is_longer, along, slack // 2), size))
  return tf.stack(crops)


def square(video: tf.Tensor, corner: tf.Tensor, size: int) -> tf.Tensor:
  """Returns the square of `size` at `corner`, int32 [y, x], of all frames."""
  square = video[:, corner[0] : corner[0] + size, corner[1] : corner[1] + size]
  frames, channels = video.shape[0], video.shape[-1]
  return tf.ensure_shape(square, [frames, size, size, channels])


def check_size(size: int, short_side: int) -> None:
  """Raises ValueError where a square does not fit into the short side."""
  if size > short_side:
    raise ValueError(
      f"`image_size` ({size}) must be at most the short side ({short_side})"
      " that images are resized to before the crop; raise"
      " `svm.test_short_side` or `resize_short_side`."
    )
