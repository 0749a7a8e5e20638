"""Spectrogram and captions of a Clip, of the parsed features of a record."""

import tensorflow as tf


def spectrogram(raw: tf.Tensor, head: dict[str, tf.Tensor]) -> tf.Tensor:
  """Returns float32 [S, M] of the bytes of a packed spectrogram.

  Args:
    raw: string scalar.
    head: parsed features of the context, by key.
  """
  values = tf.cond(
    head["SPECTROGRAM/dtype"] == "float16",
    lambda: tf.cast(tf.io.decode_raw(raw, tf.float16), tf.float32),
    lambda: tf.io.decode_raw(raw, tf.float32),
  )
  num_mels = tf.cast(head["SPECTROGRAM/num_mels"], tf.int32)
  return tf.reshape(values, [-1, num_mels])


def captions(
  texts: tf.Tensor, times: list[tf.Tensor], duration_s: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the captions that are not empty, and their [start, end], sorted.

  Args:
    texts: string [C].
    times: starts and ends, each float32 [C], or [0] where the record is old.
    duration_s: of the clip.
  """
  times_s = tf.cond(
    tf.size(times[0]) > 0,
    lambda: tf.stack(times, -1),
    lambda: tf.tile([[0.0, duration_s]], [tf.size(texts), 1]),
  )
  order = tf.argsort(times_s[:, 0], stable=True)
  order = tf.boolean_mask(order, tf.gather(texts, order) != "")
  return tf.gather(texts, order), tf.gather(times_s, order)
