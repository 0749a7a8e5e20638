"""What stands on a backbone: projectors, predictor and the adapter."""

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import initialisation


def linear(
  size: int, name: str, dtype: str | None = None
) -> tf.keras.layers.Dense:
  """Returns a linear layer with bias."""
  return tf.keras.layers.Dense(
    size,
    kernel_initializer=initialisation.fan_in_truncated_normal(),
    dtype=dtype,
    name=name,
  )


class Projector(tf.keras.layers.Layer):
  """g: linear, BN, relu, linear, BN. Source: released modules.py."""

  def __init__(
    self, hidden: int = 4096, output: int = 128, name: str = "projector"
  ):
    """Makes the layers; their weights are made by the first call."""
    super().__init__(name=name)
    self.linears = [linear(hidden, "linear"), linear(output, "linear_1")]
    self.norms = [
      batch_norm.batch_norm("batch_norm"),
      batch_norm.batch_norm("batch_norm_1"),
    ]

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns z, float32 [B, output], for [B, D]."""
    x = self.norms[0](self.linears[0](inputs), training=training)
    x = self.linears[1](tf.nn.relu(x))
    return self.norms[1](x, training=training)

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by published name; `root` as in `.../projector`."""
    layers = {layer.name: layer for layer in [*self.linears, *self.norms]}
    return published(root, layers)


class Predictor(tf.keras.layers.Layer):
  """h: linear, BN, relu, linear. Source: released modules.py.

  Optimisers find its variables by "predictor" in their names.
  """

  def __init__(
    self, hidden: int = 4096, output: int = 128, name: str = "predictor"
  ):
    """Makes the layers; their weights are made by the first call."""
    super().__init__(name=name)
    # The last layer is in float32, as losses and norms are.
    self.linears = [
      linear(hidden, "linear"),
      linear(output, "linear_1", dtype="float32"),
    ]
    self.norm = batch_norm.batch_norm("batch_norm")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns h(z), float32 [B, output], for z [B, E]."""
    x = self.norm(self.linears[0](inputs), training=training)
    return self.linears[1](tf.nn.relu(x))

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by published name; `root` as in `.../predictor`."""
    layers = {layer.name: layer for layer in [*self.linears, self.norm]}
    return published(root, layers)


class Adapter(tf.keras.layers.Layer):
  """The linear layer that gives f_b the dimension of f_n.

  Source: paper Sec. 3.2; the released code has none.
  """

  def __init__(self, dim: int, name: str = "adapter"):
    """Makes the layer; its weights are made by the first call."""
    super().__init__(name=name)
    self.linear = linear(dim, "linear", dtype="float32")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, dim] for [B, D]; the same in training."""
    del training
    return self.linear(inputs)


def published(
  root: str, layers: dict[str, tf.keras.layers.Layer]
) -> dict[str, tf.Variable]:
  """Returns the variables of layers below `root` by published name."""
  from tfvssl.backbones import haiku_names  # for published weights

  return haiku_names.variables(root, layers)
