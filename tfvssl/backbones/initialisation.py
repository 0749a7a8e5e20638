"""Initial weights of convolutions and linear layers."""

import random

import tensorflow as tf

# Standard deviation of N(0, 1) cut at +-2.
_TRUNCATED_STDDEV = 0.87962566103423978


def fan_in_truncated_normal() -> tf.keras.initializers.Initializer:
  """Returns N(0, 1/fan_in) cut at two standard deviations, not rescaled.

  The weights' own standard deviation is thus 0.88 / sqrt(fan_in). Keras
  rescales by that 0.88; the scale given here undoes it. The seed is drawn now,
  so `tf.keras.utils.set_random_seed` before a network is constructed fixes its
  weights, on any number of replicas and whichever part is called first.
  Source: released networks (dm-haiku's default).
  """
  return tf.keras.initializers.VarianceScaling(
    scale=_TRUNCATED_STDDEV**2,
    mode="fan_in",
    distribution="truncated_normal",
    seed=random.randrange(2**31),
  )
