"""What S3D-G is made of: separable convolutions, gating, Inception blocks.

Source: released s3d.py.
"""

from collections.abc import Sequence

import tensorflow as tf

from tfvssl.backbones import initialisation
from tfvssl.backbones import residual_3d


class Unit(tf.keras.layers.Layer):
  """Convolutions, each with batch norm and relu, and then maybe gating.

  Gating multiplies every channel of a clip by a factor that all channels
  decide: sigmoid(linear(mean over T, H and W)).
  """

  def __init__(
    self,
    channels: int,
    sizes: Sequence[tuple[int, int, int]],
    *,
    name: str,
    stride: int = 1,
    gating: bool = False,
  ):
    """Makes the layers.

    Args:
      channels: of every convolution.
      sizes: of their kernels in time, height and width.
      name: of the layer.
      stride: of every convolution, in time, height and width.
      gating: whether the output is gated.
    """
    super().__init__(name=name)
    self.convs = [
      residual_3d.ConvNorm(channels, size, (stride,) * 3, f"conv_{number}")
      for number, size in enumerate(sizes)
    ]
    self.gate = (
      tf.keras.layers.Dense(
        channels,
        kernel_initializer=initialisation.fan_in_truncated_normal(),
        name="self_gating",
      )
      if gating
      else None
    )

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns [B, T / stride, H / stride, W / stride, channels]."""
    x = inputs
    for conv in self.convs:
      x = tf.nn.relu(conv(x, training=training))
    if self.gate is None:
      return x
    # A bfloat16 sum of thousands of values would lose the later ones.
    mean = tf.reduce_mean(tf.cast(x, tf.float32), axis=[1, 2, 3])
    factors = tf.sigmoid(self.gate(mean))
    return x * factors[:, tf.newaxis, tf.newaxis, tf.newaxis]

  def layers_by_name(self) -> dict[str, tf.keras.layers.Layer]:
    """Returns every layer by its published name, batch norms as ours."""
    layers = {}
    for conv, suffix in zip(self.convs, ("", "_1")):
      layers[f"~/conv3_d{suffix}"] = conv.conv
      layers[f"batch_norm{suffix}"] = conv.norm
    if self.gate is not None:
      layers["self_gating"] = self.gate
    return layers


class Inception(tf.keras.layers.Layer):
  """Four branches side by side, gated at their ends.

  1x1; 1x1 and separable 3x3; the same again, where Inception has 5x5; 3x3x3
  max pooling and 1x1. Their channels follow in this order.
  """

  def __init__(
    self,
    channels: Sequence[int],
    temporal_size: int,
    *,
    gating: bool,
    name: str,
  ):
    """Makes the layers.

    Args:
      channels: of the six units, in the order of the branches.
      temporal_size: of the separable convolutions.
      gating: whether the last unit of every branch is gated.
      name: of the layer.
    """
    super().__init__(name=name)
    pointwise = [(1, 1, 1)]
    separable = separable_sizes(temporal_size)
    plan = (
      [("Branch_0_Conv2d_0a_1x1", pointwise)],
      [
        ("Branch_1_Conv2d_0a_1x1", pointwise),
        ("Branch_1_Conv2d_0b_3x3", separable),
      ],
      [
        ("Branch_2_Conv2d_0a_1x1", pointwise),
        ("Branch_2_Conv2d_0b_3x3", separable),
      ],
      [("Branch_3_Conv2d_0b_1x1", pointwise)],
    )
    counts = iter(channels)
    self.branches = [
      [
        Unit(
          next(counts),
          sizes,
          name=unit,
          gating=gating and unit == branch[-1][0],
        )
        for unit, sizes in branch
      ]
      for branch in plan
    ]
    self.max_pool = tf.keras.layers.MaxPool3D(3, 1, padding="same")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns [B, T, H, W, channels of the branches' last units]."""
    outputs = [inputs, inputs, inputs, self.max_pool(inputs)]
    for number, branch in enumerate(self.branches):
      for unit in branch:
        outputs[number] = unit(outputs[number], training=training)
    return tf.concat(outputs, axis=-1)

  def layers_by_name(self) -> dict[str, tf.keras.layers.Layer]:
    """Returns every layer by its published name in the block."""
    return {
      f"{unit.name}/{name}": layer
      for branch in self.branches
      for unit in branch
      for name, layer in unit.layers_by_name().items()
    }


def separable_sizes(temporal_size: int) -> list[tuple[int, int, int]]:
  """Returns the kernels of a separable 3x3 convolution: space, then time.

  A second one remains where it sees one frame only, as in the released code.
  """
  return [(1, 3, 3), (temporal_size, 1, 1)]
