"""On-device augmentation of optical flow: a horizontal flip, and the unit."""

import tensorflow as tf

from tfvssl import views
from tfvssl.augment import flip
from tfvssl.data.records import schema
from tfvssl.runtime import randomness


def augment(
  flow: tf.Tensor,
  spec: views.FlowViewSpec,
  *,
  bound_px: float,
  seed: int | tf.Tensor,
  epoch: tf.Tensor,
  sample_index: tf.Tensor,
  view: str,
) -> tf.Tensor:
  """Returns the flow in units of `spec.scale_px`, some clips mirrored.

  Args:
    flow: uint8 [B, T, H, W, 2], u to the right and v down, coded as
      data.records.schema says.
    spec: of the view.
    bound_px: of the records, in pixels per frame.
    seed: the run's seed.
    epoch: int64 [B].
    sample_index: int64 [B].
    view: the view's name.

  Returns:
    float32 [B, T, H, W, 2]. In a mirrored clip what moved right moves left,
    so u changes its sign.

  Source: paper appendix A.1 (flip only); the sign and the unit are ours.
  """
  velocity = to_pixels(flow, bound_px) / spec.scale_px
  if spec.flip_probability <= 0:
    return velocity
  keys = randomness.key(seed, epoch, sample_index, view, "flip")
  flipped = randomness.uniform(keys) < spec.flip_probability
  mirrored = flip.mirror(velocity) * tf.constant([-1.0, 1.0])
  return flip.select(flipped, mirrored, velocity)


def to_pixels(flow: tf.Tensor, bound_px: float) -> tf.Tensor:
  """Returns stored flow, uint8 [...], in pixels per frame, float32 [...]."""
  levels = tf.cast(flow, tf.float32) - float(schema.FLOW_ZERO)
  return levels * (bound_px / schema.FLOW_LEVELS)
