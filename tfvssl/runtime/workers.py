"""The processes of a run under MultiWorkerMirroredStrategy."""

import numpy as np
import tensorflow as tf


def check_same_step(
  strategy: tf.distribute.Strategy, step: int, folder: str = "--workdir"
) -> None:
  """Raises ValueError if the processes of a run restored different steps.

  They would wait for each other for ever, or train different weights. Happens
  where the folder is not one that all of them share.

  Args:
    strategy: of the processes.
    step: that this one restored.
    folder: where from, as a flag.
  """
  mine = strategy.run(lambda: tf.constant(float(step)))
  total = float(strategy.reduce(tf.distribute.ReduceOp.SUM, mine, axis=None))
  if total != step * strategy.num_replicas_in_sync:
    raise ValueError(
      f"this worker restored step {step}, another one another step; all"
      f" workers need the same {folder} on a shared file system."
    )


def all_equal(strategy: tf.distribute.Strategy, digest: bytes) -> bool:
  """Returns whether all processes of a run gave the same bytes.

  Args:
    strategy: of the run.
    digest: as many bytes in each process.
  """
  mine = strategy.run(lambda: tf.constant(list(digest), tf.float32))
  total = strategy.reduce(tf.distribute.ReduceOp.SUM, mine, axis=None)
  one = np.frombuffer(digest, np.uint8).astype(np.float32)
  expected = one * strategy.num_replicas_in_sync
  found = strategy.run(
    lambda: tf.constant(float((total.numpy() != expected).any()))
  )
  return float(strategy.reduce(tf.distribute.ReduceOp.SUM, found, None)) == 0


def is_chief(strategy: tf.distribute.MultiWorkerMirroredStrategy) -> bool:
  """Returns whether this process writes the checkpoints that count."""
  resolver = strategy.cluster_resolver
  has_chief = "chief" in resolver.cluster_spec().as_dict()
  return is_chief_task(resolver.task_type, resolver.task_id, has_chief)


def is_chief_task(
  task_type: str | None, task_id: int | None, has_chief: bool
) -> bool:
  """Returns whether a task of TF_CONFIG is the chief, else worker 0 is."""
  if task_type is None:
    return True
  if has_chief:
    return task_type == "chief"
  return task_type == "worker" and task_id == 0
