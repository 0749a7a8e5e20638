"""Script: the moving mean of a batch norm on two logical CPUs.

Writes to argv[1] each replica's mean: shared, local, and local after the
replicas' statistics were averaged.
"""

import sys

import numpy as np
import tensorflow as tf

from tests import two_replicas
from tfvssl.backbones import batch_norm
from tfvssl.evaluate.classifiers import trained as classifier


def main(argv: list[str]) -> None:
  """Runs all three and writes one file."""
  two_replicas.split_cpu()
  strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
  values = tf.constant([[[1.0], [3.0]], [[10.0], [30.0]]])
  inputs = strategy.experimental_distribute_values_from_function(
    lambda context: values[context.replica_id_in_sync_group]
  )
  results = {}
  with strategy.scope():
    for name in ("shared", "local"):
      model = tf.keras.Sequential([batch_norm.batch_norm("norm")])
      model.build([None, 1])
      if name == "local":
        batch_norm.make_local(model)
      step = tf.function(
        lambda x, model=model: model(x, training=True), autograph=False
      )
      strategy.run(step, args=(inputs,))
      results[name] = _moving_means(strategy, model)
    classifier.average_statistics(model.non_trainable_variables)
    results["averaged"] = _moving_means(strategy, model)
  np.savez(argv[1], **results)


def _moving_means(strategy, model):
  mean = model.layers[0].moving_mean
  return [
    float(value[0]) for value in strategy.experimental_local_results(mean)
  ]


if __name__ == "__main__":
  main(sys.argv)
