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


def fan_out_he_normal() -> tf.keras.initializers.Initializer:
  """Returns N(0, 2/fan_out), its seed drawn now as above.

  Source: He et al., "Delving Deep into Rectifiers", Eq. 14; released models of
  STiCA.
  """
  return tf.keras.initializers.VarianceScaling(
    scale=2.0,
    mode="fan_out",
    distribution="untruncated_normal",
    seed=random.randrange(2**31),
  )


def normal(stddev: float) -> tf.keras.initializers.Initializer:
  """Returns N(0, stddev^2), its seed drawn now as above."""
  return tf.keras.initializers.RandomNormal(
    stddev=stddev, seed=random.randrange(2**31)
  )


def pytorch_linear() -> tf.keras.initializers.Initializer:
  """Returns U(-1, 1) / sqrt(fan_in), its seed drawn now as above.

  Source: PyTorch's default for the weights of a linear layer.
  """
  return tf.keras.initializers.VarianceScaling(
    scale=1 / 3,
    mode="fan_in",
    distribution="uniform",
    seed=random.randrange(2**31),
  )


def pytorch_bias(fan_in: int) -> tf.keras.initializers.Initializer:
  """Returns U(-1, 1) / sqrt(fan_in) for the bias beside such weights."""
  bound = fan_in**-0.5
  return tf.keras.initializers.RandomUniform(
    -bound, bound, seed=random.randrange(2**31)
  )
