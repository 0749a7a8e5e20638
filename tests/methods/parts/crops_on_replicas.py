"""Script: losses between crops on 1 and on 2 logical CPUs, into argv[1]."""

import sys

import numpy as np
import tensorflow as tf

from tests import two_replicas
from tfvssl.methods.parts import crop_loss

_BATCH, _CROPS, _LARGE = 6, 3, 2


def _measure(strategy, pairs, detached):
  """Returns the mean of the terms and its gradients for both views."""
  first, second = (
    tf.math.l2_normalize(
      tf.random.stateless_normal([_BATCH, _CROPS, 5], [seed, 2]), axis=-1
    )
    for seed in (1, 3)
  )
  replicas = strategy.num_replicas_in_sync

  def replica_step(rows):
    with tf.GradientTape() as tape:
      tape.watch([first, second])
      terms = crop_loss.terms(
        tf.gather(first, rows),
        tf.gather(second, rows),
        _LARGE,
        temperature=0.5,
        detached=detached,
        pairs=pairs,
      )
      share = crop_loss.reduced([terms], crop_loss.Reduction.MEAN) / replicas
    gradients = tape.gradient(share, [first, second])
    return share, *map(tf.convert_to_tensor, gradients)  # were sparse

  parts = two_replicas.sums(strategy, replica_step, _BATCH)
  return dict(zip(("loss", "first", "second"), parts, strict=True))


def main(argv: list[str]) -> None:
  """Runs both and writes one file."""
  results = {}
  for replicas, strategy in two_replicas.strategies():
    for pairs in crop_loss.Pairs:
      for detached in (False, True):
        measured = _measure(strategy, pairs, detached)
        for name, value in measured.items():
          key = f"{replicas}:{pairs.value}_{detached}/{name}"
          results[key] = value.numpy()
  np.savez(argv[1], **results)


if __name__ == "__main__":
  main(sys.argv)
