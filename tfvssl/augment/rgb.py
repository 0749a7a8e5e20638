"""On-device augmentation of RGB clips; one draw per clip, the paper's order.

Runs batched, in float32, with static shapes, inside the compiled step.
"""

from collections.abc import Callable

import tensorflow as tf

from tfvssl.augment import flip
from tfvssl.config import pictures
from tfvssl.runtime import randomness

# Names in the random keys; a changed name changes every run's draws.
_DRAWS = (
  "flip",
  "colour",
  "brightness",
  "saturation",
  "contrast",
  "hue",
  "greyscale",
  "blur",
  "blur_sigma",
)
_CONVOLUTION_DRAWS = ("random_convolution_size", "random_convolution_kernel")


def augment(
  video: tf.Tensor,
  spec: pictures.RgbAugmentation,
  *,
  seed: int | tf.Tensor,
  epoch: tf.Tensor,
  sample_index: tf.Tensor,
  view: str,
) -> tf.Tensor:
  """Returns the augmented clips.

  Every draw depends on (seed, epoch, sample_index, view) alone. What cannot
  change the picture (probability 0, strength 0) is not in the graph.

  Args:
    video: uint8 [B, T, H, W, 3], or float32 in [0, 1].
    spec: the strengths.
    seed: the run's seed.
    epoch: int64 [B].
    sample_index: int64 [B].
    view: the view's name; views of other names get other draws.

  Returns:
    float32 [B, T, H, W, 3], in [0, 1] unless `spec.random_convolution`.

  Source: paper Sec. 4.1 and appendix A.1.
  """
  if video.dtype == tf.uint8:
    video = tf.cast(video, tf.float32) * (1.0 / 255.0)
  keys = randomness.keys(seed, epoch, sample_index, view, _DRAWS)
  draws = dict(
    zip(_DRAWS, tf.unstack(randomness.uniform(keys), axis=-1), strict=True)
  )
  steps = [_flip, _colour, _greyscale, _blur]
  if spec.order == pictures.Order.RELEASED:
    steps = [_blur, _flip, _colour, _greyscale]
  for step in steps:
    video = step(video, spec, draws)
  if spec.random_convolution:
    from tfvssl.augment import random_convolution

    keys = randomness.keys(seed, epoch, sample_index, view, _CONVOLUTION_DRAWS)
    video = random_convolution.random_convolution(
      video,
      spec.random_convolution_max_size,
      size_keys=keys[..., 0, :],
      kernel_keys=keys[..., 1, :],
    )
  return video


def _flip(video, spec, draws):
  return _with_probability(
    spec.flip_probability, draws["flip"], flip.mirror, video
  )


def _colour(video, spec, draws):
  ranges = {
    "brightness": (-spec.brightness_delta, spec.brightness_delta),
    "saturation": spec.saturation,
    "contrast": spec.contrast,
    "hue": (-spec.hue_delta, spec.hue_delta),
  }
  neutral = {"brightness": 0, "saturation": 1, "contrast": 1, "hue": 0}
  changes = {
    name: low + draws[name] * (high - low)
    for name, (low, high) in ranges.items()
    if not low == high == neutral[name]
  }
  if not changes:
    return video
  return _with_probability(
    spec.colour_probability,
    draws["colour"],
    lambda x: _colour_operations().adjust_colour(x, **changes),
    video,
  )


def _greyscale(video, spec, draws):
  return _with_probability(
    spec.greyscale_probability,
    draws["greyscale"],
    lambda x: _colour_operations().greyscale(x),
    video,
  )


def _colour_operations():
  """Returns the module; small recipes do without."""
  from tfvssl.augment import colour

  return colour


def _blur(video, spec, draws):
  def blurred(frames):
    from tfvssl.augment import blur  # as above

    return blur.gaussian_blur(frames, sigma, kernel_argument)

  low, high = spec.blur_sigma
  sigma = low + draws["blur_sigma"] * (high - low)
  kernel_argument = video.shape[3] // 10  # as released
  return _with_probability(
    spec.blur_probability,
    draws["blur"],
    blurred,
    video,
  )


def _with_probability(
  probability: float,
  draw: tf.Tensor,
  operation: Callable[[tf.Tensor], tf.Tensor],
  video: tf.Tensor,
) -> tf.Tensor:
  """Returns `operation(video)` for the clips whose draw is small enough."""
  if probability <= 0:
    return video
  if probability >= 1:
    return operation(video)
  return flip.select(draw < probability, operation(video), video)
