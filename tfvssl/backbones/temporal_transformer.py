"""A small transformer in place of the mean over time."""

import enum
import math
from typing import TYPE_CHECKING

import tensorflow as tf

from tfvssl.backbones import pytorch_initialisation

if TYPE_CHECKING:
  from tfvssl.backbones import torch_names

_EPSILON = 1e-12  # released transformer.py
_STDDEV = 0.02  # of linear layers; likewise


class Token(enum.Enum):
  """Which output stands for the sequence.

  FIRST: that of the first step; released transformer.py, and the paper's
    42.4M parameters leave no room for another one.
  MEAN: the mean of all.
  CLASS: that of a learned step in front of the others.
  """

  FIRST = "first"
  MEAN = "mean"
  CLASS = "class"


class TemporalTransformer(tf.keras.layers.Layer):
  """Pools [B, L, D], one vector for each step of time, to [B, D].

  Post-norm layers of attention and two linear layers with an exact GELU
  between them. Without positions, what it knows of the order is which step is
  the first. Any length is taken; a cropped time is a shorter sequence.
  Source: STiCA Sec. 3.3 and app. 6.3, and released transformer.py for what
  they leave open.
  """

  def __init__(
    self,
    num_layers: int,
    name: str,
    *,
    width: int = 512,
    num_heads: int = 4,
    feed_forward: int = 2048,
    most_positions: int = 0,
    projects_values: bool = False,
    token: Token = Token.FIRST,
  ):
    """Makes the layers; their weights are made by the first call.

    Args:
      num_layers: of attention.
      name: of the layer.
      width: D.
      num_heads: that share it.
      feed_forward: width between the two linear layers.
      most_positions: length of a table of learned positions; 0 for none, as
        released.
      projects_values: whether attention has linear layers for its values and
        its output; released without.
      token: which output is returned.

    Raises:
      ValueError: `num_layers` is below 1, or the heads cannot share the width.
    """
    super().__init__(name=name)
    if num_layers < 1:
      raise ValueError(
        f"`num_layers` ({num_layers}) must be at least 1; for none take the"
        " mean over time."
      )
    if width % num_heads:
      raise ValueError(
        f"a `width` of {width} cannot be shared by {num_heads} heads; take a"
        " number of heads that divides it."
      )
    self.layers = [
      _Layer(width, num_heads, feed_forward, projects_values, f"layer_{number}")
      for number in range(num_layers)
    ]
    self._width = width
    self._normals = [pytorch_initialisation.normal(_STDDEV) for _ in range(2)]
    self.token = token
    self.most_positions = most_positions
    self.positions: tf.Variable | None = None
    self.class_token: tf.Variable | None = None

  def build(self, input_shape):
    """Makes what is added to the sequence, where something is."""
    if self.most_positions:
      self.positions = self.add_weight(
        "positions",
        [self.most_positions, self._width],
        initializer=self._normals[0],
      )
    if self.token == Token.CLASS:
      self.class_token = self.add_weight(
        "class", [self._width], initializer=self._normals[1]
      )
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns float32 [B, D] for [B, L, D]."""
    outputs = tf.cast(self.sequence(inputs), tf.float32)
    if self.token == Token.MEAN:
      return tf.reduce_mean(outputs, axis=1)
    return outputs[:, 0]

  def sequence(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns the outputs of all steps, [B, L, D] (L + 1 with CLASS).

    Raises:
      ValueError: the sequence is longer than the table of positions, or of
        unknown length where there is one.
    """
    x = inputs
    if self.class_token is not None:
      first = tf.broadcast_to(self.class_token, tf.shape(x[:, :1]))
      x = tf.concat([tf.cast(first, x.dtype), x], axis=1)
    if self.positions is not None:
      if x.shape[1] is None or x.shape[1] > self.most_positions:
        raise ValueError(
          f"a sequence of {x.shape[1]} steps must have a known length, at most"
          f" `most_positions` ({self.most_positions}); make the table longer."
        )
      x += tf.cast(self.positions[: x.shape[1]], x.dtype)
    for layer in self.layers:
      x = layer(x)
    return x

  def torch_weights(self) -> dict[str, "torch_names.Weight"]:
    """Returns all weights but CLASS by the names of the released network."""
    from tfvssl.backbones import torch_names  # for published weights

    found = {}
    if self.positions is not None:
      found["pos_embs.0.weight"] = torch_names.Weight(self.positions, (0, 1))
    for number, layer in enumerate(self.layers):
      for name, weight in layer.torch_weights().items():
        found[f"transformer.{number}.{name}"] = weight
    return found


class _Layer(tf.keras.layers.Layer):
  """Attention and two linear layers, each added to its input and normalised."""

  def __init__(self, width, num_heads, feed_forward, projects_values, name):
    super().__init__(name=name)
    self._num_heads = num_heads
    self._projects_values = projects_values
    self.query, self.key = _linear(width, "query"), _linear(width, "key")
    self.value = self.output_layer = None
    if projects_values:
      self.value = _linear(width, "value")
      self.output_layer = _linear(width, "output")
    self.inner = _linear(feed_forward, "inner")
    self.outer = _linear(width, "outer")
    self.attention_norm, self.norm = _norm("attention_norm"), _norm("norm")

  def call(self, inputs):
    x = self.attention_norm(inputs + self._attention(inputs))
    x = tf.cast(x, self.compute_dtype)
    inner = tf.nn.gelu(self.inner(x), approximate=False)
    return tf.cast(self.norm(x + self.outer(inner)), self.compute_dtype)

  def _attention(self, inputs):
    """Returns [B, L, D]."""
    queries, keys = map(self._heads, (self.query(inputs), self.key(inputs)))
    values = inputs if self.value is None else self.value(inputs)
    queries /= math.sqrt(queries.shape[-1])
    scores = tf.einsum("blhd,bmhd->bhlm", queries, keys)
    weights = tf.nn.softmax(tf.cast(scores, tf.float32), axis=-1)
    mixed = tf.einsum(
      "bhlm,bmhd->blhd", tf.cast(weights, values.dtype), self._heads(values)
    )
    mixed = tf.reshape(mixed, [-1, _length(inputs), inputs.shape[-1]])
    return mixed if self.output_layer is None else self.output_layer(mixed)

  def _heads(self, x):
    """Returns [B, L, heads, D / heads]."""
    return tf.reshape(
      x, [-1, _length(x), self._num_heads, x.shape[-1] // self._num_heads]
    )

  def torch_weights(self):
    """Returns the layer's weights by the names of the released network."""
    from tfvssl.backbones import torch_names  # for published weights

    linear = {
      "mha.q_lin": self.query,
      "mha.k_lin": self.key,
      "ffn.lin1": self.inner,
      "ffn.lin2": self.outer,
    }
    if self._projects_values:
      linear |= {"mha.v_lin": self.value, "mha.out_lin": self.output_layer}
    found = {}
    for name, layer in linear.items():
      found |= torch_names.of_linear(name, layer)
    for name, norm in (("norm1", self.attention_norm), ("norm2", self.norm)):
      found[f"{name}.weight"] = torch_names.Weight(norm.gamma, (0,))
      found[f"{name}.bias"] = torch_names.Weight(norm.beta, (0,))
    return found


def _length(x):
  """Returns the number of steps, a tensor where it is not known."""
  return tf.shape(x)[1] if x.shape[1] is None else x.shape[1]


def _linear(units, name):
  normal = pytorch_initialisation.normal(_STDDEV)
  return tf.keras.layers.Dense(units, kernel_initializer=normal, name=name)


def _norm(name):
  # Bfloat16 has no room for its epsilon.
  return tf.keras.layers.LayerNormalization(
    epsilon=_EPSILON, dtype="float32", name=name
  )
