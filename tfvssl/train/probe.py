"""Accuracy while training: a linear probe and the nearest neighbour.

Where records carry labels, both say how well the features of the moment
separate the classes. Nothing flows back: the method trains as it would alone.
"""

import tensorflow as tf

from tfvssl.backbones import batch_norm
from tfvssl.methods import base
from tfvssl.optim import adam
from tfvssl.runtime import replicas

_LEARNING_RATE = 1e-3
LINEAR = "probe/linear_accuracy"
NEAREST = "probe/nearest_neighbour_accuracy"


class OnlineProbe(tf.Module):
  """A batch norm and a linear layer that learn beside the method.

  Its Adam is its own, so that schedule and decay of the method do not reach
  it. Source: the online probe is usual (BYOL, appendix); the figures are not
  those of an evaluation protocol.
  """

  def __init__(self, num_classes: int, num_features: int):
    """Makes layers and optimiser; call it in the strategy's scope.

    Args:
      num_classes: of the training records.
      num_features: D of the features.
    """
    super().__init__(name="probe")
    self._norm = batch_norm.batch_norm("probe_batch_norm")
    self._linear = tf.keras.layers.Dense(
      num_classes, kernel_initializer="zeros", dtype="float32", name="probe"
    )
    self._linear(self._norm(tf.zeros([2, num_features])))
    self._optimizer = adam.AdamConfig().build(_LEARNING_RATE, self._variables())

  def _variables(self):
    return self._norm.trainable_variables + self._linear.trainable_variables

  def update(
    self, batch: base.Views, features: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """Learns from this replica's batch; returns accuracies before it did.

    Args:
      batch: views as they leave the pipeline; all carry the clips' labels.
      features: float32 [B, D].

    Returns:
      LINEAR and NEAREST, float32 scalars: shares of the labelled clips of the
      global batch, 0 where there is none.
    """
    context = tf.distribute.get_replica_context()
    view = next(iter(batch.values()))
    features = tf.stop_gradient(tf.cast(features, tf.float32))
    labelled = tf.cast(view.labels >= 0, tf.float32)
    total = tf.reduce_sum(replicas.cross_replica_concat(labelled))
    with tf.GradientTape() as tape:
      logits = self._linear(self._norm(features, training=True))
      cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.maximum(view.labels, 0), logits
      )
      share = tf.reduce_sum(cross_entropy * labelled) / tf.maximum(total, 1.0)
    gradients = tape.gradient(share, self._variables())
    gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    self._optimizer.apply_gradients(
      zip(gradients, self._variables(), strict=True),
      experimental_aggregate_gradients=False,
    )
    return _accuracies(view, features, logits)

  def score(
    self, batch: base.Views, features: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """Returns the accuracies of `update` on clips it does not learn from."""
    features = tf.cast(features, tf.float32)
    logits = self._linear(self._norm(features, training=False))
    return _accuracies(next(iter(batch.values())), features, logits)


def _accuracies(view, features, logits):
  labels, indices, features, predicted = (
    replicas.cross_replica_concat(tensor)
    for tensor in (
      view.labels,
      view.sample_index,
      features,
      tf.argmax(logits, axis=-1),
    )
  )
  return {
    LINEAR: _share(tf.equal(predicted, labels), labels),
    NEAREST: nearest_neighbour_accuracy(features, labels, indices),
  }


def nearest_neighbour_accuracy(
  features: tf.Tensor, labels: tf.Tensor, sample_index: tf.Tensor
) -> tf.Tensor:
  """Returns how often the nearest other labelled clip has the same label.

  Args:
    features: float32 [B, D]; nearest is by cosine.
    labels: int64 [B], -1 where a clip has none.
    sample_index: int64 [B]; rows of one clip are not neighbours.

  Returns:
    float32 scalar, the share of the labelled clips; 0 where there is none.
  """
  unit = tf.math.l2_normalize(features, axis=-1)
  similarity = tf.matmul(unit, unit, transpose_b=True)
  same_clip = tf.equal(sample_index[:, tf.newaxis], sample_index)
  comparable = ~same_clip & (labels >= 0)
  nearest = tf.argmax(tf.where(comparable, similarity, -2.0), axis=-1)
  has_neighbour = tf.reduce_any(comparable, axis=-1)
  right = tf.equal(tf.gather(labels, nearest), labels) & has_neighbour
  return _share(right, labels)


def _share(right, labels):
  labelled = labels >= 0
  count = tf.reduce_sum(tf.cast(labelled, tf.float32))
  hits = tf.reduce_sum(tf.cast(right & labelled, tf.float32))
  return hits / tf.maximum(count, 1.0)
