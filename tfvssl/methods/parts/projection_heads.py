"""The projection heads of MMV, paper Fig. 3d, and between its spaces."""

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import initialisation
from tfvssl.methods.parts import heads


class LinearHead(tf.keras.layers.Layer):
  """One linear layer with bias, in float32; MMV paper Fig. 3d."""

  def __init__(self, output: int, name: str):
    """Makes the layer; its weights are made by the first call."""
    super().__init__(name=name)
    self.linear = heads.linear(output, "final_projection", dtype="float32")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output] for [B, D]; the same in training."""
    del training
    return self.linear(inputs)

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by published name."""
    return heads.published(root, {self.linear.name: self.linear})


class NonLinearHead(tf.keras.layers.Layer):
  """Linear, BN, relu, linear without bias, BN; MMV paper Fig. 3d.

  Source of the last BN and of the sizes: released mm_embeddings.py.
  """

  def __init__(self, output: int, name: str):
    """Makes the layers; the hidden size is that of the output."""
    super().__init__(name=name)
    self.hidden = heads.linear(output, "final_projection_inner")
    self.linear = tf.keras.layers.Dense(
      output,
      use_bias=False,
      kernel_initializer=initialisation.fan_in_truncated_normal(),
      name="final_projection",
    )
    self.norms = [
      batch_norm.batch_norm("batch_norm"),
      batch_norm.batch_norm("batch_norm_1"),
    ]

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output] for [B, D]."""
    x = self.norms[0](self.hidden(inputs), training=training)
    x = self.linear(tf.nn.relu(x))
    return self.norms[1](x, training=training)

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by published name."""
    layers = {x.name: x for x in [self.hidden, self.linear, *self.norms]}
    return heads.published(root, layers)


class FineToCoarse(tf.keras.layers.Layer):
  """g_va->vat: a linear layer with BN from the fine to the coarse space.

  Source: MMV paper Sec. 3.1, Option III; BN, and the relu in front that the
  paper does not have, in released mm_embeddings.py.
  """

  def __init__(self, output: int, name: str, *, relu: bool):
    """Makes the layers.

    Args:
      output: size of the coarse space.
      name: of the layer.
      relu: whether the fine embedding goes through a relu first.
    """
    super().__init__(name=name)
    self.relu = relu
    self.linear = heads.linear(output, "final_projection")
    self.norm = batch_norm.batch_norm("batch_norm")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output] for the fine embedding [B, E]."""
    x = tf.nn.relu(inputs) if self.relu else inputs
    return self.norm(self.linear(x), training=training)

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by published name."""
    layers = {self.linear.name: self.linear, self.norm.name: self.norm}
    return heads.published(root, layers)
