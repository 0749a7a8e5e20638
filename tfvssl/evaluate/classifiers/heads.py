"""What stands on a backbone's features, and the losses that train it."""

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.methods.parts import heads as layers


class LinearHead(tf.keras.layers.Layer):
  """Batch norm and a linear layer. Source: paper appendix B."""

  def __init__(self, num_classes: int, name: str = "linear_head"):
    """Makes the layers; their weights are made by the first call."""
    super().__init__(name=name)
    self.norm = batch_norm.batch_norm("batch_norm")
    self.linear = layers.linear(num_classes, "linear", dtype="float32")

  def call(
    self,
    inputs: tf.Tensor,
    training: bool = False,
    kept: tf.Tensor | None = None,
  ) -> tf.Tensor:
    """Returns logits, float32 [B, K].

    Args:
      inputs: features [B, D].
      training: whether batch norm uses and updates batch statistics.
      kept: float32 [B, D], factors of dropout; None for none.
    """
    x = self.norm(inputs, training=training)
    return self.linear(x if kept is None else x * kept)


class PlainHead(tf.keras.layers.Layer):
  """A linear layer and nothing else. Source: MMV paper, appendix A.2."""

  def __init__(self, num_classes: int, name: str = "linear_head"):
    """Makes the layer; its weights are made by the first call."""
    super().__init__(name=name)
    self.linear = layers.linear(num_classes, "linear", dtype="float32")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns logits, float32 [B, K], for features [B, D]."""
    del training  # makes no difference
    return self.linear(inputs)


class MlpHead(tf.keras.layers.Layer):
  """Batch norm, linear, batch norm, relu, linear. Source: paper appendix B."""

  def __init__(self, hidden_dim: int, num_classes: int, name: str = "mlp_head"):
    """Makes the layers; their weights are made by the first call."""
    super().__init__(name=name)
    self.norms = [
      batch_norm.batch_norm("batch_norm"),
      batch_norm.batch_norm("batch_norm_1"),
    ]
    self.linears = [
      layers.linear(hidden_dim, "linear"),
      layers.linear(num_classes, "linear_1", dtype="float32"),
    ]

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns logits, float32 [B, K], for features [B, D]."""
    x = self.linears[0](self.norms[0](inputs, training=training))
    x = self.norms[1](x, training=training)
    return self.linears[1](tf.nn.relu(x))


def softmax_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
  """Returns the cross-entropy, float32 [B], of one right column per row.

  Args:
    logits: float32 [B, K].
    labels: integers [B, 1], the right columns.
  """
  return tf.nn.sparse_softmax_cross_entropy_with_logits(
    labels=labels[:, 0], logits=logits
  )


def sigmoid_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
  """Returns the sum over classes of the binary cross-entropies, float32 [B].

  Args:
    logits: float32 [B, K].
    labels: integers [B, L], the right columns, filled up with -1.
  """
  targets = tf.reduce_max(tf.one_hot(labels, logits.shape[-1]), axis=1)
  return tf.reduce_sum(
    tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits), -1
  )
