"""Where a broad view starts that has the centre of the narrow one."""

import tensorflow as tf

from tfvssl.data import windows


def start(
  num_clip_frames: tf.Tensor,
  narrow_start: tf.Tensor,
  narrow_extent: tuple[int | tf.Tensor, float],
  broad_extent: tuple[int | tf.Tensor, float],
) -> tf.Tensor:
  """Returns where a broad view starts that has the centre of a narrow one.

  Args:
    num_clip_frames: int32 scalar T.
    narrow_start: int32 scalar, first frame of the narrow view.
    narrow_extent: its number of frames and the step between them.
    broad_extent: likewise of the broad view.

  Returns:
    int32 scalar in [0, T): what would lie before the clip is its end, as a
    view that runs past the end goes on at the start.
  Source: paper appendix C, "center sync"; how it treats the ends of a clip is
  ours.
  """
  narrow_frames, narrow_step = narrow_extent
  broad_frames, broad_step = broad_extent
  longer_by = windows.product(broad_frames, broad_step) - windows.product(
    narrow_frames, narrow_step
  )
  ahead = tf.cast(longer_by, tf.int32) // 2
  return tf.math.floormod(narrow_start - ahead, num_clip_frames)
