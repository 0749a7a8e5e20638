"""S3D-G: an Inception network with separable 3D convolutions and gating."""

import dataclasses
import enum

import tensorflow as tf

from tfvssl.backbones import haiku_names
from tfvssl.backbones import resnet_v2
from tfvssl.backbones import s3d_blocks
from tfvssl.config import experiment
from tfvssl.config import moved

NEVER = "never"

_STEM = "Conv2d_1a_7x7"
_FIRST_SEPARABLE = "Conv2d_2c_3x3"
_EMBEDDINGS = "Embeddings"

# Channels of a unit; of an Inception block in the order of its arguments.
_CHANNELS = {
  _STEM: (64,),
  "Conv2d_2b_1x1": (64,),
  _FIRST_SEPARABLE: (192,),
  "Mixed_3b": (64, 96, 128, 16, 32, 32),
  "Mixed_3c": (128, 128, 192, 32, 96, 64),
  "Mixed_4b": (192, 96, 208, 16, 48, 64),
  "Mixed_4c": (160, 112, 224, 24, 64, 64),
  "Mixed_4d": (128, 128, 256, 24, 64, 64),
  "Mixed_4e": (112, 144, 288, 32, 64, 64),
  "Mixed_4f": (256, 160, 320, 32, 128, 128),
  "Mixed_5b": (256, 160, 320, 32, 128, 128),
  "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
# Window and stride in time, height and width.
_MAX_POOLS = {
  "MaxPool_2a_3x3": ((1, 3, 3), (1, 2, 2)),
  "MaxPool_3a_3x3": ((1, 3, 3), (1, 2, 2)),
  "MaxPool_4a_3x3": ((3, 3, 3), (2, 2, 2)),
  "MaxPool_5a_2x2": ((2, 2, 2), (2, 2, 2)),
}
_STAGES = (
  _STEM,
  "MaxPool_2a_3x3",
  "Conv2d_2b_1x1",
  _FIRST_SEPARABLE,
  "MaxPool_3a_3x3",
  "Mixed_3b",
  "Mixed_3c",
  "MaxPool_4a_3x3",
  "Mixed_4b",
  "Mixed_4c",
  "Mixed_4d",
  "Mixed_4e",
  "Mixed_4f",
  "MaxPool_5a_2x2",
  "Mixed_5b",
  "Mixed_5c",
)
# Gating and temporal kernels can start where there are some.
_STARTS = (
  _FIRST_SEPARABLE,
  *(stage for stage in _STAGES if stage.startswith("Mixed")),
  NEVER,
)


class Stem(enum.Enum):
  """What the first convolution sees.

  RGB: the video itself, by a 7x7x7 kernel of stride 2.
  SPACE_TO_DEPTH: 2x2x2 pixels as one of 24 channels, by a 2x4x4 kernel.
  """

  RGB = "rgb"
  SPACE_TO_DEPTH = "space_to_depth"


@dataclasses.dataclass
class S3DConfig(experiment.BackboneConfig):
  """The published S3D-G: 9,146,000 parameters, the paper's "9.1M".

  The released class has the RGB stem by default (9,162,704), but the
  published weights, and the only script that runs them, the other one.

  Attributes:
    stem: SPACE_TO_DEPTH needs even T, H and W, and makes its channels itself.
    rgb_stem_frames: temporal size of the RGB stem's kernel: 1, 3, 5 or 7.
    gating_start: first endpoint with gating, such as "Mixed_4b"; or "never".
    temporal_start: first endpoint after the stem whose kernels see three
      frames; "never" leaves time to the stem and the pooling.
    width: multiplies every number of channels, which is rounded.
    deflated: whether this is the network's form for one image, in which all
      kernels see one frame; see deflation.deflate.
  """

  stem: Stem = Stem.SPACE_TO_DEPTH
  rgb_stem_frames: int = 7
  gating_start: str = _FIRST_SEPARABLE
  temporal_start: str = _FIRST_SEPARABLE
  width: float = 1.0
  deflated: bool = False

  @property
  def output_dim(self) -> int:
    """Size of the representation: the four branches of the last block."""
    first, _, second, _, third, fourth = self.channels("Mixed_5c")
    return first + second + third + fourth

  def channels(self, stage: str) -> list[int]:
    """Returns the channels of a stage in the order of its arguments."""
    return [max(1, round(count * self.width)) for count in _CHANNELS[stage]]

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if self.rgb_stem_frames not in (1, 3, 5, 7):
      raise ValueError(
        f"`rgb_stem_frames` ({self.rgb_stem_frames}) must be 1, 3, 5 or 7."
      )
    for name in ("gating_start", "temporal_start"):
      start = getattr(self, name)
      if start not in _STARTS:
        hint = moved.nearest_name(start, dict.fromkeys(_STARTS))
        raise ValueError(
          f"`{name}` ('{start}') must be an endpoint that can have it; {hint}"
        )
    if self.width <= 0:
      raise ValueError(f"`width` ({self.width}) must be above 0; try 0.25.")

  def build(self, name: str) -> "S3D":
    """Returns the network; its first call makes the weights."""
    return S3D(self, name)


class S3D(tf.keras.Model):
  """Maps [B, T, H, W, C] (RGB in [0, 1]) to float32 [B, D].

  No input normalisation. Everything is padded as TensorFlow's SAME.
  Source: released s3d.py; paper Sec. 4.1, which
  refers to Xie et al., "Rethinking Spatiotemporal Feature Learning".
  """

  def __init__(self, s3d: S3DConfig, name: str):
    """Makes the layers; their weights are made by the first call.

    Raises:
      ValueError: `s3d` breaks one of its rules.
    """
    s3d.validate()
    super().__init__(name=name)
    self.output_dim = s3d.output_dim
    self.deflated = s3d.deflated
    self.stem = s3d.stem
    self.stages = {stage: _stage(s3d, stage) for stage in _STAGES}

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, output_dim]: the mean of the feature map."""
    return self.endpoints(inputs, training)[_EMBEDDINGS]

  def feature_map(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns float32 [B, T', H', W', output_dim], after the last block."""
    last = self.endpoints(inputs, training)[_STAGES[-1]]
    return tf.cast(last, tf.float32)

  def endpoints(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns [B, t, h, w, D] after every stage, and the mean, by name.

    Args:
      inputs: float [B, T, H, W, C].
      training: whether batch norm uses and updates batch statistics.

    Raises:
      ValueError: `inputs` is not of rank 5, not of the even sizes that the
        stem needs, or of more than one frame where the network is deflated.
      TypeError: `inputs` is not floating.
    """
    x = self._stem_input(inputs)
    endpoints = {}
    for name, stage in self.stages.items():
      if name in _MAX_POOLS:
        x = stage(x)
      else:
        x = stage(x, training=training)
      endpoints[name] = x
    endpoints[_EMBEDDINGS] = tf.reduce_mean(
      tf.cast(x, tf.float32), axis=[1, 2, 3]
    )
    return endpoints

  def _stem_input(self, inputs):
    resnet_v2.check_input(inputs, "B, T, H, W, C", self.name)
    if self.deflated and inputs.shape[1] not in (1, None):
      raise ValueError(
        f"input of `{self.name}` (shape {inputs.shape}) must have one frame,"
        " as the network is deflated; give it [B, 1, H, W, C]."
      )
    if self.stem is Stem.RGB:
      return inputs
    # Of a still image both halves of a pair of frames are the image.
    frames = 1 if self.deflated else 2
    sizes = zip(inputs.shape[1:4], (frames, 2, 2))
    if any(size is not None and size % block for size, block in sizes):
      raise ValueError(
        f"input of `{self.name}` (shape {inputs.shape}) must have T, H and W"
        f" divisible by {frames}, 2 and 2 for the space-to-depth stem; crop it,"
        " or set `stem` to rgb."
      )
    return space_to_depth(inputs, frames)

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by their published names.

    Args:
      root: such as "text_audio_video/visual_module/~/S3D".
    """
    layers = {}
    for stage in self.stages.values():
      if isinstance(stage, (s3d_blocks.Unit, s3d_blocks.Inception)):
        for name, layer in stage.layers_by_name().items():
          layers[f"{stage.name}/{name}"] = layer
    return haiku_names.variables(root, layers)


def space_to_depth(video: tf.Tensor, frames: int = 2) -> tf.Tensor:
  """Returns blocks of frames x 2 x 2 pixels as channels.

  Args:
    video: [B, T, H, W, C]; T is a multiple of `frames`, H and W are even.
    frames: of a block.

  Returns:
    [B, T / frames, H / 2, W / 2, frames * 4 * C]; in the order of the
    published weights: frame, row, column, C, and C changes fastest.
  """
  return tf.concat(
    [
      video[:, frame::frames, row::2, column::2]
      for frame in range(frames)
      for row in range(2)
      for column in range(2)
    ],
    axis=-1,
  )


def _stage(s3d, stage):
  """Returns the layer of a stage."""
  if stage in _MAX_POOLS:
    size, stride = _MAX_POOLS[stage]
    return tf.keras.layers.MaxPool3D(size, stride, padding="same", name=stage)
  channels = s3d.channels(stage)
  if stage == _STEM:
    return _stem(s3d, channels[0])
  if stage == "Conv2d_2b_1x1":
    return s3d_blocks.Unit(channels[0], [(1, 1, 1)], name=stage)
  gating = _has_started(s3d.gating_start, stage)
  temporal = _has_started(s3d.temporal_start, stage) and not s3d.deflated
  temporal_size = 3 if temporal else 1
  if stage == _FIRST_SEPARABLE:
    sizes = s3d_blocks.separable_sizes(temporal_size)
    return s3d_blocks.Unit(channels[0], sizes, gating=gating, name=stage)
  return s3d_blocks.Inception(
    channels, temporal_size, gating=gating, name=stage
  )


def _stem(s3d, channels):
  # One frame stays one under any stride, here and in the pooling.
  if s3d.stem is Stem.RGB:
    frames = 1 if s3d.deflated else s3d.rgb_stem_frames
    return s3d_blocks.Unit(channels, [(frames, 7, 7)], stride=2, name=_STEM)
  return s3d_blocks.Unit(
    channels, [(1 if s3d.deflated else 2, 4, 4)], name=_STEM
  )


def _has_started(start, stage):
  return start != NEVER and _STAGES.index(stage) >= _STAGES.index(start)
