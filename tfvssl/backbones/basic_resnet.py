"""R3D-18 of basic blocks, and ResNet-9 and -34 for spectrograms."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import tensorflow as tf

from tfvssl.backbones import residual_3d
from tfvssl.backbones import resnet_v2

if TYPE_CHECKING:
  from tfvssl.backbones import torch_names

_CHANNELS = (64, 128, 256, 512)
_STEM_CHANNELS = 64


@dataclasses.dataclass
class BasicResNetConfig(resnet_v2.ResNetConfig):
  """What the networks of basic blocks have in common.

  Attributes:
    blocks: number of blocks of each of up to four units.
    form: padding, initialisation and what is done to the input.
  """

  blocks: tuple[int, ...] = (2, 2, 2, 2)
  form: residual_3d.Form = dataclasses.field(
    default_factory=lambda: residual_3d.pytorch_form(is_normalised=False)
  )

  @property
  def output_dim(self) -> int:
    """Size of the representation."""
    return round(_CHANNELS[len(self.blocks) - 1] * self.width)

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate()
    self.form.validate()


class _BasicResNet(residual_3d.ResNet3D):
  """A stem, and units of blocks of two convolutions.

  Attributes:
    STEM_FRAMES: length in time of the stem's kernel.
    BLOCK_FRAMES: likewise, of the blocks'; 1 keeps the time.
    POOLS: whether the stem ends with pooling.
  """

  STEM_FRAMES: ClassVar[int]
  BLOCK_FRAMES: ClassVar[int]
  POOLS: ClassVar[bool]

  def __init__(self, resnet: BasicResNetConfig, name: str):
    """Makes the layers; their weights are made by the first call.

    Raises:
      ValueError: `resnet` breaks one of its rules.
    """
    resnet.validate()
    super().__init__(
      [_stem(resnet, (self.STEM_FRAMES, 7, 7))],
      _units(resnet, self.BLOCK_FRAMES),
      max_pool=self.POOLS,
      output_dim=resnet.output_dim,
      name=name,
      form=resnet.form,
    )


@dataclasses.dataclass
class BasicR3DConfig(BasicResNetConfig):
  """R3D-18 by default, of frames in [0, 1] that it normalises.

  It has 33,166,272 trainable parameters.
  """

  form: residual_3d.Form = dataclasses.field(
    default_factory=lambda: residual_3d.pytorch_form(is_normalised=True)
  )

  def build(self, name: str) -> "BasicR3D":
    """Returns the network; its first call makes the weights."""
    return BasicR3D(self, name)


class BasicR3D(_BasicResNet):
  """Stem 3x7x7 without pooling, then blocks of two 3x3x3 convolutions.

  The last three units halve time, height and width.
  Source: released vmz.py of STiCA; torchvision's r3d_18 is the same network.
  """

  STEM_FRAMES, BLOCK_FRAMES, POOLS = 3, 3, False

  def torch_weights(self) -> dict[str, "torch_names.Weight"]:
    """Returns all weights by the names of the released network."""
    from tfvssl.backbones import torch_names  # for published weights

    branch = (("conv1.0", "conv1.1"), ("conv2.0", "conv2.1"))
    layers = [
      ("stem.0", "stem.1", self.stem[0]),
      *torch_names.of_blocks(self.units, branch),
    ]
    return torch_names.of_layers(layers, (2, 3, 4, 1, 0))


@dataclasses.dataclass
class BasicAudioResNetConfig(BasicResNetConfig):
  """ResNet-9 by default, one block a unit; ResNet-34 is (3, 4, 6, 3)."""

  blocks: tuple[int, ...] = (1, 1, 1, 1)

  def build(self, name: str) -> "BasicAudioResNet":
    """Returns the network; its first call makes the weights."""
    return BasicAudioResNet(self, name)


class BasicAudioResNet(_BasicResNet):
  """Maps a spectrogram [B, S, M] to float32 [B, D]; time is the height.

  Stem 7x7 and pooling 3x3, both of stride 2, then blocks of two 3x3
  convolutions. Of a spectrogram it makes a video of one frame.
  Source: released resnet.py of STiCA (ResNet-9); He et al., "Deep Residual
  Learning", Table 1 (ResNet-34).
  """

  STEM_FRAMES, BLOCK_FRAMES, POOLS = 1, 1, True

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output_dim]: the mean of the feature map."""
    return tf.reduce_mean(self.feature_map(inputs, training), axis=[1, 2])

  def feature_map(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, S', M', output_dim], after the last block.

    Args:
      inputs: float [B, S, M].
      training: whether batch norm uses and updates batch statistics.

    Raises:
      ValueError: `inputs` is not of rank 3.
      TypeError: `inputs` is not floating.
    """
    resnet_v2.check_input(inputs, "B, S, M", self.name)
    video = inputs[:, tf.newaxis, :, :, tf.newaxis]
    return tf.squeeze(super().feature_map(video, training), axis=1)

  def torch_weights(self) -> dict[str, "torch_names.Weight"]:
    """Returns all weights by the names of the released network.

    Its images have the frequencies as height, ours have the time.
    """
    from tfvssl.backbones import torch_names  # for published weights

    branch = (("conv1", "bn1"), ("conv2", "bn2"))
    layers = [
      ("conv1", "bn1", self.stem[0]),
      *torch_names.of_blocks(self.units, branch),
    ]
    return torch_names.of_layers(layers, (3, 2, 1, 0))


def _stem(resnet, size):
  channels = round(_STEM_CHANNELS * resnet.width)
  return residual_3d.ConvNorm(channels, size, (1, 2, 2), "stem", resnet.form)


def _units(resnet, temporal_size):
  """Returns the blocks of every unit; one frame has no time to halve."""
  return [
    [_block(resnet, unit, number, temporal_size) for number in range(count)]
    for unit, count in enumerate(resnet.blocks)
  ]


def _block(resnet, unit, number, temporal_size):
  channels = round(_CHANNELS[unit] * resnet.width)
  halves = unit > 0 and number == 0
  one, two = (1, 1, 1), (2 if temporal_size > 1 else 1, 2, 2)
  stride = two if halves else one
  size = (temporal_size, 3, 3)
  return residual_3d.ResidualBlock(
    [
      residual_3d.ConvNorm(channels, size, stride, "conv_0", resnet.form),
      residual_3d.ConvNorm(channels, size, one, "conv_1", resnet.form),
    ],
    residual_3d.ConvNorm(channels, one, stride, "shortcut", resnet.form)
    if halves
    else None,
    name=f"unit_{unit}_block_{number}",
  )
