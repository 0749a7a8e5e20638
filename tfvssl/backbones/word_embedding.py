"""Text backbone: frozen word embeddings, a linear layer, the largest value."""

import dataclasses
import pathlib
import random

import numpy as np
import tensorflow as tf

from tfvssl.backbones import haiku_names
from tfvssl.backbones import initialisation
from tfvssl.config import experiment


@dataclasses.dataclass
class WordEmbeddingConfig(experiment.BackboneConfig):
  """Sizes, and the table of embeddings.

  Attributes:
    vocabulary_size: rows of the table; every word id is below it.
    word_dim: size of a word's embedding.
    output_dim: size of the representation.
    table: .npy file of float [vocabulary_size, word_dim]; empty for N(0, 1)
      drawn from the process' seed, which is frozen all the same.
  Source: MMV paper Sec. 4.1; sizes of the published table.
  """

  vocabulary_size: int = 65_536
  word_dim: int = 300
  output_dim: int = 2048
  table: str = ""

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    for name in ("vocabulary_size", "word_dim", "output_dim"):
      if getattr(self, name) < 1:
        raise ValueError(f"`{name}` ({getattr(self, name)}) must be above 0.")

  def build(self, name: str) -> "WordEmbedding":
    """Returns the network; its first call makes the weights.

    Raises:
      FileNotFoundError: `table` does not exist.
      ValueError: it is not such an array.
    """
    return WordEmbedding(self, name)


class WordEmbedding(tf.keras.Model):
  """Maps word ids [N, L] to float32 [N, D]: max over words of relu(W e + b).

  Padding takes part like any word. The relu is that of the released code; the
  paper does not mention it.
  Source: MMV paper Sec. 4.1; released mm_embeddings.py.
  """

  def __init__(self, words: WordEmbeddingConfig, name: str):
    """Makes the layers, and reads the table if there is one."""
    super().__init__(name=name)
    self.output_dim = words.output_dim
    self.embeddings = tf.keras.layers.Embedding(
      words.vocabulary_size,
      words.word_dim,
      embeddings_initializer=_initializer(words),
      trainable=False,
      name="embed",
    )
    self.linear = tf.keras.layers.Dense(
      words.output_dim,
      activation="relu",
      kernel_initializer=initialisation.fan_in_truncated_normal(),
      name="text_conv1",
    )

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Returns the representation, float32 [N, D].

    An id outside the table makes its whole row NaN, on every device: a gather
    gives an error on a CPU, zeros on a GPU and another word under XLA.

    Args:
      inputs: int32 [N, L].
      training: not used; the parameters act alike.

    Raises:
      ValueError: `inputs` is not of rank 2.
      TypeError: `inputs` is not integer.
    """
    del training
    if inputs.shape.rank != 2:
      raise ValueError(
        f"the input of `{self.name}` {inputs.shape} must be [N, L], of rank 2."
      )
    if not inputs.dtype.is_integer:
      raise TypeError(
        f"the input of `{self.name}` is {inputs.dtype.name}; it must be word"
        " ids, int32."
      )
    last = self.embeddings.input_dim - 1
    known = tf.clip_by_value(inputs, 0, last)
    features = tf.reduce_max(self.linear(self.embeddings(known)), axis=1)
    is_known = tf.reduce_all(known == inputs, axis=1, keepdims=True)
    return tf.where(is_known, tf.cast(features, tf.float32), np.nan)

  def haiku_variables(self, root: str) -> dict[str, tf.Variable]:
    """Returns all variables by their published names.

    The published `text_conv1/w` is a convolution of width 1, [1, 300, 2048];
    ours is [300, 2048]. The table is the same.

    Args:
      root: such as "text_audio_video/text_module".
    """
    named = haiku_names.variables(root, {"~/text_conv1": self.linear})
    named[f"{root}/~/embed/embeddings"] = self.embeddings.embeddings
    return named


def _initializer(words):
  if not words.table:
    seed = random.randrange(2**31)  # as initialisation.py draws it
    return tf.keras.initializers.RandomNormal(0.0, 1.0, seed=seed)
  return _FromFile(words)


class _FromFile(tf.keras.initializers.Initializer):
  """The table of a file; in a checkpoint and an export it is a weight."""

  def __init__(self, words):
    """Reads and checks the file."""
    path = pathlib.Path(words.table)
    if not path.is_file():
      raise FileNotFoundError(
        f"`table` ({path}) does not exist; leave it empty for random"
        " embeddings."
      )
    shape = (words.vocabulary_size, words.word_dim)
    try:
      self._table = np.load(path, mmap_mode="r", allow_pickle=False)
      found = f"{self._table.dtype} {list(self._table.shape)}"
    except Exception as error:  # of many kinds, where a header is damaged
      problem = " ".join(str(error).split())
      raise ValueError(
        f"`table` ({path}) is no .npy of numbers ({problem:.200}); write it"
        " with numpy.save."
      ) from error
    if self._table.dtype.kind != "f" or self._table.shape != shape:
      raise ValueError(
        f"`table` ({path}) holds {found}; it must hold float {list(shape)}, as"
        " `vocabulary_size` and `word_dim` say."
      )

  def __call__(self, shape, dtype=None, **unused):
    """Returns the table."""
    return tf.constant(np.asarray(self._table), dtype)
