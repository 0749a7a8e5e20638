"""The pre-activation residual network that video and audio networks share."""

from collections.abc import Iterator
import dataclasses

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.backbones import initialisation
from tfvssl.backbones import temporal_shift
from tfvssl.config import experiment

_STEM_CHANNELS = 64
_CHANNELS = (256, 512, 1024, 2048)
_STRIDES = (1, 2, 2, 2)


@dataclasses.dataclass
class ResNetConfig(experiment.BackboneConfig):
  """Depth and width; the defaults are those of ResNet-50.

  Attributes:
    blocks: number of blocks of each of up to four units.
    width: multiplies every number of channels.
  """

  blocks: tuple[int, ...] = (3, 4, 6, 3)
  width: float = 1.0

  @property
  def output_dim(self) -> int:
    """Size of the representation."""
    return round(_CHANNELS[len(self.blocks) - 1] * self.width)

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not 1 <= len(self.blocks) <= len(_CHANNELS) or min(self.blocks) < 1:
      raise ValueError(
        f"`blocks` ({self.blocks}) must hold 1 to {len(_CHANNELS)} numbers"
        " above 0; ResNet-50 has (3, 4, 6, 3)."
      )
    channels = _STEM_CHANNELS * self.width
    if channels < 1 or channels != round(channels):
      raise ValueError(
        f"`width` ({self.width}) must be a positive multiple of"
        f" 1/{_STEM_CHANNELS}; try 0.25, 0.5, 1 or 2."
      )


def conv(
  channels: int, size: int, stride: int, name: str
) -> tf.keras.layers.Conv2D:
  """Returns a convolution without bias, padded as TensorFlow's SAME."""
  return tf.keras.layers.Conv2D(
    channels,
    size,
    strides=stride,
    padding="same",
    use_bias=False,
    kernel_initializer=initialisation.fan_in_truncated_normal(),
    name=name,
  )


class Bottleneck(tf.keras.layers.Layer):
  """x + conv1x1(conv3x3(conv1x1(a))), a = relu(BN(x)), BN and relu between.

  The stride is that of the 3x3 convolution and of the shortcut. Nothing
  follows the sum, and no scale starts at zero.
  Source: released resnet.py and tsm_resnet.py.
  """

  def __init__(
    self,
    channels: int,
    stride: int,
    *,
    project: bool,
    shift_fraction: float,
    name: str,
  ):
    """Makes the layers.

    Args:
      channels: of the output; the bottleneck has a quarter.
      stride: in height and width.
      project: whether the shortcut is a convolution of a, else it is x.
      shift_fraction: of the channels of a that the residual branch takes from
        the next frame, and from the previous one.
      name: of the layer.
    """
    super().__init__(name=name)
    self.shift_fraction = shift_fraction
    self.norms = [
      batch_norm.batch_norm(norm)
      for norm in ("batch_norm", "batch_norm_1", "batch_norm_2")
    ]
    self.convs = [
      conv(channels // 4, 1, 1, "conv_0"),
      conv(channels // 4, 3, stride, "conv_1"),
      conv(channels, 1, 1, "conv_2"),
    ]
    self.shortcut_conv = (
      conv(channels, 1, stride, "shortcut_conv") if project else None
    )

  def call(
    self,
    inputs: tf.Tensor,
    training: bool = False,
    num_frames: int | tf.Tensor = 1,
  ) -> tf.Tensor:
    """Returns [B * T, H / stride, W / stride, channels].

    Args:
      inputs: float [B * T, H, W, C].
      training: whether batch norm uses and updates batch statistics.
      num_frames: T.
    """
    x = tf.nn.relu(self.norms[0](inputs, training=training))
    shortcut = inputs
    if self.shortcut_conv is not None:
      shortcut = self.shortcut_conv(x)
    # The shortcut above sees x unshifted.
    x = temporal_shift.shift_folded(x, num_frames, self.shift_fraction)
    x = self.convs[0](x)
    x = tf.nn.relu(self.norms[1](x, training=training))
    x = self.convs[1](x)
    x = tf.nn.relu(self.norms[2](x, training=training))
    return shortcut + self.convs[2](x)

  def layers_by_name(self) -> dict[str, tf.keras.layers.Layer]:
    """Returns every convolution and batch norm by its name in the block."""
    layers = [*self.norms, *self.convs]
    if self.shortcut_conv is not None:
      layers.append(self.shortcut_conv)
    return {layer.name: layer for layer in layers}


class ResNetV2(tf.keras.Model):
  """Stem, units of bottlenecks, and a last batch norm with relu.

  A subclass gives `endpoints`, which says how its input becomes images.
  """

  def __init__(
    self, resnet: ResNetConfig, name: str, shift_fraction: float = 0.0
  ):
    """Makes the layers; their weights are made by the first call.

    Raises:
      ValueError: `resnet` breaks one of its rules.
    """
    resnet.validate()
    super().__init__(name=name)
    self.output_dim = resnet.output_dim
    self.stem = conv(round(_STEM_CHANNELS * resnet.width), 7, 2, "stem")
    self.max_pool = tf.keras.layers.MaxPool2D(3, 2, padding="same")
    self.units = [
      [
        Bottleneck(
          round(_CHANNELS[unit] * resnet.width),
          _STRIDES[unit] if block == 0 else 1,
          project=block == 0,
          shift_fraction=shift_fraction,
          name=f"unit_{unit}_block_{block}",
        )
        for block in range(count)
      ]
      for unit, count in enumerate(resnet.blocks)
    ]
    self.norm = batch_norm.batch_norm("batch_norm")

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output_dim]: the mean of the feature map."""
    features = self.feature_map(inputs, training)
    return tf.reduce_mean(
      features, axis=list(range(1, features.shape.rank - 1))
    )

  def feature_map(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, ..., output_dim], what `call` takes the mean of."""
    return self.endpoints(inputs, training)["last_conv"]

  def endpoints(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns the activations after every stage by their published names."""
    raise TypeError(f"{type(self).__name__} defines no `endpoints`.")

  def stages(
    self,
    images: tf.Tensor,
    training: bool,
    num_frames: int | tf.Tensor = 1,
  ) -> Iterator[tf.Tensor]:
    """Yields the activations after the stem, every unit, and the last relu.

    Args:
      images: float [B * T, H, W, C].
      training: whether batch norm uses and updates batch statistics.
      num_frames: T.
    """
    x = self.max_pool(self.stem(images))
    yield x
    for unit in self.units:
      for block in unit:
        x = block(x, training=training, num_frames=num_frames)
      yield x
    yield tf.nn.relu(self.norm(x, training=training))


def check_input(inputs: tf.Tensor, axes: str, name: str) -> None:
  """Raises unless `inputs` is floating with the axes that `axes` names.

  Raises:
    ValueError: another rank.
    TypeError: integers.
  """
  rank = len(axes.split(","))
  if inputs.shape.rank != rank:
    raise ValueError(
      f"input of `{name}` (shape {inputs.shape}) must be [{axes}], of rank"
      f" {rank}."
    )
  if not inputs.dtype.is_floating:
    raise TypeError(
      f"input of `{name}` ({inputs.dtype.name}) must be floating; scale"
      " uint8 video by 1/255 first."
    )
