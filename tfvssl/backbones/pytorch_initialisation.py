"""Initial weights of the networks that were released in PyTorch.

As in `initialisation`, seeds are drawn when a network is constructed.
"""

import random

import tensorflow as tf


def fan_out_he_normal() -> tf.keras.initializers.Initializer:
  """Returns N(0, 2/fan_out), its seed drawn now.

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
  """Returns N(0, stddev^2), its seed drawn now."""
  return tf.keras.initializers.RandomNormal(
    stddev=stddev, seed=random.randrange(2**31)
  )


def pytorch_linear() -> tf.keras.initializers.Initializer:
  """Returns U(-1, 1) / sqrt(fan_in), its seed drawn now.

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
