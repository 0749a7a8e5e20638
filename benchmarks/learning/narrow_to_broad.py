"""Whether a narrow view finds the broad view of its own clip among others.

The pretext task itself, on clips that were never trained on: h(z_n) against
the z_b of every clip (of K broad views their mean, as in the loss), by cosine.
It needs no labels. The views are augmented as in the pretraining, since a broad
network behind random convolution has seen no plain picture; batch norm uses its
running statistics.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tqdm

from tfvssl.data import last_batch
from tfvssl.data import one_pass
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.methods import brave

DRAWS = 4
# Cosines this near are equal: float32 embeddings tell no more apart.
_SAME_COSINE = 1e-6


class Retrieval(NamedTuple):
  """How often a narrow view finds its clip.

  Attributes:
    recall: k to the share of clips that are among the k nearest, the mean
      over all draws of views.
    chance: k to what embeddings without information reach.
    clips: how many clips there are to find.
  """

  recall: dict[int, float]
  chance: dict[int, float]
  clips: int


def measure(
  method: brave.Brave,
  records: reader.Records,
  *,
  seed: int,
  batch_size: int,
  draws: int = DRAWS,
  ranks: tuple[int, ...] = (1, 5),
) -> dict[str, Retrieval]:
  """Returns the retrieval for every broad modality of `method`.

  Args:
    method: with trained or initial weights.
    records: held out, opened for all views of the method.
    seed: of windows, crops and augmentation; the number of the draw stands
      in place of the epoch, so the same seed gives the same views.
    batch_size: clips per forward pass; changes nothing.
    draws: how many times every clip is shown. Draws of one clip are not
      independent: they make the mean smoother, not the sample larger.
    ranks: values of k.

  Raises:
    ValueError: embeddings that are not finite.
    exit_codes.UserError: a record is damaged; it is named.
  """

  @tf.function(autograph=False)
  def forward(batch):
    found = method.embeddings(batch, seed, training=False)
    targets = {name: brave.target(views) for name, views in found.broad.items()}
    return found.narrow.prediction, targets

  found = {name: [] for name in method.config.broad}
  for draw in range(draws):
    batches = one_pass.dataset(
      records,
      method.sample_views,
      modalities=records.modalities,
      seed=seed,
      epoch=draw,
      batch_size=batch_size,
    )
    predictions, targets = _collect(forward, records, batches, batch_size)
    for name, target in targets.items():
      found[name].append([recall(predictions, target, k) for k in ranks])
  count = records.usable_count
  return {
    name: Retrieval(
      dict(zip(ranks, np.mean(values, axis=0).tolist(), strict=True)),
      {k: min(1.0, k / count) for k in ranks},
      count,
    )
    for name, values in found.items()
  }


def recall(predictions: np.ndarray, targets: np.ndarray, k: int) -> float:
  """Returns the share of rows whose own target is among the k nearest.

  Of targets that are equally near any order is as likely, so embeddings that
  are all alike give exactly k / N.

  Args:
    predictions: float [N, E], h(z_n).
    targets: float [N, E], z_b of the same clips in the same order.
    k: how many of the nearest targets count.

  Raises:
    ValueError: values that are not finite.
  """
  cosines = _unit(predictions) @ _unit(targets).T
  difference = cosines - np.diag(cosines)[:, np.newaxis]
  nearer = np.sum(difference > _SAME_COSINE, axis=1)
  as_near = np.sum(np.abs(difference) <= _SAME_COSINE, axis=1)
  return float(np.mean(np.clip((k - nearer) / as_near, 0.0, 1.0)))


def _unit(rows):
  rows = np.asarray(rows, np.float64)
  if not np.isfinite(rows).all():
    raise ValueError(
      "retrieval got embeddings that are not finite; the weights are broken,"
      " take an earlier checkpoint."
    )
  norms = np.linalg.norm(rows, axis=1, keepdims=True)
  return rows / np.maximum(norms, 1e-12)


def _collect(forward, records, batches, batch_size):
  """Returns h(z_n) [N, E] and the z_b [N, E] of each modality, as NumPy."""
  parts = []
  with (
    tqdm.tqdm(
      desc="retrieval", total=records.usable_count, unit=" clips"
    ) as progress,
    damage.explained(records),
  ):
    for batch in batches:
      count = int(batch["narrow"].sample_index.shape[0])
      prediction, targets = forward(last_batch.pad(batch, batch_size))
      rows = {name: z[:count].numpy() for name, z in targets.items()}
      parts.append((prediction[:count].numpy(), rows))
      progress.update(count)
  return tf.nest.map_structure(lambda *rows: np.concatenate(rows), *parts)
