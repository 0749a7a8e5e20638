"""Brightness, saturation, contrast, hue and greyscale, one value per clip.

Equal to tf.image's kernels on the CPU, also for values outside [0, 1], to
1e-6. None of the formulas here divides by a small number without multiplying
by it again, so rounding is not amplified and XLA gives the same picture.

The functions of one change work on planes, the list of red, green and blue,
each float32 [B, T, H, W]: four times as fast on the CPU as with the channels
last, which vector units hardly fill.
"""

from collections.abc import Callable

import tensorflow as tf

Planes = list[tf.Tensor]

_LUMA = (0.2989, 0.5870, 0.1140)  # tf.image.rgb_to_grayscale


def adjust_colour(
  video: tf.Tensor,
  *,
  brightness: tf.Tensor | None = None,
  saturation: tf.Tensor | None = None,
  contrast: tf.Tensor | None = None,
  hue: tf.Tensor | None = None,
) -> tf.Tensor:
  """Returns the clips with the given changes, in this order, cut to [0, 1].

  Args:
    video: float32 [B, T, H, W, 3] in [0, 1].
    brightness: float32 [B], added; None leaves it out, as for the others.
    saturation: float32 [B], factor.
    contrast: float32 [B], factor.
    hue: float32 [B] in [-1, 1], added, of the whole circle.

  Source: released code, augmentations; the order is theirs.
  """

  def change(planes):
    if brightness is not None:
      planes = [plane + _per_clip(brightness) for plane in planes]
    if saturation is not None:
      planes = adjust_saturation(planes, saturation)
    if contrast is not None:
      planes = adjust_contrast(planes, contrast)
    if hue is not None:
      planes = adjust_hue(planes, hue)
    return [tf.clip_by_value(plane, 0.0, 1.0) for plane in planes]

  return on_planes(change, video)


def on_planes(
  change: Callable[[Planes], Planes], video: tf.Tensor
) -> tf.Tensor:
  """Returns [B, T, H, W, 3] whose planes are `change` of those of `video`."""
  return tf.stack(change(tf.unstack(video, axis=-1)), axis=-1)


def adjust_saturation(planes: Planes, factor: tf.Tensor) -> Planes:
  """Returns the planes with HSV saturation multiplied and cut to [0, 1].

  In HSV only S changes, so every channel keeps its place between the largest
  and the smallest one: value - stretch * (value - channel).

  Args:
    planes: of the clips.
    factor: float32 [B], at least 0.
  """
  value, low = _extremes(planes)
  # S = chroma / value cannot pass 1, and is 0 where the value is not positive.
  limit = tf.maximum(tf.math.divide_no_nan(value, value - low), 0.0)
  stretch = tf.minimum(_per_clip(factor), limit)
  return [value - stretch * (value - plane) for plane in planes]


def adjust_contrast(planes: Planes, factor: tf.Tensor) -> Planes:
  """Returns the planes, each frame's spread about the mean of its plane.

  Args:
    planes: of the clips.
    factor: float32 [B].
  """
  changed = []
  for plane in planes:
    # Two short sums: one over H * W would lose digits where it runs in order.
    mean = tf.reduce_mean(plane, axis=3, keepdims=True)
    mean = tf.reduce_mean(mean, axis=2, keepdims=True)
    changed.append((plane - mean) * _per_clip(factor) + mean)
  return changed


def adjust_hue(planes: Planes, delta: tf.Tensor) -> Planes:
  """Returns the planes with the hue turned, value and chroma kept.

  Args:
    planes: of the clips.
    delta: float32 [B] in [-1, 1], of the whole circle.
  """
  value, low = _extremes(planes)
  chroma = value - low
  hue = _hue_sixths(planes, value, chroma) + 6.0 * _per_clip(delta)
  hue = tf.math.floormod(hue, 6.0)
  ramps = (
    tf.abs(hue - 3.0) - 1.0,
    2.0 - tf.abs(hue - 2.0),
    2.0 - tf.abs(hue - 4.0),
  )
  return [low + chroma * tf.clip_by_value(ramp, 0.0, 1.0) for ramp in ramps]


def _hue_sixths(planes, value, chroma):
  """Returns the hue, float32 [B, T, H, W], in [-1, 5]; 0 for greys."""
  red, green, blue = planes
  is_red, is_green = red >= value, green >= value
  difference = tf.where(
    is_red, green - blue, tf.where(is_green, blue - red, red - green)
  )
  offset = tf.where(is_red, 0.0, tf.where(is_green, 2.0, 4.0))
  return offset + tf.math.divide_no_nan(difference, chroma)


def _extremes(planes):
  """Returns the largest and the smallest channel of every pixel."""
  red, green, blue = planes
  largest = tf.maximum(red, tf.maximum(green, blue))
  return largest, tf.minimum(red, tf.minimum(green, blue))


def _per_clip(factor):
  return tf.reshape(factor, [-1, 1, 1, 1])


def greyscale(video: tf.Tensor) -> tf.Tensor:
  """Returns the luma of [B, T, H, W, 3], in all three channels."""

  def change(planes):
    red, green, blue = planes
    return [_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue] * 3

  return on_planes(change, video)
