"""R3D-50: the slow pathway of SlowFast, a ResNet-50 with a few 3D kernels."""

import dataclasses

from tfvssl.backbones import residual_3d
from tfvssl.backbones import resnet_v2

_STEM_CHANNELS = 64
_CHANNELS = (256, 512, 1024, 2048)
# Of the first convolution of every block: only the last two units see more
# than one frame at a time.
_TEMPORAL_SIZES = (1, 1, 3, 3)


@dataclasses.dataclass
class R3DConfig(resnet_v2.ResNetConfig):
  """R3D-50 by default. The paper samples its views at 6.25 frames per second.

  R3D-50 has 31,634,496 trainable parameters. The paper prints 31.8M, as for
  the methods that it compares with, and does not say what it counts. Nothing
  in the network is left to choose that would make up for the difference; a
  linear layer for the 101 classes of UCF101 would: 31,841,445.
  """

  def build(self, name: str) -> "R3D":
    """Returns the network; its first call makes the weights."""
    return R3D(self, name)


class R3D(residual_3d.ResNet3D):
  """Stem 1x7x7 and pooling, then bottlenecks of t x 1x1, 1x3x3, 1x1x1.

  t is 1 in the first two units and 3 in the last two. Time keeps its length.
  The stride is that of the 1x3x3 convolution and of the shortcut.
  Source: paper Sec. 4.1, which refers to Feichtenhofer et al., "A Large-Scale
  Study on Unsupervised Spatiotemporal Representation Learning" (Slow
  pathway), and so to SlowFast Networks, Table 1.
  """

  def __init__(self, r3d: R3DConfig, name: str):
    """Makes the layers; their weights are made by the first call.

    Raises:
      ValueError: `r3d` breaks one of its rules.
    """
    r3d.validate()
    super().__init__(
      [
        residual_3d.ConvNorm(
          round(_STEM_CHANNELS * r3d.width), (1, 7, 7), (1, 2, 2), "stem"
        )
      ],
      [
        [
          _bottleneck(
            unit, round(_CHANNELS[unit] * r3d.width), block_number=number
          )
          for number in range(count)
        ]
        for unit, count in enumerate(r3d.blocks)
      ],
      max_pool=True,
      output_dim=r3d.output_dim,
      name=name,
    )


def _bottleneck(unit, channels, *, block_number):
  first = block_number == 0
  stride = (1, 2, 2) if first and unit > 0 else (1, 1, 1)
  pointwise = (1, 1, 1)
  inner = channels // 4
  return residual_3d.ResidualBlock(
    branch=[
      residual_3d.ConvNorm(
        inner, (_TEMPORAL_SIZES[unit], 1, 1), (1, 1, 1), "conv_0"
      ),
      residual_3d.ConvNorm(inner, (1, 3, 3), stride, "conv_1"),
      residual_3d.ConvNorm(channels, pointwise, (1, 1, 1), "conv_2"),
    ],
    shortcut=residual_3d.ConvNorm(channels, pointwise, stride, "shortcut")
    if first
    else None,
    name=f"unit_{unit}_block_{block_number}",
  )
