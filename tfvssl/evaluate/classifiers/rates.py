"""Learning rates of classifiers alone."""

import tensorflow as tf


class InverseSquareRoot(tf.keras.optimizers.schedules.LearningRateSchedule):
  """`initial` divided by the square root of the number of the update, from 1.

  Source: MMV paper, appendix A.2, "Linear on PASCAL/ImageNet".
  """

  def __init__(self, initial: float):
    """Makes the schedule; `initial` is the rate of the first update."""
    self.initial = initial

  def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
    """Returns the rate of the update after `step` updates, float32 []."""
    return self.initial * tf.math.rsqrt(tf.cast(step, tf.float32) + 1.0)

  def get_config(self) -> dict[str, float]:
    """Returns the arguments of the constructor."""
    return {"initial": self.initial}
