"""The strategy of a TPU that can be reached."""

import tensorflow as tf


def strategy(address: str) -> tf.distribute.Strategy:
  """Returns the strategy of the TPU at `address`, after its system is set up.

  Raises:
    ValueError: there is none.
  """
  try:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(address)
    if address != "local":
      tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)
  except (ValueError, tf.errors.OpError) as error:
    reason = str(error).splitlines()[0]
    raise ValueError(
      f"`runtime.tpu` ({address}) is no TPU that can be reached ({reason});"
      " on a TPU VM use local and the TensorFlow of its image."
    ) from error
