"""Script: MMV's loss and gradients on 1 and on 2 logical CPUs, into argv[1].

Half of the clips have no caption and one has no sound, unevenly over the
replicas: 3 of 4 captions are in the first half of the batch.
"""

import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf

from tests import tiny_mmv_runs
from tests import two_replicas
from tfvssl.train import weights

_BATCH = 8
_HAS_CAPTION = np.float32([1, 1, 1, 0, 0, 0, 0, 1])


def _measure(strategy, words):
  """Returns the loss, every gradient and every moving average by its name."""
  tf.keras.utils.set_random_seed(0)
  with strategy.scope():
    method = tiny_mmv_runs.method_config(words).build()
    weights.build_weights(method)
  batch = tiny_mmv_runs.batch(method, _BATCH)
  batch["text"] = batch["text"]._replace(mask=tf.constant(_HAS_CAPTION))
  variables = method.trainable_variables
  replicas = strategy.num_replicas_in_sync

  def replica_step(rows):
    part = tf.nest.map_structure(
      lambda x: None if x is None else tf.gather(x, rows), batch
    )
    part = tf.nest.map_structure(
      lambda x: (
        None
        if x is None
        else tf.ensure_shape(x, [_BATCH // replicas, *x.shape[1:]])
      ),
      part,
    )
    with tf.GradientTape() as tape:
      share = method.loss(part, 0).loss / replicas
    return [share, *tape.gradient(share, variables)]

  sums = two_replicas.sums(strategy, replica_step, _BATCH)
  names = ["loss", *(f"gradient {v.name}" for v in variables)]
  found = dict(zip(names, sums, strict=True))
  for variable in method.non_trainable_variables:
    if "moving" in variable.name:
      found[variable.name] = variable
  return {name: value.numpy() for name, value in found.items()}


def main(argv: list[str]) -> None:
  """Runs both and writes one file."""
  results = {}
  with tempfile.TemporaryDirectory() as folder:
    words = tiny_mmv_runs.vocabulary(pathlib.Path(folder))
    for replicas, strategy in two_replicas.strategies():
      for number, (name, value) in enumerate(_measure(strategy, words).items()):
        results[f"{replicas}:{number} {name}"] = value
  np.savez(argv[1], **results)


if __name__ == "__main__":
  main(sys.argv)
