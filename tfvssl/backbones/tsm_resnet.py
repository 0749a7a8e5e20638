"""TSM-ResNet: a 2D pre-activation ResNet with temporal shifts, for video."""

import dataclasses

import tensorflow as tf

from tfvssl.backbones import resnet_v2
from tfvssl.backbones import temporal_shift


@dataclasses.dataclass
class TSMResNetConfig(resnet_v2.ResNetConfig):
  """TSM-50 by default; `width` 2 is the paper's TSM-50x2.

  Attributes:
    shift_fraction: of the channels that every block takes from the next
      frame, and as many from the previous one.
  """

  shift_fraction: float = 0.125

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate()
    if not 0 <= self.shift_fraction <= 0.5:
      raise ValueError(
        f"`shift_fraction` ({self.shift_fraction}) must be in [0, 0.5]; the"
        " paper has 0.125."
      )

  def build(self, name: str) -> "TSMResNet":
    """Returns the network; its first call makes the weights."""
    return TSMResNet(self, name)


class TSMResNet(resnet_v2.ResNetV2):
  """Maps [B, T, H, W, C] (RGB in [0, 1], or flow) to float32 [B, D].

  No input normalisation. Source: released tsm_resnet.py; paper Sec. 4.1.
  """

  def __init__(self, tsm: TSMResNetConfig, name: str):
    """Makes the layers; their weights are made by the first call."""
    super().__init__(tsm, name, tsm.shift_fraction)

  def endpoints(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns [B, T, h, w, D] after every stage by its published name.

    Args:
      inputs: float [B, T, H, W, C].
      training: whether batch norm uses and updates batch statistics.

    Raises:
      ValueError: `inputs` is not of rank 5.
      TypeError: `inputs` is not floating.
    """
    resnet_v2.check_input(inputs, "B, T, H, W, C", self.name)
    num_frames = inputs.shape[1]
    if num_frames is None:
      num_frames = tf.shape(inputs)[1]
    stages = [
      temporal_shift.unfold_frames(stage, num_frames)
      for stage in self.stages(
        temporal_shift.fold_frames(inputs), training, num_frames
      )
    ]
    units = [f"tsm_resnet_unit_{unit}" for unit in range(len(self.units))]
    return dict(zip(["tsm_resnet_stem", *units, "last_conv"], stages))

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by their published names.

    Args:
      root: such as "narrow_video_embedding/TSMResNetV2".
    """
    layers = {"tsm_resnet_stem": self.stem, "batch_norm": self.norm}
    for unit, blocks in enumerate(self.units):
      for number, block in enumerate(blocks):
        for name, layer in block.layers_by_name().items():
          layers[f"tsm_resnet_unit_{unit}/block_{number}/{name}"] = layer
    from tfvssl.backbones import haiku_names  # for published weights

    return haiku_names.variables(root, layers)
