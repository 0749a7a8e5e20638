"""The head of STiCA: two linear layers to a vector of unit length."""

import typing

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import pytorch_initialisation

if typing.TYPE_CHECKING:
  from tfvssl.backbones import torch_names


class UnitHead(tf.keras.layers.Layer):
  """Linear without bias, BN, relu, linear, and the result's direction.

  The layers start as PyTorch's do. Source: STiCA app. 6.1; released model.py,
  but for its dropout of 0.3 in front of both linear layers, which the paper
  does not have.
  """

  def __init__(self, hidden: int = 512, output: int = 256, name: str = "head"):
    """Makes the layers; their weights are made by the first call."""
    super().__init__(name=name)
    uniform = pytorch_initialisation.pytorch_linear
    self.hidden = tf.keras.layers.Dense(
      hidden, use_bias=False, kernel_initializer=uniform(), name="linear"
    )
    self.norm = batch_norm.batch_norm("batch_norm")
    # In float32, as the cosines that it is for.
    self.output_layer = tf.keras.layers.Dense(
      output,
      kernel_initializer=uniform(),
      bias_initializer=pytorch_initialisation.pytorch_bias(hidden),
      dtype="float32",
      name="linear_1",
    )

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns z, float32 [B, output] of unit length, for [B, D]."""
    x = tf.nn.relu(self.norm(self.hidden(inputs), training=training))
    return tf.math.l2_normalize(self.output_layer(x), axis=-1)

  def torch_weights(self) -> dict[str, "torch_names.Weight"]:
    """Returns all weights by the names that STiCA and GDT publish."""
    from tfvssl.backbones import torch_names  # for published weights

    return {
      **torch_names.of_linear("block_forward.2", self.hidden),
      **torch_names.of_norm("block_forward.4", self.norm),
      **torch_names.of_linear("block_forward.8", self.output_layer),
    }
