"""The exported model: a tf.Module that checks every request in its graph.

Signatures state their shapes, but nothing that runs a SavedModel enforces them:
a clip of another length, values in 0..255 or NaN would give finite, wrong
embeddings. So the graph checks every request itself; see serving_inputs. Where
a rank is known, Grappler removes assertions on it: behind the signature it is
hidden.

Networks with spaces of their own, as MMV's, answer by the names of the
published modules, too: `before_head` is `backbone`, `va` and `vat` are spaces.
"""

from collections.abc import Callable, Mapping
import functools
from typing import TYPE_CHECKING, cast

from absl import logging
import tensorflow as tf

from tfvssl import views
from tfvssl.data import spectrogram
from tfvssl.data import text
from tfvssl.export import description as export_format
from tfvssl.export import inputs as serving_inputs
from tfvssl.export import jpeg

if TYPE_CHECKING:
  from tfvssl.methods import base

MAX_BATCH_SIZE = 256


class ServingModule(tf.Module):
  """The encoders of one run behind signatures.

  `module(inputs)` takes uint8 or float32 video [B, T, H, W, 3] where there is
  a video encoder, else a waveform float32 [B, N] or [B, N + extra samples];
  and sentences, string [N], where there is a text encoder. `training` may be
  given and changes nothing.

  Attributes:
    inputs: what each signature takes.
    networks: what each signature computes of checked inputs, in process.
    output_dims: signature -> output -> its second dimension; None where it
      has none.
    default_signature: the one that is also `serving_default`.
    max_batch_size: clips that one request may hold.
    tokens: of the text encoder, with its vocabulary; None without one.
    weights: all variables. The module holds no Keras object, so that loading
      needs nothing but TensorFlow.
  """

  def __init__(
    self,
    encoders: dict[str, "base.Encoder"],
    max_batch_size: int = MAX_BATCH_SIZE,
    image: "base.Encoder | None" = None,
    video: Mapping[str, int] | None = None,
  ):
    """Wraps the encoders of sight, sound and text; see `choose`.

    Args:
      encoders: of a run.
      max_batch_size: clips that one request may hold.
      image: encoder of single frames; None to take no images.
      video: of signature.json, see jpeg.frames; None to take no JPEG pictures.

    Raises:
      FileNotFoundError: the vocabulary of the text encoder is gone.
      ValueError: there is no encoder to serve, or no clip is allowed.
    """
    super().__init__()
    if max_batch_size < 1:
      raise ValueError(
        f"`max_batch_size` ({max_batch_size}) must be at least 1."
      )
    self.max_batch_size = max_batch_size
    chosen = choose(encoders)
    specs = {name: encoder.spec for name, encoder in chosen.items()}
    self._preparation = video
    self.inputs = serving_inputs.of_encoders(
      specs, None if image is None else image.spec, video is not None
    )
    if not self.inputs:
      raise ValueError(
        "the run has no encoder of video, audio or text; found:"
        f" {', '.join(encoders)}."
      )
    self.default_signature = next(iter(self.inputs))
    self.tokens = _tokens(specs)
    served = chosen if image is None else {**chosen, "image": image}
    self.networks = {
      name: self._network(name, served[serving_inputs.modality_of(name)])
      for name in self.inputs
    }
    self._outputs = {
      name: _output_specs(network, self.inputs[name])
      for name, network in self.networks.items()
    }
    self.output_dims = {
      name: {key: (*spec.shape[1:], None)[0] for key, spec in outputs.items()}
      for name, outputs in self._outputs.items()
    }
    self.weights = [v for e in served.values() for v in e.variables]
    # One graph for the signature and the calls of the module.
    self._answers = {name: self._answer(name) for name in self.inputs}

  def _answer(self, signature):
    """Returns `embed` of a signature as a graph."""
    return tf.function(
      functools.partial(self.embed, signature),
      input_signature=[tf.TensorSpec(None, self.inputs[signature].dtype)],
      autograph=False,
    )

  def embed(self, signature: str, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns `backbone` [B, D] and `embedding` [B, E] of checked inputs.

    Networks with spaces of their own also give `before_head` [B, D], which is
    `backbone`, and every space [B, E] by its name; text also gives
    `known_words` int32 [B]: how many words of the vocabulary the network saw.
    A sentence with 0 gets an embedding like any other, and means nothing.

    Raises:
      tf.errors.InvalidArgumentError: the request breaks a rule, which the
        message names with the value found.
    """
    inputs = _of_unknown_rank(inputs)

    def refuse():
      with tf.control_dependencies([tf.debugging.Assert(False, [problem])]):
        return answer_nothing()

    def answer():
      # Gives the static shape. From tf.ensure_shape, Grappler would infer the
      # rank of the request and drop the check of it.
      required = self.inputs[signature]
      complete = serving_inputs.append_silence(inputs, required)
      static = tf.reshape(complete, [-1, *required.longest])
      return self.networks[signature](static)

    def answer_nothing():  # the convolutions of a restored graph fail on it
      return {
        name: tf.zeros([0, *spec.shape[1:]], spec.dtype)
        for name, spec in self._outputs[signature].items()
      }

    problem = serving_inputs.find_problem(
      inputs, self.inputs[signature], self.max_batch_size
    )
    # Branches and not control dependencies, which Grappler rearranges: the
    # network must not start on a tensor that will be refused.
    return tf.cond(
      tf.equal(problem, ""),
      lambda: tf.cond(tf.equal(tf.size(inputs), 0), answer_nothing, answer),
      refuse,
    )

  @tf.function(autograph=False)
  def __call__(
    self, inputs: tf.Tensor, training: bool = False
  ) -> dict[str, tf.Tensor]:
    """Returns the embeddings of video, sound or sentences, by their dtype."""
    del training  # statistics of batch norms are never updated
    return self._answers[self._signature_by_dtype()[inputs.dtype]](inputs)

  def _signature_by_dtype(self):
    """Returns which signature a call is; of two, video before sound."""
    return {
      required.dtype: name
      for name, required in reversed(self.inputs.items())
      if serving_inputs.modality_of(name) != "image"
      and name != serving_inputs.FRAMES_JPEG
    }

  def signatures(self) -> dict[str, Callable]:
    """Returns a traced function per signature, `serving_default` included."""
    for dtype in reversed(self._signature_by_dtype()):
      for training in (False, True):
        self.__call__.get_concrete_function(
          tf.TensorSpec(None, dtype), training
        )
    functions = {name: self._function(name) for name in self.inputs}
    return functions | {"serving_default": functions[self.default_signature]}

  def _function(self, signature):
    required = self.inputs[signature]
    # The name of the argument is the name of the input in a request.
    function = tf.function(
      lambda **inputs: self._answers[signature](inputs[required.name]),
      autograph=False,
    )
    return function.get_concrete_function(**{required.name: required.spec})

  def _network(self, signature, encoder):
    """Returns the function from checked inputs to all outputs."""
    if signature == "text":
      return lambda sentences: self._read(sentences, encoder)
    if signature == serving_inputs.FRAMES_JPEG:
      network = self._network("video_uint8", encoder)
      return lambda pictures: network(jpeg.frames(pictures, self._preparation))
    return lambda inputs: _with_published_name(
      encoder(network_input(signature, inputs, encoder.spec))
    )

  def _read(self, sentences, encoder):
    ids, known_words = self.tokens(sentences)
    outputs = _with_published_name(encoder(ids))
    return {**outputs, export_format.KNOWN_WORDS: known_words}


def _tokens(specs):
  """Returns what turns sentences into word ids, None where none are taken."""
  if "text" not in specs:
    return None
  return Tokens(cast(views.TextViewSpec, specs["text"]))


class Tokens(tf.Module):
  """Makes word ids of sentences, and carries the vocabulary into an export.

  Attributes:
    table: from word to id.
  """

  def __init__(self, spec: views.TextViewSpec):
    """Reads the vocabulary that `spec` names.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it is not a vocabulary.
    """
    super().__init__()
    self._tokenizer = text.Tokenizer(spec)
    self.table = self._tokenizer.table

  def __call__(self, sentences: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns word ids int32 [N, L] and how many are words, int32 [N].

    Args:
      sentences: string [N], UTF-8. Padding and words that the vocabulary does
        not hold are not counted, nor is what is cut after L words.
    """
    ids = self._tokenizer(sentences)
    is_word = self._tokenizer.is_word(ids)
    return ids, tf.reduce_sum(tf.cast(is_word, tf.int32), axis=1)

  def vocabulary(self) -> list[str]:
    """Returns the words that a sentence can hold, by their ids."""
    words, ids = (values.numpy() for values in self.table.export())
    found = [words[i].decode("utf-8") for i in ids.argsort() if ids[i] >= 0]
    return [word for word in found if word not in text.SPECIAL_WORDS]


def choose(encoders: dict[str, "base.Encoder"]) -> dict[str, "base.Encoder"]:
  """Returns the encoders of `video`, `audio` and `text`, as far as there are.

  The kind of the view decides, not the name in the run; of several of one
  kind, the one that has the name, else the first. The log names the others.
  """
  chosen: dict[str, base.Encoder] = {}
  served = set()
  for modality in ("video", "audio", "text"):
    names = [n for n, e in encoders.items() if e.spec.piece == modality]
    if names:
      name = modality if modality in names else names[0]
      chosen[modality] = encoders[name]
      served.add(name)
  for name, encoder in encoders.items():
    if name not in served:
      logging.warning(
        "The encoder `%s` (%s) is not exported: an export holds one encoder"
        " of RGB video, one of sound and one of text.",
        name,
        type(encoder.spec).__name__,
      )
  return chosen


def network_input(
  signature: str, inputs: tf.Tensor, spec: views.ViewSpec
) -> tf.Tensor:
  """Returns what the encoder takes for the inputs of a signature."""
  if signature.endswith("_uint8"):
    inputs = tf.cast(inputs, tf.float32) / 255.0
  if spec.piece == "audio":
    heard = cast(views.AudioViewSpec, spec)
    values = spectrogram.of_waveform(inputs, heard.spectrogram)
    return values[:, : heard.num_frames]
  if serving_inputs.modality_of(signature) == "image":
    return inputs[:, tf.newaxis]
  return inputs


def _of_unknown_rank(inputs):
  """Returns the inputs, of which no optimiser knows the rank any more."""
  return tf.cond(
    tf.size(inputs) < 0,
    lambda: tf.expand_dims(inputs, 0),
    lambda: tf.identity(inputs),
  )


def _with_published_name(outputs):
  """Returns the outputs, of a network with spaces by its public name, too."""
  if not export_format.spaces(outputs):
    return outputs
  published = export_format.PUBLISHED_BACKBONE
  return {**outputs, published: outputs["backbone"]}


def _output_specs(network, required):
  """Returns the outputs of one item as tf.TensorSpec by name."""
  function = tf.function(network, autograph=False).get_concrete_function(
    tf.TensorSpec([1, *required.longest], required.dtype)
  )
  return function.structured_outputs
