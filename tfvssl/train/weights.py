"""A method with its weights: of a run, fresh of a seed, or only created."""

import tensorflow as tf

from tfvssl.config import experiment as config
from tfvssl.methods import base
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import run_folder


def load_method(
  workdir: storage.PathLike,
  precision: config.Precision | None = None,
) -> tuple[config.Experiment, base.Method, int]:
  """Returns a run's config, its method with the newest weights, and the step.

  Args:
    workdir: folder of the run.
    precision: of the networks' activations; None for that of the run.

  Raises:
    FileNotFoundError: the folder holds no run or no checkpoint.
    ValueError: config or checkpoints are damaged or do not fit.
  """
  from tfvssl.train import restoring  # a training makes its own

  workdir = storage.Path(workdir)
  experiment = run_folder.read_config(workdir)
  replicas.set_precision(precision or experiment.runtime.precision)
  restoring.newest(workdir)  # before anything is built
  method = fresh_method(experiment, experiment.seed)
  step = restoring.restore_newest(workdir, method=method)
  return experiment, method, step


def fresh_method(experiment: config.Experiment, seed: int) -> base.Method:
  """Returns the experiment's method with initial weights of `seed`."""
  tf.keras.utils.set_random_seed(seed)
  method = experiment.method.build()
  build_weights(method)
  return method


def build_weights(method: base.Method) -> base.Output:
  """Creates all weights of `method` without running it.

  Returns:
    The symbolic tensors that its loss returns.
  """
  batch = base.view_signature(method, batch_size=2)
  # Not a tf.function, which traces once more what has made variables.
  return tf.compat.v1.wrap_function(
    tf.autograph.experimental.do_not_convert(
      lambda *parts: method.loss(
        tf.nest.pack_sequence_as(batch, parts), 0, training=False
      )
    ),
    tf.nest.flatten(batch),
  ).structured_outputs
