"""One replica and two on logical CPUs, in scripts, and tests that compare them.

Logical CPUs are made before TensorFlow starts, so in a process of their own.
"""

from collections.abc import Callable, Iterator, Sequence
import pathlib

import numpy as np
import tensorflow as tf

from tests import forked_binaries


def split_cpu() -> None:
  """Makes two logical CPUs of this process' one; no GPU is used."""
  cpu = tf.config.list_physical_devices("CPU")[0]
  tf.config.set_visible_devices([], "GPU")
  tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
  )


def strategies() -> Iterator[tuple[int, tf.distribute.Strategy]]:
  """Splits the CPU, and yields 1 and 2 with a strategy of as many replicas."""
  split_cpu()
  for replicas in (1, 2):
    devices = [f"CPU:{number}" for number in range(replicas)]
    yield replicas, tf.distribute.MirroredStrategy(devices)


def sums(
  strategy: tf.distribute.Strategy,
  replica_step: Callable[[tf.Tensor], Sequence[tf.Tensor]],
  batch: int,
) -> list[tf.Tensor]:
  """Returns the sum over the replicas of all that a step returns.

  Args:
    strategy: of the replicas.
    replica_step: takes which rows of the batch are the replica's, int32.
    batch: number of rows.
  """

  @tf.function(autograph=False)
  def step(rows):
    return strategy.run(replica_step, (rows,))

  def rows_of(context):
    size = batch // strategy.num_replicas_in_sync
    first = context.replica_id_in_sync_group * size
    return tf.range(first, first + size)

  rows = strategy.experimental_distribute_values_from_function(rows_of)
  return [strategy.reduce("SUM", part, axis=None) for part in step(rows)]


def check_equal(
  script: str, tmp_path: pathlib.Path, count: int, share: float
) -> None:
  """Runs a script that writes "1:name" and "2:name" and compares the values.

  Args:
    script: the module, which takes the file.
    tmp_path: for the file.
    count: how many names there are.
    share: of the largest value that a value may differ by.
  """
  file = tmp_path / "found.npz"
  done = forked_binaries.run(script, file)
  assert done.returncode == 0, done.stderr[-3000:]
  with np.load(file) as found:
    names = [name[2:] for name in found.files if name.startswith("1:")]
    assert len(names) == count
    for name in names:
      expected = found[f"1:{name}"]
      np.testing.assert_allclose(
        found[f"2:{name}"],
        expected,
        rtol=0,
        atol=share * np.abs(expected).max(),
        err_msg=name,
      )
