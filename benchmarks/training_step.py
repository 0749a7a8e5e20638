"""Time of one training step beside the floor that its arithmetic sets.

  python -m benchmarks.training_step --config=configs/tiny_brave.py

The floor is three times the forward pass's multiplications and additions
(forward, gradient of inputs, gradient of weights) at the rate of a large
matrix product, measured in the same run. Input is left out: one batch of
random views is used again and again (benchmarks/input.py measures input).
"""

from collections.abc import Sequence
import statistics
import time

from absl import flags as absl_flags
import tensorflow as tf

from tfvssl.config import flag
from tfvssl.methods import base
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.train import trainer
from tfvssl.train import weights

_CONFIG = flag.define_config()
_STEPS = absl_flags.DEFINE_integer("steps", 20, "How many steps are timed.")
_PRODUCT_SIZE = 2048  # rows and columns of the matrices


def main(argv: Sequence[str]) -> int:
  """Prints one table."""
  del argv
  experiment = flag.read_config()
  replicas.prepare_process(experiment)
  peak = product_rate()
  strategy = replicas.build_strategy(experiment.runtime)
  with strategy.scope():
    method = weights.fresh_method(experiment, experiment.seed)
    optimizer = experiment.optimizer.build(0.1, method.trainable_variables)
  batch = random_batch(method, experiment.batch_size)
  run = trainer.Trainer(
    method=method,
    optimizer=optimizer,
    dataset=strategy.experimental_distribute_dataset(
      tf.data.Dataset.from_tensors(batch).repeat()
    ),
    strategy=strategy,
    seed=experiment.seed,
    batch_size=experiment.batch_size,
    metric_names=sorted(weights.build_weights(method).metrics),
  )
  run.train(tf.constant(2))  # tracing
  times = []
  for _ in range(_STEPS.value):
    began_s = time.perf_counter()
    run.train(tf.constant(1))
    times.append(time.perf_counter() - began_s)
  operations = 3 * forward_operations(method, experiment.batch_size)
  floor_s = operations / peak
  median_s = statistics.median(times)
  print(f"matrix product     {peak / 1e9:8.1f} GFLOP/s")
  print(f"one step           {operations / 1e9:8.1f} GFLOP")
  print(f"floor              {floor_s * 1e3:8.1f} ms")
  print(
    f"measured           {median_s * 1e3:8.1f} ms (median of {len(times)},"
    f" {min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})"
  )
  print(f"measured / floor   {median_s / floor_s:8.2f}")
  print(f"examples per s     {experiment.batch_size / median_s:8.1f}")
  return exit_codes.OK


def product_rate() -> float:
  """Returns the multiplications and additions per second of a product."""
  matrix = tf.random.stateless_uniform([_PRODUCT_SIZE] * 2, [0, 0])
  product = tf.function(tf.matmul, autograph=False)
  product(matrix, matrix)
  times = []
  for _ in range(10):
    began_s = time.perf_counter()
    product(matrix, matrix).numpy()
    times.append(time.perf_counter() - began_s)
  return 2 * _PRODUCT_SIZE**3 / min(times)


def forward_operations(method: base.Method, batch_size: int) -> int:
  """Returns multiplications and additions of the networks' forward pass."""
  function = tf.function(
    lambda batch: method.loss(batch, 0, training=False), autograph=False
  ).get_concrete_function(base.view_signature(method, batch_size))
  profile = tf.compat.v1.profiler
  options = (
    profile.ProfileOptionBuilder(profile.ProfileOptionBuilder.float_operation())
    .with_empty_output()
    .build()
  )
  found = profile.profile(function.graph, options=options)
  return found.total_float_ops


def random_batch(method: base.Method, batch_size: int) -> base.Views:
  """Returns random views in the shape that the pipeline gives them."""

  def fill(spec):
    if spec is None:
      return None
    if spec.dtype == tf.int64:
      return tf.range(batch_size, dtype=tf.int64)
    noise = tf.random.stateless_uniform(spec.shape, [0, 1], maxval=255.0)
    return tf.cast(noise, spec.dtype)

  return tf.nest.map_structure(fill, base.view_signature(method, batch_size))


if __name__ == "__main__":
  binary.run(main)
