"""Script: two LARS steps of a small network on 1 and on 2 logical CPUs.

Writes the variables before and after, by number of replicas, to argv[1].
"""

import sys

import numpy as np
import tensorflow as tf

from tests import two_replicas
from tfvssl.backbones import tsm_resnet
from tfvssl.methods.parts import heads
from tfvssl.methods.parts import losses
from tfvssl.optim import lars

_BATCH = 8


def _build():
  tf.keras.utils.set_random_seed(0)
  backbone = tsm_resnet.TSMResNetConfig(blocks=(1, 1), width=0.125).build("f")
  projector, predictor = heads.Projector(16, 8), heads.Predictor(16, 8)
  model = tf.keras.Sequential([backbone, projector, predictor])
  model(tf.zeros([1, 2, 16, 16, 3]))
  return model


def _train(strategy):
  """Returns name to value: variables at the start and after two steps."""
  with strategy.scope():
    model = _build()
    variables = model.trainable_variables
    optimizer = lars.LarsConfig().build(0.2, variables)
  replicas = strategy.num_replicas_in_sync
  shape = [_BATCH, 2, 16, 16, 3]
  video = tf.random.stateless_uniform(shape, [1, 2])
  target = tf.random.stateless_normal([_BATCH, 8], [3, 4])

  def part(context):
    first = context.replica_id_in_sync_group * _BATCH // replicas
    last = first + _BATCH // replicas
    return video[first:last], target[first:last]

  def replica_step(inputs, wanted):
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(
        losses.regression_loss(model(inputs, training=True), wanted)
      )
      loss = loss / _BATCH
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss

  @tf.function(autograph=False)
  def step(inputs, wanted):
    return strategy.run(replica_step, (inputs, wanted))

  def read(prefix):
    return {f"{prefix}:{v.name}": v.numpy() for v in model.variables}

  values = read("start")
  inputs, wanted = (
    strategy.experimental_distribute_values_from_function(
      lambda context, position=position: part(context)[position]
    )
    for position in (0, 1)
  )
  for _ in range(2):
    loss = strategy.reduce("SUM", step(inputs, wanted), axis=None)
  return {**values, **read("end"), "loss": loss.numpy()}


def main(argv: list[str]) -> None:
  """Runs both and writes one file."""
  results = {}
  for replicas, strategy in two_replicas.strategies():
    trained = _train(strategy)
    for name, value in trained.items():
      results[f"{replicas}:{name}"] = value
  np.savez(argv[1], **results)


if __name__ == "__main__":
  main(sys.argv)
