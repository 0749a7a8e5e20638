"""ResNet for log-mel spectrograms."""

import dataclasses

import tensorflow as tf

from tfvssl.backbones import resnet_v2


@dataclasses.dataclass
class AudioResNetConfig(resnet_v2.ResNetConfig):
  """ResNet-50 by default."""

  def build(self, name: str) -> "AudioResNet":
    """Returns the network; its first call makes the weights."""
    return AudioResNet(self, name)


class AudioResNet(resnet_v2.ResNetV2):
  """Maps log-mel [B, S, M] to float32 [B, D]; time is the image's height.

  No input normalisation. Source: released modules.py and resnet.py.
  """

  def endpoints(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns [B, s, m, D] after every stage by its published name.

    Args:
      inputs: float [B, S, M].
      training: whether batch norm uses and updates batch statistics.

    Raises:
      ValueError: `inputs` is not of rank 3.
      TypeError: `inputs` is not floating.
    """
    resnet_v2.check_input(inputs, "B, S, M", self.name)
    units = [f"resnet_unit_{unit}" for unit in range(len(self.units))]
    return dict(
      zip(
        ["resnet_stem", *units, "last_conv"],
        self.stages(inputs[..., tf.newaxis], training),
      )
    )

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by their published names.

    Args:
      root: such as "broad_audio_embedding/res_net_v2".
    """
    layers = {"~/initial_conv": self.stem, "batch_norm": self.norm}
    for unit, blocks in enumerate(self.units):
      for number, block in enumerate(blocks):
        for name, layer in block.layers_by_name().items():
          # Layers that the released block made in its constructor have '~'.
          inner = name if name.startswith("batch_norm") else f"~/{name}"
          layers[f"~/block_group_{unit}/block_{number}/{inner}"] = layer
    from tfvssl.backbones import haiku_names  # for published weights

    return haiku_names.variables(root, layers)
