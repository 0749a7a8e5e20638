"""Whether all replicas hold the same weights, as they must after every step."""

from collections.abc import Sequence
import hashlib

import numpy as np
import tensorflow as tf

from tfvssl.runtime import exit_codes
from tfvssl.train import trainer


def check(made: trainer.Trainer, step: int) -> None:
  """Holds the replicas' copies of what is trained to be equal to the bit.

  Args:
    made: trains it.
    step: number of updates so far, for the message.

  Raises:
    exit_codes.UserError: copies differ (5).
  """
  check_variables(made.trainable_variables, made.strategy, step)


def check_variables(
  variables: Sequence[tf.Variable], strategy: tf.distribute.Strategy, step: int
) -> None:
  """As `check`, of any variables.

  What replicas keep apart on purpose, variables of ON_READ, is passed over.

  Args:
    variables: of all replicas.
    strategy: placement of the replicas.
    step: number of updates so far, for the message.

  Raises:
    exit_codes.UserError: copies differ (5).
  """
  digest, difference = hashlib.sha256(), ""
  for variable in variables:
    if variable.synchronization == tf.VariableSynchronization.ON_READ:
      continue
    copies = strategy.experimental_local_results(variable)
    values = [copy.numpy() for copy in copies]
    digest.update(values[0].tobytes())
    difference = difference or _difference(variable.name, values)
  if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
    from tfvssl.runtime import workers

    mine = bytes(digest.digest_size) if difference else digest.digest()
    if not workers.all_equal(strategy, mine) and not difference:
      difference = "those of one worker differ from those of another"
  if difference:
    raise exit_codes.UserError(
      exit_codes.NUMERICAL,
      f"the replicas do not hold the same weights at step {step}: {difference};"
      " the step was not saved. Start again to go on from the last checkpoint;"
      " if it comes again, look for a fault in a device.",
    )


def _difference(name, values):
  """Returns in words how far copies of a variable differ; empty if equal."""
  first, *others = values
  for number, other in enumerate(others, 1):
    if first.tobytes() != other.tobytes():
      largest = np.max(np.abs(first.astype(np.float64) - other))
      return (
        f"`{name}` of replica {number} differs from that of replica 0 by up to"
        f" {largest:.3g}"
      )
  return ""
