"""Published names of weights of STiCA and GDT, in PyTorch's order of axes."""

from collections.abc import Sequence
import dataclasses

import numpy as np
import tensorflow as tf

from tfvssl.backbones import residual_3d

_SHORTCUT = ("downsample.0", "downsample.1")
_NORM = {
  "weight": "gamma",
  "bias": "beta",
  "running_mean": "moving_mean",
  "running_var": "moving_variance",
}


@dataclasses.dataclass(frozen=True)
class Weight:
  """A variable and the order in which PyTorch has its axes.

  Attributes:
    variable: ours.
    axes: of PyTorch's array, in our order. Axes of ours that PyTorch's lacks
      are of length 1, and in front.
  """

  variable: tf.Variable
  axes: tuple[int, ...]

  @property
  def shape(self) -> tuple[int, ...]:
    """The shape of PyTorch's array."""
    ours = tuple(self.variable.shape)[-len(self.axes) :]
    return tuple(ours[self.axes.index(axis)] for axis in range(len(ours)))

  def assign(self, array: np.ndarray) -> None:
    """Sets the variable to PyTorch's array of `shape`."""
    ours = np.transpose(array, self.axes)
    self.variable.assign(ours.reshape(tuple(self.variable.shape)))


def of_layers(
  layers: Sequence[tuple[str, str, residual_3d.ConvNorm]], kernel: Sequence[int]
) -> dict[str, Weight]:
  """Returns the weights of convolutions and of the norms behind them.

  Args:
    layers: name of the convolution, name of the norm, and both.
    kernel: the order of a kernel's axes, see `Weight`.

  Raises:
    ValueError: a layer has no weights yet.
  """
  found = {}
  for conv, norm, layer in layers:
    if not layer.built:
      raise ValueError(
        f"layer '{layer.name}' has no weights yet; call the network once first."
      )
    found[f"{conv}.weight"] = Weight(layer.conv.kernel, tuple(kernel))
    found |= of_norm(norm, layer.norm)
  return found


def of_norm(
  name: str, layer: tf.keras.layers.BatchNormalization
) -> dict[str, Weight]:
  """Returns scale, offset and moving statistics of a batch norm."""
  return {
    f"{name}.{theirs}": Weight(getattr(layer, ours), (0,))
    for theirs, ours in _NORM.items()
  }


def of_blocks(
  units: Sequence[Sequence[residual_3d.ResidualBlock]],
  branch: Sequence[tuple[str, str]],
) -> list[tuple[str, str, residual_3d.ConvNorm]]:
  """Returns the layers of all blocks, as `of_layers` takes them.

  Args:
    units: of blocks.
    branch: names of convolution and norm of a block's branch, in order.
  """
  layers = []
  for unit, blocks in enumerate(units, 1):
    for number, block in enumerate(blocks):
      named = list(zip(branch, block.branch, strict=True))
      if block.shortcut is not None:
        named.append((_SHORTCUT, block.shortcut))
      layers += [
        (f"layer{unit}.{number}.{conv}", f"layer{unit}.{number}.{norm}", layer)
        for (conv, norm), layer in named
      ]
  return layers


def of_linear(name: str, layer: tf.keras.layers.Dense) -> dict[str, Weight]:
  """Returns the weights of a linear layer, with or without a bias."""
  found = {f"{name}.weight": Weight(layer.kernel, (1, 0))}
  if layer.use_bias:
    found[f"{name}.bias"] = Weight(layer.bias, (0,))
  return found
