"""Script: every contrastive loss on 1 and on 2 logical CPUs, into argv[1]."""

import sys

import numpy as np
import tensorflow as tf

from tests import two_replicas
from tfvssl.methods.parts import contrastive

_BATCH = 8
_PRESENT = np.float32([1, 1, 1, 0, 0, 0, 0, 1])  # 3 and 1 on two replicas


def _measure(strategy, form):
  """Returns the loss and its gradients for all videos and others."""
  captions = 1 if form == contrastive.Form.LOGISTIC else 3
  video = tf.random.stateless_normal([_BATCH, 6], [1, 2])
  other = tf.random.stateless_normal([_BATCH, captions, 6], [3, 4])
  replicas = strategy.num_replicas_in_sync

  def replica_step(rows):
    with tf.GradientTape() as tape:
      tape.watch([video, other])
      value = contrastive.loss(
        tf.gather(video, rows),
        tf.gather(other, rows),
        tf.gather(_PRESENT, rows),
        temperature=0.07,
        form=form,
      )
      share = value / replicas
    gradients = tape.gradient(share, [video, other])
    return share, *map(tf.convert_to_tensor, gradients)  # were sparse

  parts = two_replicas.sums(strategy, replica_step, _BATCH)
  return dict(zip(("loss", "video", "other"), parts, strict=True))


def main(argv: list[str]) -> None:
  """Runs both and writes one file."""
  results = {}
  for replicas, strategy in two_replicas.strategies():
    for form in contrastive.Form:
      for name, value in _measure(strategy, form).items():
        results[f"{replicas}:{form.value}/{name}"] = value.numpy()
  np.savez(argv[1], **results)


if __name__ == "__main__":
  main(sys.argv)
