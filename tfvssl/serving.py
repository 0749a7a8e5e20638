"""The exported model: a tf.Module that checks every request in its graph.

A SavedModel does not enforce the shapes of its signatures: a clip of another
length, values in 0..255 or NaN would give finite, wrong embeddings. Where the
signature fixes a rank, Grappler even removes assertions on it. So inputs
have unknown rank, and the graph checks rank, shape, batch size, finite values
and range, in this order.
"""

from collections.abc import Callable
import dataclasses
from typing import TYPE_CHECKING

from absl import logging
import tensorflow as tf

from tfvssl import views
from tfvssl.data import spectrogram

if TYPE_CHECKING:
  from tfvssl.methods import base

MAX_BATCH_SIZE = 256
# Resizing and conversion to float leave values a rounding error outside.
_VIDEO = ("video_uint8", "video")
_RANGE_TOLERANCE = 1e-3
_VIDEO_REMEDY = "divide pixel values by 255 or use the signature `video_uint8`"
_AUDIO_REMEDY = "divide 16-bit samples by 32768"


@dataclasses.dataclass
class Input:
  """What one signature takes.

  Attributes:
    name: of the tensor, as in requests and messages.
    dtype: of the tensor.
    shape: without the batch dimension.
    low: smallest value.
    high: largest value.
    remedy: what to do with values outside.
    extra_samples: that may follow the last dimension, all or none; see
      `extra_samples`.
  """

  name: str
  dtype: tf.DType
  shape: tuple[int, ...]
  low: float
  high: float
  remedy: str = ""
  extra_samples: int = 0

  @property
  def longest(self) -> tuple[int, ...]:
    """`shape` with the extra samples."""
    return (*self.shape[:-1], self.shape[-1] + self.extra_samples)

  @property
  def shapes(self) -> tuple[tuple[int, ...], ...]:
    """All shapes that are taken, without the batch dimension."""
    return tuple(dict.fromkeys([self.shape, self.longest]))


class ServingModule(tf.Module):
  """The encoders of one run behind signatures.

  `module(inputs)` takes uint8 or float32 video [B, T, H, W, 3] where there is
  a video encoder, else a waveform float32 [B, N] or [B, N + extra samples].

  Attributes:
    inputs: what each signature takes.
    output_dims: signature -> output -> its second dimension.
    default_signature: the one that is also `serving_default`.
    max_batch_size: clips that one request may hold.
    weights: all variables. The module holds no Keras object, so that loading
      needs nothing but TensorFlow.
  """

  def __init__(
    self,
    encoders: dict[str, "base.Encoder"],
    max_batch_size: int = MAX_BATCH_SIZE,
  ):
    """Wraps the encoders of sight and sound; see `choose`.

    Raises:
      ValueError: there is neither a video nor an audio encoder, or no clip
        is allowed.
    """
    super().__init__()
    if max_batch_size < 1:
      raise ValueError(
        f"`max_batch_size` ({max_batch_size}) must be at least 1."
      )
    self.max_batch_size = max_batch_size
    found = ", ".join(encoders)
    encoders = choose(encoders)
    self.inputs = signature_inputs(encoders)
    if not self.inputs:
      raise ValueError(
        f"the run has neither a video nor an audio encoder; found: {found}."
      )
    self.default_signature = next(iter(self.inputs))
    self._networks = {
      name: _network(name, encoders[modality_of(name)]) for name in self.inputs
    }
    self.output_dims = {
      name: _output_dims(self._networks[name], required)
      for name, required in self.inputs.items()
    }
    served = {modality_of(name): None for name in self.inputs}
    self.weights = [v for name in served for v in encoders[name].variables]

  def embed(self, signature: str, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns `backbone` [B, D] and `embedding` [B, E] of checked inputs.

    Raises:
      tf.errors.InvalidArgumentError: the request breaks a rule, which the
        message names with the value found.
    """
    dims = self.output_dims[signature]

    def refuse():
      with tf.control_dependencies([tf.debugging.Assert(False, [problem])]):
        return {name: tf.zeros([0, dim]) for name, dim in dims.items()}

    def answer():
      # Gives the static shape. From tf.ensure_shape, Grappler would infer the
      # rank of the request and drop the check of it.
      required = self.inputs[signature]
      complete = _append_silence(inputs, required)
      static = tf.reshape(complete, [-1, *required.longest])
      return self._networks[signature](static)

    def answer_nothing():  # the convolutions of a restored graph fail on it
      return {name: tf.zeros([0, dim]) for name, dim in dims.items()}

    problem = find_problem(inputs, self.inputs[signature], self.max_batch_size)
    # Branches and not control dependencies, which Grappler rearranges: the
    # network must not start on a tensor that will be refused.
    return tf.cond(
      tf.equal(problem, ""),
      lambda: tf.cond(tf.equal(tf.size(inputs), 0), answer_nothing, answer),
      refuse,
    )

  @tf.function
  def __call__(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the embeddings of video (by dtype) or, without it, of sound."""
    if "video" in self.inputs and inputs.dtype == tf.float32:
      return self.embed("video", inputs)
    return self.embed(self.default_signature, inputs)

  def signatures(self) -> dict[str, Callable]:
    """Returns a traced function per signature, `serving_default` included."""
    for name in self.inputs if "video" not in self.inputs else _VIDEO:
      self.__call__.get_concrete_function(
        tf.TensorSpec(None, self.inputs[name].dtype)
      )
    functions = {name: self._function(name) for name in self.inputs}
    return functions | {"serving_default": functions[self.default_signature]}

  def _function(self, signature):
    required = self.inputs[signature]
    # The name of the argument is the name of the input in a request.
    function = tf.function(
      lambda **inputs: self.embed(signature, inputs[required.name])
    )
    return function.get_concrete_function(
      **{required.name: tf.TensorSpec(None, required.dtype, required.name)}
    )


def choose(encoders: dict[str, "base.Encoder"]) -> dict[str, "base.Encoder"]:
  """Returns the encoder of sight as `video` and that of sound as `audio`.

  The kind of the view decides, not the name in the run; of several of one
  kind, the one that has the name, else the first. The log names the others.
  """
  kinds = {"video": views.RgbViewSpec, "audio": views.AudioViewSpec}
  chosen: dict[str, base.Encoder] = {}
  served = set()
  for modality, kind in kinds.items():
    names = [n for n, e in encoders.items() if isinstance(e.spec, kind)]
    if names:
      name = modality if modality in names else names[0]
      chosen[modality] = encoders[name]
      served.add(name)
  for name, encoder in encoders.items():
    if name not in served:
      logging.warning(
        "The encoder `%s` (%s) is not exported: an export holds one encoder"
        " of RGB video and one of sound.",
        name,
        type(encoder.spec).__name__,
      )
  return chosen


def signature_inputs(encoders: dict[str, "base.Encoder"]) -> dict[str, Input]:
  """Returns what each signature of `choose(...)` takes, the default first."""
  inputs = {}
  video, audio = (
    encoders[name].spec if name in encoders else None
    for name in ("video", "audio")
  )
  if isinstance(video, views.RgbViewSpec):
    shape = (video.num_frames, video.image_size, video.image_size, 3)
    inputs["video_uint8"] = Input("video", tf.uint8, shape, 0, 255)
    inputs["video"] = Input("video", tf.float32, shape, 0.0, 1.0, _VIDEO_REMEDY)
  if isinstance(audio, views.AudioViewSpec):
    inputs["audio"] = Input(
      "waveform",
      tf.float32,
      (num_samples(audio),),
      -1.0,
      1.0,
      _AUDIO_REMEDY,
      extra_samples(audio),
    )
  return inputs


def modality_of(signature: str) -> str:
  """Returns the name of the encoder that a signature runs."""
  return "video" if signature in _VIDEO else signature


def network_input(
  signature: str, inputs: tf.Tensor, spec: views.ViewSpec
) -> tf.Tensor:
  """Returns what the encoder takes for the inputs of a signature."""
  if signature == "video_uint8":
    return tf.cast(inputs, tf.float32) / 255.0
  if isinstance(spec, views.AudioViewSpec):
    log_mel = spectrogram.log_mel(inputs, spec.spectrogram)
    return log_mel[:, : spec.num_frames]
  return inputs


def _append_silence(inputs, required):
  """Returns a request without the extra samples with zeros in their place."""
  if not required.extra_samples:
    return inputs
  length = required.longest[0]
  rows = tf.reshape(inputs, tf.stack([tf.shape(inputs)[0], -1]))
  return tf.pad(rows, [[0, 0], [0, length - tf.shape(rows)[1]]])


def _network(signature, encoder):
  return lambda inputs: encoder(network_input(signature, inputs, encoder.spec))


def _output_dims(network, required):
  function = tf.function(network).get_concrete_function(
    tf.TensorSpec([1, *required.longest], required.dtype)
  )
  return {
    name: spec.shape[-1] for name, spec in function.structured_outputs.items()
  }


def num_samples(spec: views.AudioViewSpec) -> int:
  """Returns the length of the view's waveform in samples."""
  return round(spec.seconds * spec.spectrogram.sample_rate_hz)


def extra_samples(spec: views.AudioViewSpec) -> int:
  """Returns how far the last spectrogram frames reach past the view's end.

  In training they hold what the clip sounds like there; without these samples
  they see silence.
  """
  return max(0, spec.spectrogram.frame_length - spec.spectrogram.frame_step)


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
  expected = " or ".join(
    f"[batch, {', '.join(map(str, shape))}]" for shape in required.shapes
  )
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
      tf.reduce_any(tf.equal(_text(shape[1:]), allowed)),
      f"{name} must have shape {expected}; got {{}}.",
      [shape],
    ),
    (
      tf.reduce_all(shape[:1] <= max_batch_size),
      f"{name} must hold at most {max_batch_size} clips; got {{}}; send"
      " several requests.",
      [tf.reduce_sum(shape[:1])],
    ),
  ]
  if required.dtype.is_floating:
    rules += _value_rules(inputs, required)
  problem = tf.constant("")
  for holds, message, shown in reversed(rules):
    problem = tf.where(holds, problem, tf.strings.format(message, shown))
  return problem


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


def _text(vector):
  return tf.strings.reduce_join(tf.strings.as_string(vector), separator=" ")
