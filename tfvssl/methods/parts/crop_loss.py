"""NCE between the crops of two views of the same clips.

A large crop is compared with every crop of the other view, a small one with
the large ones alone. Source: STiCA Eq. 1 and 6.
"""

import enum

import tensorflow as tf

from tfvssl.runtime import replicas


class Pairs(enum.Enum):
  """Which crops are compared.

  ALL: every pair but of two small ones, in both directions; STiCA Eq. 6.
  RELEASED: of the two second large crops one term, the mean of both
    directions, and one for every small crop of the second view against every
    large crop of the first, which has no gradient; released main_stica.py.
  """

  ALL = "all"
  RELEASED = "released"


class Reduction(enum.Enum):
  """What becomes of the terms.

  MEAN: released, and its rate of 0.64 belongs to it.
  SUM: STiCA Eq. 6.
  """

  MEAN = "mean"
  SUM = "sum"


def directed(
  anchors: tf.Tensor,
  keys: tf.Tensor,
  *,
  temperature: float,
  detached: bool,
) -> tf.Tensor:
  """Returns L(a, k) of every anchor crop and key crop, float32 [C, K].

  It is the mean over this replica's clips of the softmax loss of the own key
  among those of the global batch.

  Args:
    anchors: z of this replica, float [B, C, E], of unit length.
    keys: likewise, float [B, K, E].
    temperature: that divides the cosines.
    detached: whether no gradient reaches the keys; released. Eq. 1 has it.
  """
  anchors, keys = (tf.cast(z, tf.float32) for z in (anchors, keys))
  if detached:
    keys = tf.stop_gradient(keys)
  everywhere = replicas.cross_replica_concat(keys)
  scores = tf.einsum("bce,nke->ckbn", anchors, everywhere) / temperature
  own = tf.einsum("bce,bke->ckb", anchors, keys) / temperature
  losses = tf.reduce_logsumexp(scores, axis=-1) - own
  return tf.reduce_mean(losses, axis=-1)


def reduced(terms: list[tf.Tensor], reduction: Reduction) -> tf.Tensor:
  """Returns a float32 scalar of the terms of all families of crops."""
  every = tf.concat(terms, axis=0)
  if reduction == Reduction.MEAN:
    return tf.reduce_mean(every)
  return tf.reduce_sum(every)


def terms(
  first: tf.Tensor,
  second: tf.Tensor,
  num_large: int,
  *,
  temperature: float,
  detached: bool,
  pairs: Pairs,
) -> tf.Tensor:
  """Returns the losses between the crops of two views, float32 [terms].

  Args:
    first: z of the first view's crops, the large ones first, float [B, C, E].
    second: likewise.
    num_large: how many of them are large.
    temperature: that divides the cosines.
    detached: whether no gradient reaches the keys.
    pairs: which crops are compared.

  Raises:
    ValueError: there is no large crop, or the pairs are the released ones and
      there are none, or more than two large crops.
  """
  if num_large < 1:
    raise ValueError(
      f"`num_large` ({num_large}) must be at least 1: small crops are compared"
      " with large ones alone."
    )
  of_pairs = _all_terms if pairs == Pairs.ALL else _released_terms
  return of_pairs(
    first, second, num_large, temperature=temperature, detached=detached
  )


def _all_terms(first, second, num_large, *, temperature, detached):
  """Returns the 2 (C^2 - S^2) terms of Eq. 6, with S small crops."""
  number = first.shape[1]
  places = [
    number * row + column
    for row in range(number)
    for column in range(number)
    if min(row, column) < num_large
  ]
  found = [
    directed(one, two, temperature=temperature, detached=detached)
    for one, two in ((first, second), (second, first))
  ]
  return tf.concat(
    [tf.gather(tf.reshape(losses, [-1]), places) for losses in found], axis=0
  )


def _released_terms(first, second, num_large, *, temperature, detached):
  """Returns the terms of released main_stica.py, see `Pairs`."""
  if num_large > 2:
    raise ValueError(
      f"the released pairs are of at most 2 large crops, not {num_large}; take"
      " fewer, or all pairs."
    )
  found = []
  if num_large == 2:
    ends = (second[:, 1:2], first[:, 1:2])
    both = [
      directed(one, two, temperature=temperature, detached=detached)
      for one, two in (ends, ends[::-1])
    ]
    found.append(tf.reshape(tf.add_n(both) / 2, [1]))
  if first.shape[1] > num_large:
    small, large = second[:, num_large:], first[:, :num_large]
    losses = directed(small, large, temperature=temperature, detached=True)
    found.append(tf.reshape(losses, [-1]))
  if not found:
    raise ValueError(
      f"the released pairs of {num_large} large crops and no small one are"
      " none; take two large ones, a small one, or all pairs."
    )
  return tf.concat(found, axis=0)
