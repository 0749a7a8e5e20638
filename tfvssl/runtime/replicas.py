"""Placement of replicas, precision and process-wide seeds."""

import tensorflow as tf

from tfvssl.config import experiment as config


def prepare_process(experiment: config.Experiment) -> None:
  """Sets what TensorFlow keeps per process: devices, precision, seeds.

  Must run before the first operation.
  """
  runtime = experiment.runtime
  if runtime.logical_cpus > 1:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
      cpu, [tf.config.LogicalDeviceConfiguration()] * runtime.logical_cpus
    )
  set_precision(runtime.precision)
  tf.keras.utils.set_random_seed(experiment.seed)
  if runtime.deterministic and runtime.strategy != config.Strategy.TPU:
    tf.config.experimental.enable_op_determinism()


def set_precision(precision: config.Precision) -> None:
  """Sets the dtype of activations; variables and norms stay float32."""
  policy = {
    config.Precision.FLOAT32: "float32",
    config.Precision.BFLOAT16: "mixed_bfloat16",
  }[precision]
  tf.keras.mixed_precision.set_global_policy(policy)


def build_strategy(runtime: config.Runtime) -> tf.distribute.Strategy:
  """Returns the strategy of `runtime.strategy`.

  CPU and GPU are one replica; MIRRORED all GPUs of this host, or its logical
  CPUs where it has none; MULTI_WORKER reads TF_CONFIG; TPU connects to
  `runtime.tpu`.

  Raises:
    ValueError: the devices that were asked for are not there.
  """
  if runtime.strategy == config.Strategy.MULTI_WORKER:
    # Before anything else touches the devices: its collectives need that.
    return tf.distribute.MultiWorkerMirroredStrategy()
  gpus = tf.config.list_logical_devices("GPU")
  if runtime.strategy == config.Strategy.CPU:
    return tf.distribute.OneDeviceStrategy("/cpu:0")
  if runtime.strategy == config.Strategy.GPU:
    if not gpus:
      raise ValueError(
        "`runtime.strategy` is gpu but TensorFlow sees none; try"
        " --config.runtime.strategy=cpu."
      )
    return tf.distribute.OneDeviceStrategy("/gpu:0")
  if runtime.strategy == config.Strategy.MIRRORED:
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
  from tfvssl.runtime import tpu

  return tpu.strategy(runtime.tpu)


def cross_replica_concat(tensor: tf.Tensor) -> tf.Tensor:
  """Returns [R * B, ...] of all R replicas for each one's [B, ...].

  The one place where replicas exchange tensors; gradients pass. With one
  replica, or outside of `strategy.run`, it returns its argument.
  """
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return tensor
  # An argument of the step has no device yet, which several workers need.
  gathered = context.all_gather(tf.identity(tensor), axis=0)
  batch, *rest = tensor.shape
  total = None if batch is None else batch * context.num_replicas_in_sync
  return tf.ensure_shape(gathered, [total, *rest])


def is_chief(strategy: tf.distribute.Strategy) -> bool:
  """Returns whether this process writes the checkpoints that count."""
  if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
    return True
  from tfvssl.runtime import workers  # of many processes alone

  return workers.is_chief(strategy)
