"""The post-activation residual network over space and time.

R3D and R(2+1)D share it: they differ in which convolutions a branch has.

Padding is TensorFlow's SAME, as in every network here. The PyTorch and Caffe2
implementations of both networks pad symmetrically; where the stride is 2 and
the size even, they look one pixel (or frame) further back. No weights are
ported from them, and the paper's own networks are padded as SAME.
"""

from collections.abc import Sequence

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import initialisation
from tfvssl.backbones import resnet_v2


class ConvNorm(tf.keras.layers.Layer):
  """A convolution without bias over [B, T, H, W, C], then batch norm.

  Batch norm computes in float32; its result is cast to the type of the
  network's activations, so that residual sums have one type.
  """

  def __init__(
    self,
    channels: int,
    size: tuple[int, int, int],
    stride: tuple[int, int, int],
    name: str,
  ):
    """Makes the layers.

    Args:
      channels: of the output.
      size: of the kernel in time, height and width.
      stride: in time, height and width.
      name: of the layer.
    """
    super().__init__(name=name)
    self.conv = tf.keras.layers.Conv3D(
      channels,
      size,
      strides=stride,
      padding="same",
      use_bias=False,
      kernel_initializer=initialisation.fan_in_truncated_normal(),
      name="conv",
    )
    self.norm = batch_norm.batch_norm("batch_norm")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns [B, T / stride, H / stride, W / stride, channels]."""
    x = self.norm(self.conv(inputs), training=training)
    return tf.cast(x, self.compute_dtype)


class ResidualBlock(tf.keras.layers.Layer):
  """relu(shortcut(x) + branch(x)), with relu between the branch's layers.

  No scale starts at zero.
  """

  def __init__(
    self, branch: Sequence[ConvNorm], shortcut: ConvNorm | None, name: str
  ):
    """Keeps the layers; the shortcut is x itself where it is None."""
    super().__init__(name=name)
    self.branch = list(branch)
    self.shortcut = shortcut

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns the block's output for [B, T, H, W, C]."""
    x = inputs
    for layer in self.branch[:-1]:
      x = tf.nn.relu(layer(x, training=training))
    x = self.branch[-1](x, training=training)
    shortcut = inputs
    if self.shortcut is not None:
      shortcut = self.shortcut(inputs, training=training)
    return tf.nn.relu(shortcut + x)


class ResNet3D(tf.keras.Model):
  """Maps [B, T, H, W, C] (RGB in [0, 1], or flow) to float32 [B, D].

  Stem, with relu after each of its layers, and units of residual blocks.
  No input normalisation.
  """

  def __init__(
    self,
    stem: Sequence[ConvNorm],
    units: Sequence[Sequence[ResidualBlock]],
    *,
    max_pool: bool,
    output_dim: int,
    name: str,
  ):
    """Keeps the layers; their weights are made by the first call.

    Args:
      stem: in the order in which they are applied.
      units: of blocks, in the order in which they are applied.
      max_pool: whether the stem ends with 1x3x3 pooling of stride 2 in space.
      output_dim: channels of the last block.
      name: of the network.
    """
    super().__init__(name=name)
    self.output_dim = output_dim
    self.stem = list(stem)
    self.max_pool = (
      tf.keras.layers.MaxPool3D((1, 3, 3), (1, 2, 2), padding="same")
      if max_pool
      else None
    )
    self.units = [list(unit) for unit in units]

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output_dim]: the mean of the feature map."""
    return tf.reduce_mean(self.feature_map(inputs, training), axis=[1, 2, 3])

  def feature_map(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, T', H', W', output_dim], after the last block.

    Args:
      inputs: float [B, T, H, W, C].
      training: whether batch norm uses and updates batch statistics.

    Raises:
      ValueError: `inputs` is not of rank 5.
      TypeError: `inputs` is not floating.
    """
    resnet_v2.check_input(inputs, "B, T, H, W, C", self.name)
    x = inputs
    for layer in self.stem:
      x = tf.nn.relu(layer(x, training=training))
    if self.max_pool is not None:
      x = self.max_pool(x)
    for unit in self.units:
      for block in unit:
        x = block(x, training=training)
    return tf.cast(x, tf.float32)
