"""Learning rates over steps."""

import math

import tensorflow as tf


class WarmupCosine(tf.keras.optimizers.schedules.LearningRateSchedule):
  """Linear from 0 to `peak`, then half a cosine to 0 at `total_steps`.

  The first update (step 0) has the rate 0, as in the released code, unless
  there is no warm-up. Source: paper Sec. 4.1; released trainer.py.
  """

  def __init__(self, peak: float, warmup_steps: int, total_steps: int):
    """Raises ValueError unless 0 <= warmup_steps < total_steps."""
    if not 0 <= warmup_steps < total_steps:
      raise ValueError(
        f"`warmup_steps` ({warmup_steps}) must be at least 0 and below"
        f" `total_steps` ({total_steps})."
      )
    self.peak = peak
    self.warmup_steps = warmup_steps
    self.total_steps = total_steps

  def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
    """Returns the rate of the update after `step` updates, float32 []."""
    step = tf.cast(step, tf.float32)
    decay_steps = self.total_steps - self.warmup_steps
    progress = tf.minimum((step - self.warmup_steps) / decay_steps, 1.0)
    decayed = self.peak * 0.5 * (1.0 + tf.cos(math.pi * progress))
    if self.warmup_steps == 0:
      return decayed
    warming = self.peak * step / self.warmup_steps
    return tf.where(step < self.warmup_steps, warming, decayed)

  def get_config(self) -> dict[str, float | int]:
    """Returns the arguments of the constructor."""
    return {
      "peak": self.peak,
      "warmup_steps": self.warmup_steps,
      "total_steps": self.total_steps,
    }
