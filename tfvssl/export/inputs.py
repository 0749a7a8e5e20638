"""What the signatures of an export take, and the rules a request must keep.

In the order rank, shape, batch size, finite values and range; each is a
condition in the graph with a message that holds the value found.
"""

import dataclasses
from typing import cast

import tensorflow as tf

from tfvssl import views

FRAMES_JPEG = "frames_jpeg"
# Resizing and conversion to float leave values a rounding error outside.
_RANGE_TOLERANCE = 1e-3
_AUDIO_REMEDY = "divide 16-bit samples by 32768"


@dataclasses.dataclass
class Input:
  """What one signature takes.

  Attributes:
    name: of the tensor, as in requests and messages.
    dtype: of the tensor.
    shape: without the batch dimension.
    low: smallest value; None where the values are not numbers.
    high: largest value, likewise.
    remedy: what to do with values outside.
    extra_samples: that may follow the last dimension, all or none; see
      `extra_samples`.
    items: what a batch holds, for messages.
  """

  name: str
  dtype: tf.DType
  shape: tuple[int, ...]
  low: float | None
  high: float | None
  remedy: str = ""
  extra_samples: int = 0
  items: str = "clips"

  @property
  def longest(self) -> tuple[int, ...]:
    """`shape` with the extra samples."""
    if not self.extra_samples:
      return self.shape
    return (*self.shape[:-1], self.shape[-1] + self.extra_samples)

  @property
  def spec(self) -> tf.TensorSpec:
    """What a signature says of it: None for what is free."""
    sizes = [n if n == m else None for n, m in zip(self.shape, self.longest)]
    return tf.TensorSpec([None, *sizes], self.dtype, self.name)

  @property
  def shapes(self) -> tuple[tuple[int, ...], ...]:
    """All shapes that are taken, without the batch dimension."""
    return tuple(dict.fromkeys([self.shape, self.longest]))


def of_encoders(
  specs: dict[str, views.ViewSpec],
  image: views.ViewSpec | None = None,
  jpeg: bool = False,
) -> dict[str, Input]:
  """Returns what each signature takes, the default one first.

  That is the one of floats: what is cast to floats without a word, as NumPy's
  bytes are, is out of range; floats that are cast to bytes would be black.

  Args:
    specs: of the encoders of `video` (RGB), `audio` (log-mel) and `text`, as
      far as there are some.
    image: of the encoder of still images; None where none are taken.
    jpeg: whether the frames of a video may come as JPEG pictures.
  """
  inputs = {}
  if "video" in specs:
    inputs |= _pixels("video", specs["video"].shape, "clips")
    if jpeg:
      shape = specs["video"].shape[:1]
      inputs[FRAMES_JPEG] = Input("jpeg_bytes", tf.string, shape, None, None)
  if "audio" in specs:
    audio = cast(views.AudioViewSpec, specs["audio"])
    inputs["audio"] = Input(
      "waveform",
      tf.float32,
      (audio.num_samples,),
      -1.0,
      1.0,
      _AUDIO_REMEDY,
      audio.spectrogram.extra_samples,
    )
  if "text" in specs:
    inputs["text"] = Input(
      "sentences", tf.string, (), None, None, items="sentences"
    )
  if image is not None:
    inputs |= _pixels("image", image.shape[1:], "images")
  return inputs


def _pixels(name, shape, items):
  remedy = f"divide pixel values by 255 or use the signature `{name}_uint8`"
  return {
    name: Input(name, tf.float32, shape, 0.0, 1.0, remedy, items=items),
    f"{name}_uint8": Input(name, tf.uint8, shape, 0, 255, items=items),
  }


def modality_of(signature: str) -> str:
  """Returns what a signature embeds: `video`, `audio`, `text` or `image`."""
  if signature == FRAMES_JPEG:
    return "video"
  return signature.removesuffix("_uint8")


def append_silence(inputs: tf.Tensor, required: Input) -> tf.Tensor:
  """Returns a request without the extra samples with zeros in their place."""
  if not required.extra_samples:
    return inputs
  length = required.longest[0]
  rows = tf.reshape(inputs, tf.stack([tf.shape(inputs)[0], -1]))
  return tf.pad(rows, [[0, 0], [0, length - tf.shape(rows)[1]]])


def find_problem(
  inputs: tf.Tensor, required: Input, max_batch_size: int
) -> tf.Tensor:
  """Returns the first rule that a request breaks, with the value found.

  In the order rank, shape, batch size, finite, range; NaN must come before
  range, as every comparison with it fails.

  Args:
    inputs: a tensor of unknown rank.
    required: the rules.
    max_batch_size: largest first dimension.

  Returns:
    string scalar, empty where all rules hold.
  """
  name = f"`{required.name}`"
  rank = len(required.shape) + 1
  expected = " or ".join(map(shape_text, required.shapes))
  shape = tf.shape(inputs)
  allowed = [" ".join(map(str, shape)) for shape in required.shapes]
  # Every condition is defined for tensors of any rank: all are computed.
  rules = [
    (
      tf.equal(tf.rank(inputs), rank),
      f"{name} must have rank {rank} {expected}; got shape {{}}.",
      [shape],
    ),
    (
      tf.reduce_any(tf.equal(_joined(shape[1:]), allowed)),
      f"{name} must have shape {expected}; got {{}}.",
      [shape],
    ),
    (
      tf.reduce_all(shape[:1] <= max_batch_size),
      f"{name} must hold at most {max_batch_size} {required.items}; got {{}};"
      " send several requests.",
      [tf.reduce_sum(shape[:1])],
    ),
  ]
  if required.dtype.is_floating:
    rules += _value_rules(inputs, required)
  problem = tf.constant("")
  for holds, message, shown in reversed(rules):
    problem = tf.where(holds, problem, tf.strings.format(message, shown))
  return problem


def shape_text(shape: tuple[int, ...]) -> str:
  """Returns the shape of a request whose items have `shape`."""
  return f"[{', '.join(['batch', *map(str, shape)])}]"


def _value_rules(inputs, required):
  broken = tf.math.count_nonzero(~tf.math.is_finite(inputs))
  low, high = tf.reduce_min(inputs), tf.reduce_max(inputs)
  within = (low >= required.low - _RANGE_TOLERANCE) & (
    high <= required.high + _RANGE_TOLERANCE
  )
  return [
    (
      tf.equal(broken, 0),
      f"`{required.name}` must be finite; {{}} values are NaN or infinite.",
      [broken],
    ),
    (
      within | tf.equal(tf.size(inputs), 0),
      f"`{required.name}` must lie in [{required.low:g},"
      f" {required.high:g}]; got {{}} to {{}}; {required.remedy}.",
      [low, high],
    ),
  ]


def _joined(vector):
  return tf.strings.reduce_join(tf.strings.as_string(vector), separator=" ")
