"""The post-activation residual network over space and time.

R3D, R(2+1)D and the basic ResNets share it: they differ in which convolutions a
branch has.

By default padding is TensorFlow's SAME, as in every network of BraVe and MMV.
The PyTorch and Caffe2 implementations pad symmetrically; where the stride is 2
and the size even, they look one pixel (or frame) further back.
"""

from collections.abc import Sequence
import dataclasses
import enum

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import initialisation
from tfvssl.backbones import pytorch_initialisation
from tfvssl.backbones import resnet_v2


class Padding(enum.Enum):
  """What stands around the input of a convolution or of pooling.

  SAME: TensorFlow's, which looks further ahead where the stride is 2 and the
    size even; the networks of BraVe's paper.
  SYMMETRIC: as much before as behind, PyTorch's and Caffe2's.
  """

  SAME = "same"
  SYMMETRIC = "symmetric"


class Initialisation(enum.Enum):
  """How the kernels start.

  FAN_IN: a cut normal distribution of variance below 1 / fan-in; released
    networks of BraVe and MMV.
  FAN_OUT: He et al.'s normal distribution of variance 2 / fan-out; released
    networks of STiCA.
  """

  FAN_IN = "fan_in"
  FAN_OUT = "fan_out"


@dataclasses.dataclass
class Form:
  """What all layers of a network have in common.

  Attributes:
    padding: of convolutions and pooling.
    initialisation: of the kernels.
    input_mean: is taken off the input, inside the network.
    input_scale: divides what is left.
  """

  padding: Padding = Padding.SAME
  initialisation: Initialisation = Initialisation.FAN_IN
  input_mean: float = 0.0
  input_scale: float = 1.0

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not self.input_scale > 0:
      raise ValueError(
        f"`form.input_scale` ({self.input_scale}) must be above 0; 1 changes"
        " nothing."
      )


def pytorch_form(*, is_normalised: bool) -> Form:
  """Returns the form of PyTorch's networks.

  Args:
    is_normalised: whether frames in [0, 1] are brought to mean 0 and scale 1.
  Source: released datasets/AVideoDataset.py and models of STiCA.
  """
  mean, scale = (0.45, 0.225) if is_normalised else (0.0, 1.0)
  return Form(Padding.SYMMETRIC, Initialisation.FAN_OUT, mean, scale)


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
    form: Form | None = None,
  ):
    """Makes the layers.

    Args:
      channels: of the output.
      size: of the kernel in time, height and width.
      stride: in time, height and width.
      name: of the layer.
      form: of the network; the default one where it is None.
    """
    super().__init__(name=name)
    if form is None:
      form = Form()
    self._margins = _margins(size, stride, form.padding)
    self.conv = tf.keras.layers.Conv3D(
      channels,
      size,
      strides=stride,
      padding="valid" if self._margins else "same",
      use_bias=False,
      kernel_initializer=_INITIALISERS[form.initialisation](),
      name="conv",
    )
    self.norm = batch_norm.batch_norm("batch_norm")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns [B, T / stride, H / stride, W / stride, channels]."""
    x = self.conv(_padded(inputs, self._margins))
    x = self.norm(x, training=training)
    return tf.cast(x, self.compute_dtype)


_INITIALISERS = {
  Initialisation.FAN_IN: initialisation.fan_in_truncated_normal,
  Initialisation.FAN_OUT: pytorch_initialisation.fan_out_he_normal,
}


def _margins(size, stride, padding):
  """Returns what is added on both sides, None where SAME adds as much."""
  if padding == Padding.SAME or tuple(stride) == (1, 1, 1):
    return None
  return [(length - 1) // 2 for length in size]


def _padded(inputs, margins):
  """Returns [B, T, H, W, C] with zeros around it."""
  if margins is None:
    return inputs
  return tf.pad(inputs, [(0, 0), *((one, one) for one in margins), (0, 0)])


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
  """

  def __init__(
    self,
    stem: Sequence[ConvNorm],
    units: Sequence[Sequence[ResidualBlock]],
    *,
    max_pool: bool,
    output_dim: int,
    name: str,
    form: Form | None = None,
  ):
    """Keeps the layers; their weights are made by the first call.

    Args:
      stem: in the order in which they are applied.
      units: of blocks, in the order in which they are applied.
      max_pool: whether the stem ends with 1x3x3 pooling of stride 2 in space.
      output_dim: channels of the last block.
      name: of the network.
      form: of its layers and its input; the default one where it is None.
    """
    super().__init__(name=name)
    if form is None:
      form = Form()
    self.output_dim = output_dim
    self.stem = list(stem)
    self.form = form
    window, stride = (1, 3, 3), (1, 2, 2)
    self._pool_margins = _margins(window, stride, form.padding)
    padding = "valid" if self._pool_margins else "same"
    self.max_pool = (
      tf.keras.layers.MaxPool3D(window, stride, padding) if max_pool else None
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
    x = _normalised(inputs, self.form)
    for layer in self.stem:
      x = tf.nn.relu(layer(x, training=training))
    if self.max_pool is not None:
      # Behind a relu zeros around it are as good as nothing.
      x = self.max_pool(_padded(x, self._pool_margins))
    for unit in self.units:
      for block in unit:
        x = block(x, training=training)
    return tf.cast(x, tf.float32)


def _normalised(inputs, form):
  """Returns the input as the layers take it."""
  if (form.input_mean, form.input_scale) == (0.0, 1.0):
    return inputs
  return (inputs - form.input_mean) / form.input_scale
