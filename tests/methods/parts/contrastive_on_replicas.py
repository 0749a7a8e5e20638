"""Script: every contrastive loss on 1 and on 2 logical CPUs, into argv[1]."""

import sys

import numpy as np
import tensorflow as tf

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

  @tf.function(autograph=False)
  def step(rows):
    return strategy.run(replica_step, (rows,))

  def rows_of(context):
    size = _BATCH // replicas
    first = context.replica_id_in_sync_group * size
    return tf.range(first, first + size)

  rows = strategy.experimental_distribute_values_from_function(rows_of)
  parts = [strategy.reduce("SUM", part, axis=None) for part in step(rows)]
  return dict(zip(("loss", "video", "other"), parts, strict=True))


def main(argv: list[str]) -> None:
  """Runs both and writes one file."""
  cpu = tf.config.list_physical_devices("CPU")[0]
  tf.config.set_visible_devices([], "GPU")
  tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
  )
  results = {}
  for replicas in (1, 2):
    devices = [f"CPU:{number}" for number in range(replicas)]
    strategy = tf.distribute.MirroredStrategy(devices)
    for form in contrastive.Form:
      for name, value in _measure(strategy, form).items():
        results[f"{replicas}:{form.value}/{name}"] = value.numpy()
  np.savez(argv[1], **results)


if __name__ == "__main__":
  main(sys.argv)
