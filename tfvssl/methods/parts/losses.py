"""Losses between embeddings, and what shows that embeddings collapse."""

from typing import NamedTuple

import tensorflow as tf

from tfvssl.runtime import replicas

# Norms below are raised to it. Source: released brave.py; the paper has none.
_SMALLEST_NORM = 1e-5


class Directions(NamedTuple):
  """The two terms of one pair of views, each float32 [B]."""

  narrow_to_broad: tf.Tensor
  broad_to_narrow: tf.Tensor


def brave_loss(
  prediction_narrow: tf.Tensor,
  z_narrow: tf.Tensor,
  predictions_broad: list[tf.Tensor],
  z_broad: list[tf.Tensor],
) -> Directions:
  """Returns the loss between a narrow view and K broad ones of one modality.

  The narrow view predicts the mean of the K broad embeddings; the K broad
  predictions of the narrow embedding are averaged. Gradients stop at targets.

  Args:
    prediction_narrow: h(z_n), float [B, E].
    z_narrow: float [B, E].
    predictions_broad: K of h(z_b^k), float [B, E].
    z_broad: K of float [B, E].

  Returns:
    Both terms per example, in the paper's scale; their sum over modalities is
    Eq. 5. The released code takes half of the mean over all terms instead.
  Source: paper Sec. 3.1, Eq. 1 to 5.
  """
  target = tf.add_n([tf.cast(z, tf.float32) for z in z_broad]) / len(z_broad)
  backward = [regression_loss(h, z_narrow) for h in predictions_broad]
  return Directions(
    narrow_to_broad=regression_loss(prediction_narrow, target),
    broad_to_narrow=tf.add_n(backward) / len(backward),
  )


def regression_loss(prediction: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
  """Returns || h / ||h|| - sg(z / ||z||) ||^2 per example, float32 [B].

  Args:
    prediction: h, float [B, E].
    target: z, float [B, E]; no gradient passes.
  Source: paper Eq. 2; half of it in the released code.
  """
  difference = unit(prediction) - tf.stop_gradient(unit(target))
  return tf.reduce_sum(tf.square(difference), axis=-1)


def unit(x: tf.Tensor) -> tf.Tensor:
  """Returns x / max(||x||, 1e-5) along the last axis, in float32."""
  x = tf.cast(x, tf.float32)
  squared = tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
  is_large = squared > _SMALLEST_NORM**2
  # The inner where keeps the gradient of sqrt at 0 from becoming NaN.
  norm = tf.where(
    is_large, tf.sqrt(tf.where(is_large, squared, 1.0)), _SMALLEST_NORM
  )
  return x / norm


def collapse(
  name: str, z: tf.Tensor, targets: dict[str, tf.Tensor], scale: float = 1.0
) -> dict[str, tf.Tensor]:
  """Returns what shows that embeddings become one, or few, of all replicas.

  `loss/mean_embedding` is the loss of predictors that ignore their input and
  give the mean embedding: who trains well is below it. `embedding_std` of each
  view is 0 where it collapsed, `effective_rank` of `z` how many directions it
  spreads over.

  Args:
    name: of the view that all others regress, and that regresses them.
    z: its embedding, float [B, E].
    targets: view to the embedding that is regressed, float [B, E].
    scale: of the loss.

  Returns:
    float32 scalars by name, without gradient.
  """
  own = whole_batch(z)
  terms, found = [], {}
  for other, target in targets.items():
    others = whole_batch(target)
    terms += [mean_embedding_loss(others), mean_embedding_loss(own)]
    found[f"embedding_std/{other}"] = embedding_std(others)
  found["loss/mean_embedding"] = scale * tf.add_n(terms)
  found[f"embedding_std/{name}"] = embedding_std(own)
  found[f"effective_rank/{name}"] = effective_rank(own)
  return found


def whole_batch(z: tf.Tensor) -> tf.Tensor:
  """Returns z of all replicas, only to be looked at: without gradient."""
  return replicas.cross_replica_concat(tf.stop_gradient(z))


def mean_embedding_loss(z: tf.Tensor) -> tf.Tensor:
  """Returns the loss of always predicting the mean embedding, float32 [].

  A predictor that ignores its input does not get below it: 2 - 2 ||mean of
  z / ||z|| ||. It falls to 0 when all embeddings become one.

  Args:
    z: float [B, E].
  """
  mean = tf.reduce_mean(unit(z), axis=0)
  return 2.0 - 2.0 * tf.norm(mean)


def embedding_std(z: tf.Tensor) -> tf.Tensor:
  """Returns the spread of unit embeddings, float32 []: 0 collapsed, 1 even.

  The root of E times the mean variance over the batch of z / ||z||.

  Args:
    z: float [B, E].
  """
  variance = tf.math.reduce_variance(unit(z), axis=0)
  return tf.sqrt(tf.reduce_sum(variance))


def effective_rank(z: tf.Tensor) -> tf.Tensor:
  """Returns how many directions the batch spreads over, float32 [].

  The participation ratio (sum l)^2 / sum l^2 of the eigenvalues l of the
  covariance of z: from 1 to min(B - 1, E); 0 where all embeddings are one.
  It needs no decomposition, so it also compiles for TPU.

  Args:
    z: float [B, E].
  """
  z = tf.cast(z, tf.float32)
  centred = z - tf.reduce_mean(z, axis=0)
  covariance = tf.matmul(centred, centred, transpose_a=True)
  return tf.math.divide_no_nan(
    tf.square(tf.linalg.trace(covariance)),
    tf.reduce_sum(tf.square(covariance)),
  )
