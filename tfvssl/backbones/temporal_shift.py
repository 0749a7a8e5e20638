"""The temporal shift of TSM, which moves channels between frames."""

import tensorflow as tf


def temporal_shift(video: tf.Tensor, fraction: float) -> tf.Tensor:
  """Returns [x(t+1) last n | x(t) middle | x(t-1) first n] of the channels.

  n = int(C * fraction). The shifted channels change places, as in the
  released code, whose weights depend on it. Frames outside the clip are
  zeros; with T = 1 all shifted channels are.

  Args:
    video: [B, T, H, W, C].
    fraction: of the channels that come from the next frame, and as many from
      the previous one; at most 0.5.

  Returns:
    [B, T, H, W, C].
  Source: released tsm_utils, mode 'gpu'.
  """
  channels = video.shape[-1]
  count = int(channels * fraction)
  if count == 0:
    return video
  first, middle, last = tf.split(
    video, [count, channels - 2 * count, count], axis=-1
  )
  from_next = tf.concat([last[:, 1:], tf.zeros_like(last[:, :1])], axis=1)
  from_previous = tf.concat(
    [tf.zeros_like(first[:, :1]), first[:, :-1]], axis=1
  )
  return tf.concat([from_next, middle, from_previous], axis=-1)


def shift_folded(
  images: tf.Tensor, num_frames: int | tf.Tensor, fraction: float
) -> tf.Tensor:
  """Returns `temporal_shift` of clips whose frames lie along the batch axis.

  Args:
    images: [B * T, H, W, C].
    num_frames: T.
    fraction: see `temporal_shift`.
  """
  video = unfold_frames(images, num_frames)
  return fold_frames(temporal_shift(video, fraction))


def fold_frames(video: tf.Tensor) -> tf.Tensor:
  """Returns [B * T, H, W, C] for [B, T, H, W, C]."""
  return tf.reshape(video, [-1, *_sizes(video, first=2)])


def unfold_frames(images: tf.Tensor, num_frames: int | tf.Tensor) -> tf.Tensor:
  """Returns [B, T, H, W, C] for [B * T, H, W, C]."""
  return tf.reshape(images, [-1, num_frames, *_sizes(images, first=1)])


def _sizes(tensor, first):
  # Only an exported network of any image size has unknown ones.
  return [
    tf.shape(tensor)[axis] if size is None else size
    for axis, size in enumerate(tensor.shape[first:], first)
  ]
