"""What a run has to say in words, for the page of texts in TensorBoard."""

import textwrap

import tensorflow as tf

from tfvssl.runtime import storage


def write(folder: storage.PathLike, step: int, name: str, words: str) -> None:
  """Writes words below a name; they are Markdown there."""
  writer = tf.summary.create_file_writer(str(folder))
  with writer.as_default(step=step):
    tf.summary.text(name, words)
  writer.close()


def as_it_stands(text: str) -> str:
  """Returns Markdown that shows `text` with its lines and blanks."""
  return textwrap.indent(text, "    ")
