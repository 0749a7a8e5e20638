"""R(2+1)D: a ResNet whose 3D convolutions are split into space and time."""

import dataclasses
import enum
import typing

from tfvssl.backbones import residual_3d
from tfvssl.backbones import resnet_v2

if typing.TYPE_CHECKING:
  from tfvssl.backbones import torch_names

_CHANNELS = (64, 128, 256, 512)
_EXPANSION = 4
_STEM_CHANNELS = 64
# Between the 1x7x7 and the 3x1x1 convolution of the stem. The formula of the
# blocks would give 83; Tran et al.'s code and torchvision's have 45.
_STEM_MID_CHANNELS = 45
# Published names of a basic block's convolutions and norms.
_TORCH_BRANCH = (
  ("conv1.0.0", "conv1.0.1"),
  ("conv1.0.3", "conv1.1"),
  ("conv2.0.0", "conv2.0.1"),
  ("conv2.0.3", "conv2.1"),
)


class Residual(enum.Enum):
  """What a block's branch is made of.

  BASIC: two split 3x3x3 convolutions; R(2+1)D-18 and -34.
  BOTTLENECK: one, between two 1x1x1 convolutions; R(2+1)D-50 and deeper.
  """

  BASIC = "basic"
  BOTTLENECK = "bottleneck"


class MidWidth(enum.Enum):
  """Whose channels give the width between the two parts of a convolution.

  CONVOLUTION: its own, as in Tran et al.'s Caffe2 code; the paper's counts
    belong to it.
  BLOCK: the input of its block and its own output, as in torchvision, where
    they are called midplanes.
  Both are described in facebookresearch/VMZ issues 82 and 89.
  """

  CONVOLUTION = "convolution"
  BLOCK = "block"


@dataclasses.dataclass
class R2Plus1DConfig(resnet_v2.ResNetConfig):
  """R(2+1)D-18 by default; -50 is (3, 4, 6, 3) of BOTTLENECK.

  Trainable parameters, and what the paper prints:

               CONVOLUTION  BLOCK       paper
  R(2+1)D-18   33,165,639   31,300,125  33.3M
  R(2+1)D-50   46,165,457   53,130,091  46.9M

  The paper does not say what it counts. To the printed digit its figures are
  those of CONVOLUTION with a linear layer for the 400 classes of Kinetics and
  without batch norm: 33,344,679 and 46,914,855. The model zoo of Tran et al.'s
  code counts in that way: its 63.6M of R(2+1)D-34 and 118.0M of -152 are
  63,646,887 and 118,021,415 here.

  The paper trains R(2+1)D-18 with a weight decay of 1e-7 (Sec. 4.1).

  Attributes:
    blocks: number of blocks of each of up to four units.
    residual: kind of block.
    mid_width: between the two parts of a convolution.
    channels: of the 3x3x3 convolutions of each unit, before `width`.
    form: padding, initialisation and what is done to the input.
  """

  blocks: tuple[int, ...] = (2, 2, 2, 2)
  residual: Residual = Residual.BASIC
  mid_width: MidWidth = MidWidth.CONVOLUTION
  channels: tuple[int, ...] = _CHANNELS
  form: residual_3d.Form = dataclasses.field(default_factory=residual_3d.Form)

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate()
    if len(self.channels) < len(self.blocks):
      raise ValueError(
        f"`channels` ({self.channels}) must have one number for each of the"
        f" {len(self.blocks)} units of `blocks`."
      )
    self.form.validate()

  @property
  def output_dim(self) -> int:
    """Size of the representation."""
    return self.output_channels(len(self.blocks) - 1)

  def inner_channels(self, unit: int) -> int:
    """Returns the channels of the 3x3x3 convolutions of a unit."""
    return round(self.channels[unit] * self.width)

  def output_channels(self, unit: int) -> int:
    """Returns the channels of what the blocks of a unit return."""
    expansion = _EXPANSION if self.residual == Residual.BOTTLENECK else 1
    return expansion * self.inner_channels(unit)

  def build(self, name: str) -> "R2Plus1D":
    """Returns the network; its first call makes the weights."""
    return R2Plus1D(self, name)


class R2Plus1D(residual_3d.ResNet3D):
  """Stem 1x7x7 and 3x1x1, then blocks of 1x3x3 and 3x1x1 convolutions.

  The last three units halve time, height and width. No pooling follows the
  stem.
  Source: Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action
  Recognition", Sec. 3.5 and Table 1, and their code for what it leaves open;
  paper Sec. 4.1.
  """

  def __init__(self, r2plus1d: R2Plus1DConfig, name: str):
    """Makes the layers; their weights are made by the first call.

    Raises:
      ValueError: `r2plus1d` breaks one of its rules.
    """
    r2plus1d.validate()
    width = r2plus1d.width
    form = r2plus1d.form
    super().__init__(
      [
        residual_3d.ConvNorm(
          round(_STEM_MID_CHANNELS * width),
          (1, 7, 7),
          (1, 2, 2),
          "stem_spatial",
          form,
        ),
        residual_3d.ConvNorm(
          round(_STEM_CHANNELS * width),
          (3, 1, 1),
          (1, 1, 1),
          "stem_temporal",
          form,
        ),
      ],
      [
        [_block(r2plus1d, unit, number) for number in range(count)]
        for unit, count in enumerate(r2plus1d.blocks)
      ],
      max_pool=False,
      output_dim=r2plus1d.output_dim,
      name=name,
      form=form,
    )

  def torch_weights(self) -> dict[str, "torch_names.Weight"]:
    """Returns all weights by the names that STiCA and GDT publish.

    Blocks are BASIC, as there.
    """
    from tfvssl.backbones import torch_names  # for published weights

    spatial, temporal = self.stem
    layers = [
      ("stem.0", "stem.1", spatial),
      ("stem.3", "stem.4", temporal),
      *torch_names.of_blocks(self.units, _TORCH_BRANCH),
    ]
    return torch_names.of_layers(layers, (2, 3, 4, 1, 0))


def mid_channels(inputs: int, outputs: int) -> int:
  """Returns M with which both parts have as many weights as 3x3x3 has.

  9 * inputs * M + 3 * M * outputs is at most 27 * inputs * outputs.
  Source: Tran et al., Sec. 3.5, with t = d = 3.
  """
  return 27 * inputs * outputs // (9 * inputs + 3 * outputs)


def _block(r2plus1d, unit, number):
  stride = 2 if number == 0 and unit > 0 else 1
  outputs = r2plus1d.output_channels(unit)
  if number > 0:
    inputs = outputs
  elif unit > 0:
    inputs = r2plus1d.output_channels(unit - 1)
  else:
    inputs = round(_STEM_CHANNELS * r2plus1d.width)
  branch = _basic if r2plus1d.residual == Residual.BASIC else _bottleneck
  shortcut = None
  if inputs != outputs or stride > 1:
    shortcut = residual_3d.ConvNorm(
      outputs, (1, 1, 1), (stride,) * 3, "shortcut", r2plus1d.form
    )
  return residual_3d.ResidualBlock(
    branch(inputs, r2plus1d.inner_channels(unit), stride, r2plus1d),
    shortcut,
    name=f"unit_{unit}_block_{number}",
  )


def _basic(inputs, channels, stride, r2plus1d):
  first = mid_channels(inputs, channels)
  second = first
  if r2plus1d.mid_width == MidWidth.CONVOLUTION:
    second = mid_channels(channels, channels)
  form = r2plus1d.form
  return [
    *_split_conv(channels, first, stride, "conv_0", form),
    *_split_conv(channels, second, 1, "conv_1", form),
  ]


def _bottleneck(inputs, channels, stride, r2plus1d):
  own = r2plus1d.mid_width == MidWidth.CONVOLUTION
  mid = mid_channels(channels if own else inputs, channels)
  pointwise, form = (1, 1, 1), r2plus1d.form
  wide = _EXPANSION * channels
  return [
    residual_3d.ConvNorm(channels, pointwise, (1, 1, 1), "conv_0", form),
    *_split_conv(channels, mid, stride, "conv_1", form),
    residual_3d.ConvNorm(wide, pointwise, (1, 1, 1), "conv_2", form),
  ]


def _split_conv(channels, mid, stride, name, form):
  return [
    residual_3d.ConvNorm(
      mid, (1, 3, 3), (1, stride, stride), f"{name}_spatial", form
    ),
    residual_3d.ConvNorm(
      channels, (3, 1, 1), (stride, 1, 1), f"{name}_temporal", form
    ),
  ]
