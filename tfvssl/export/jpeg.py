"""JPEG pictures inside the graph of an export: decoded, resized, cropped."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfvssl.data import crops
from tfvssl.data import decode
from tfvssl.export import description

_GOLDEN_BLOCK = 8  # pixels


def frames(pictures: tf.Tensor, video: Mapping[str, int]) -> tf.Tensor:
  """Returns the frames that a video network takes, uint8 [B, T, S, S, 3].

  As the evaluation has them: pictures whose short side is that of the records
  are equal to theirs to the bit; others are resized to it first, bicubic with
  antialiasing, near to what ffmpeg does when records are made.

  Args:
    pictures: string [B, T] with static T, JPEG; those of a clip equal in size.
    video: `record_short_side`, `short_side` and `image_size` of signature.json.

  Raises:
    tf.errors.InvalidArgumentError: a picture is no JPEG, has more pixels than
      a record may have, or another size than the first of its clip.
  """
  count, size = pictures.shape[1], video["image_size"]

  def clip(row):
    whole = _record_size(crops.decode_frames(row), video["record_short_side"])
    resized = crops.resize_short_side(whole, video["short_side"])
    return crops.regular_squares(resized, size, 1)[0]

  return tf.map_fn(
    clip,
    pictures,
    fn_output_signature=tf.TensorSpec([count, size, size, 3], tf.uint8),
  )


def _record_size(video, short_side):
  """Returns uint8 frames whose short side is that of the records."""
  shape = tf.shape(video)[1:3]
  short = tf.reduce_min(shape)

  def resized():
    size = tf.cast(tf.round(shape * short_side / short), tf.int32)
    pixels = tf.image.resize(video, size, "bicubic", antialias=True)
    return decode.to_uint8(tf.clip_by_value(pixels, 0.0, 255.0))

  return tf.cond(tf.equal(short, short_side), lambda: video, resized)


def golden_request(num_frames: int) -> np.ndarray:
  """Returns the fixed request of one clip, bytes [1, num_frames].

  Pictures of 6 x 8 blocks of 8 pixels; the colours of the blocks are the bytes
  of description.golden_request.
  """
  blocks = description.golden_request("video_uint8", (6, 8, 3), num_frames)
  pixels = blocks.repeat(_GOLDEN_BLOCK, 1).repeat(_GOLDEN_BLOCK, 2)
  return np.array([[tf.io.encode_jpeg(frame).numpy() for frame in pixels]])
