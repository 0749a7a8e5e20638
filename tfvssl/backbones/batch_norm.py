"""Batch norm over the global batch: the one place where it is configured."""

import tensorflow as tf


def batch_norm(name: str) -> tf.keras.layers.BatchNormalization:
  """Returns batch norm over the global batch, in float32 under any policy.

  The moving variance is that of the biased batch variance, as in the released
  code; Keras' fused kernel, which a synchronised layer never takes, would
  keep the unbiased one.
  Source: paper appendix A.1 (cross-replica); released modules.py (decay 0.9,
  epsilon 1e-5).
  """
  return SynchronizedBatchNorm(
    momentum=0.9,
    epsilon=1e-5,
    synchronized=True,
    dtype="float32",
    name=name,
  )


class SynchronizedBatchNorm(tf.keras.layers.BatchNormalization):
  """Batch norm whose variance is never below zero.

  Keras' synchronised layer takes E[x^2] - E[x]^2 of float32 sums. Over 2e5
  values around 1.1 on a CPU that is -2e-4 where 1e-6 is right, and its root is
  NaN. Here the mean is subtracted first, as Keras does on one replica.

  Attributes:
    local: statistics are those of the replica's own batch; see `make_local`.
  """

  local = False

  def _calculate_mean_and_var(
    self, inputs, reduction_axes, keep_dims, mask=None
  ):
    del mask  # Masks are not passed: inputs are images or vectors.
    mean = self._over_replicas(
      tf.reduce_mean(inputs, reduction_axes, keepdims=True)
    )
    # The gradient through this mean is zero, so it need not be exchanged.
    centred = inputs - tf.stop_gradient(mean)
    variance = self._over_replicas(
      tf.reduce_mean(tf.square(centred), reduction_axes, keepdims=True)
    )
    if keep_dims:
      return mean, variance
    return tf.squeeze(mean, reduction_axes), tf.squeeze(
      variance, reduction_axes
    )

  def _over_replicas(self, value):
    return value if self.local else _mean_over_replicas(value)


def make_local(model: tf.Module) -> None:
  """Lets every batch norm of `model` use the statistics of its replica alone.

  Takes effect where the model is traced afterwards. Source: paper appendix B,
  fine-tuning: "compute statistics of batch norm within each worker".

  Raises:
    TypeError: a batch norm is not one of `batch_norm`.
  """
  for module in model.submodules:
    if isinstance(module, SynchronizedBatchNorm):
      module.local = True
    elif isinstance(module, tf.keras.layers.BatchNormalization):
      raise TypeError(
        f"batch norm `{module.name}` is no SynchronizedBatchNorm, so it cannot"
        " be told to be local; make it with batch_norm.batch_norm."
      )


def _mean_over_replicas(local):
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return local
  return context.all_reduce(tf.distribute.ReduceOp.MEAN, local)
