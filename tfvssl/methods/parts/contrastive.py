"""NCE, MIL-NCE and logistic loss between videos and another modality.

Negatives are the other samples of the global batch. A sample that lacks the
other modality has no loss, and what it lacks is not a negative; its video still
is one of the others' sound and text. The rest are weighted up over the global
batch, so that any number of replicas gives the same.
"""

import enum

import tensorflow as tf

from tfvssl.runtime import replicas

_NEVER = float("-inf")  # a score that is not in the softmax


class Form(enum.Enum):
  """Which pairs stand in the denominator, s_ij of video i and sound or text j.

  PAPER: s_ij and s_ji for all j, s_ii once; MMV paper Eq. 3 to 8.
  RELEASED: the same with s_ii twice, so that the minimum is ln 2; the lineage
    of the released code, where it is the default.
  ROW: s_ij, the video against all others; MMV paper Eq. 2.
  COLUMN: s_ji, the sound or text against all videos.
  SYMMETRIC: the sum of the losses of ROW and COLUMN.
  LOGISTIC: no softmax; see `logistic_loss`. MMV paper Table 7.
  """

  PAPER = "paper"
  RELEASED = "released"
  ROW = "row"
  COLUMN = "column"
  SYMMETRIC = "symmetric"
  LOGISTIC = "logistic"


def loss(
  video: tf.Tensor,
  other: tf.Tensor,
  present: tf.Tensor,
  *,
  temperature: float,
  form: Form,
) -> tf.Tensor:
  """Returns the mean over this replica's samples, float32 scalar.

  The mean of it over all replicas is the mean over the samples of the global
  batch that have the other modality, 0 where none has.

  Args:
    video: z_v of this replica, float [B, D]; of unit length in the paper.
    other: z_a or z_t of its K candidates, float [B, K, D].
    present: float [B], 1 where the sample has the other modality, else 0.
    temperature: tau.
    form: of the loss; LOGISTIC takes K = 1.
  Source: MMV paper Sec. 3.1 ("Missing modalities") and Eq. 2 to 8.
  """
  values = per_sample(video, other, present, temperature=temperature, form=form)
  return mean_over_present(values, present)


def per_sample(
  video: tf.Tensor,
  other: tf.Tensor,
  present: tf.Tensor,
  *,
  temperature: float,
  form: Form,
) -> tf.Tensor:
  """Returns the loss of every sample of this replica, float32 [B].

  Arguments as of `loss`; a sound or text that is not present is not a
  negative of other videos, and the value of its own sample means nothing.

  Raises:
    ValueError: LOGISTIC with several candidates.
  """
  if form == Form.LOGISTIC:
    return logistic_loss(video, other, present, temperature=temperature)
  positive, row, column = _scores(video, other, present, temperature)
  positives = {Form.RELEASED: [positive, positive]}.get(form, [positive])
  directions = {
    Form.ROW: [[row]],
    Form.COLUMN: [[column]],
    Form.SYMMETRIC: [[row], [column]],
  }.get(form, [[row, column]])
  return tf.add_n(
    [_softmax_loss(positive, positives + negatives) for negatives in directions]
  )


def _softmax_loss(positive, scores):
  """Returns -ln(sum exp of the positives / sum exp of all scores), [B]."""
  return tf.reduce_logsumexp(
    tf.concat(scores, axis=1), axis=1
  ) - tf.reduce_logsumexp(positive, axis=1)


def logistic_loss(
  video: tf.Tensor,
  other: tf.Tensor,
  present: tf.Tensor,
  *,
  temperature: float,
) -> tf.Tensor:
  """Returns the binary loss "same clip or not" of every sample, float32 [B].

  Half of softplus(-s_ii) and half of the mean of softplus(s_ij) over the
  others that are present, so both classes weigh the same.

  Args:
    video: float [B, D].
    other: float [B, 1, D].
    present: float [B].
    temperature: that divides the scores.

  Raises:
    ValueError: several candidates.
  Source: MMV paper Table 7 names the loss after L3-Net and AVTS, which decide
  on balanced pairs; the form over a batch is ours.
  """
  if other.shape[1] != 1:
    raise ValueError(
      f"the logistic loss takes one candidate, not {other.shape[1]}; use NCE"
      " for text."
    )
  positive, row, _ = _scores(video, other, present, temperature)
  is_negative = tf.math.is_finite(row)
  count = tf.reduce_sum(tf.cast(is_negative, tf.float32), axis=1)
  # The inner where keeps the gradient at -inf from becoming NaN.
  losses = tf.where(
    is_negative, tf.nn.softplus(tf.where(is_negative, row, 0.0)), 0.0
  )
  negative = tf.math.divide_no_nan(tf.reduce_sum(losses, axis=1), count)
  return 0.5 * (tf.nn.softplus(-positive[:, 0]) + negative)


def mean_over_present(values: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
  """Returns this replica's part of a mean over what is present, a scalar.

  Args:
    values: float32 [B].
    present: float [B], 1 or 0.
  """
  present = tf.cast(present, tf.float32)
  everywhere = replicas.cross_replica_concat(present)
  count = tf.reduce_sum(everywhere)
  weight = tf.math.divide_no_nan(float(everywhere.shape[0]), count)
  kept = tf.where(present > 0, values, tf.zeros_like(values))
  return weight * tf.reduce_mean(kept)


def _scores(video, other, present, temperature):
  """Returns s_ii [B, K], and s_ij and s_ji [B, N * K] without i itself.

  N is the global batch. What must not be a negative is -inf.
  """
  video, other = tf.cast(video, tf.float32), tf.cast(other, tf.float32)
  all_videos = replicas.cross_replica_concat(video)
  all_others = replicas.cross_replica_concat(other)
  all_present = replicas.cross_replica_concat(tf.cast(present, tf.float32)) > 0
  is_own = _own_places(video.shape[0], all_videos.shape[0])
  positive = tf.einsum("id,ikd->ik", video, other) / temperature
  row = tf.einsum("id,jkd->ijk", video, all_others) / temperature
  column = tf.einsum("ikd,jd->ijk", other, all_videos) / temperature
  is_negative = ~is_own & all_present[tf.newaxis]
  row = tf.where(is_negative[..., tf.newaxis], row, _NEVER)
  column = tf.where(is_own[..., tf.newaxis], _NEVER, column)
  flat = [-1, row.shape[1] * row.shape[2]]
  return positive, tf.reshape(row, flat), tf.reshape(column, flat)


def _own_places(batch, total):
  """Returns bool [B, N]: which rows of the global batch are this replica's."""
  context = tf.distribute.get_replica_context()
  replica = 0 if batch == total else context.replica_id_in_sync_group
  places = replica * batch + tf.range(batch)
  return places[:, tf.newaxis] == tf.range(total)[tf.newaxis]
