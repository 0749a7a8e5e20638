"""Features of a frozen encoder: augmented training clips, regular test clips.

Source: paper appendix B. Every batch has the same static shape (the last one
is padded), so the forward pass is traced once. It runs on all replicas of the
strategy in whose scope it is called.
"""

from collections.abc import Callable, Iterator
import dataclasses
import operator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import views
from tfvssl.augment import view as view_augmentation
from tfvssl.config import protocols
from tfvssl.data import clip_views
from tfvssl.data import last_batch
from tfvssl.data import one_pass
from tfvssl.data import pipeline
from tfvssl.data import regular_views
from tfvssl.data import starts
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.methods import base

# Part of every random key: the draws differ from those of the pretraining.
VIEW_NAME = "evaluation"
_SHUFFLE_BUFFER = 256
_PIECES = ("video", "flow", "audio")


@dataclasses.dataclass
class Settings:
  """How views are taken and features computed.

  Attributes:
    spec: the training view; `training_spec` of what the encoder was trained on.
    test_spec: the test view; differs in the size of the crop.
    test_views: how many, and from frames of which size.
    batch_size: views per forward pass over all replicas.
    seed: of every random draw.
    use_silent_sound: see reader.open_records.
  """

  spec: views.ViewSpec
  test_spec: views.ViewSpec
  test_views: protocols.TestViews
  batch_size: int
  seed: int
  use_silent_sound: bool = True


class Share(NamedTuple):
  """What one host reads of endless training clips.

  Attributes:
    batch_size: clips of a batch of one replica.
    start_position: how many clips the host has read before.
    host_index: which host it is.
    num_hosts: each reads shards of its own.
  """

  batch_size: int = 1
  start_position: int = 0
  host_index: int = 0
  num_hosts: int = 1

  @classmethod
  def of(
    cls, context: tf.distribute.InputContext, batch_size: int, step: int
  ) -> "Share":
    """Returns what a host reads from `step` on.

    Args:
      context: which host of how many it is.
      batch_size: clips per update over all replicas.
      step: updates that have had their clips before.
    """
    hosts = context.num_input_pipelines
    return cls(
      context.get_per_replica_batch_size(batch_size),
      start_position=step * batch_size // hosts,
      host_index=context.input_pipeline_id,
      num_hosts=hosts,
    )


_ONE_BY_ONE = Share()


def training_spec(spec: views.ViewSpec) -> views.ViewSpec:
  """Returns the view of the pretraining without blur and random convolution.

  Source: paper appendix B, "the same augmentations as during the pre-training
  stage except for gaussian blurring".
  """
  return spec.without_blur()


def input_shape(spec: views.ViewSpec) -> list[int]:
  """Returns the shape of one view at the network's input, with B = 1.

  Raises:
    TypeError: `spec` is of no known kind.
  """
  if spec.piece in _PIECES:
    return [1, *spec.shape]
  raise TypeError(
    "a view must be RgbViewSpec, FlowViewSpec or AudioViewSpec, not"
    f" {type(spec).__name__}."
  )


def training_features(
  encoder: base.Encoder,
  records: reader.Records,
  settings: Settings,
  epochs: int,
) -> np.ndarray:
  """Returns float32 [N, epochs, D] of randomly augmented clips.

  Rows follow the records' usable clips; the epoch is part of every draw.
  """
  total = records.usable_count * epochs
  rows, indices, drawn_in = _run(
    lambda view: encoder.backbone(network_input(view, settings)),
    records,
    training_batches(records, settings).take(total),
    settings.batch_size,
    "training clips",
    total,
  )
  order = np.lexsort([drawn_in, indices])
  return rows[order].reshape(records.usable_count, epochs, -1)


def test_features(
  encoder: base.Encoder, records: reader.Records, settings: Settings
) -> np.ndarray:
  """Returns float32 [N, V, D]: V regular views of every clip, time outermost.

  V is temporal_clips * spatial_crops, for sound temporal_clips.
  """
  return test_outputs(encoder.backbone, records, settings)


def test_outputs(
  network: Callable[[tf.Tensor], tf.Tensor],
  records: reader.Records,
  settings: Settings,
) -> np.ndarray:
  """Returns what `network` gives for the views of `test_features`.

  Args:
    network: maps what a backbone takes to float32 [B, K].
    records: of the test clips.
    settings: how views are taken.

  Returns:
    float32 [N, V, K].
  """
  num_views = views_per_clip(settings)
  total = records.usable_count * num_views
  rows, _, _ = _run(
    lambda view: network(_plain_input(view, settings.test_spec)),
    records,
    _test_batches(records, settings, num_views),
    settings.batch_size,
    "test views",
    total,
  )
  return rows.reshape(records.usable_count, num_views, -1)


def views_per_clip(settings: Settings) -> int:
  """Returns how many views of a test clip are averaged."""
  chosen = settings.test_views
  if settings.test_spec.piece == "audio":
    return chosen.temporal_clips
  return chosen.temporal_clips * chosen.spatial_crops


def training_batches(
  records: reader.Records,
  settings: Settings,
  share: Share = _ONE_BY_ONE,
) -> tf.data.Dataset:
  """Returns endless batches of random views, uint8 pixels.

  Every pass of all hosts has every usable clip once, in shuffled order.

  Raises:
    ValueError: as pipeline.training_dataset.
  """
  spec = settings.spec

  def sample_views(clip, seed):
    start = starts.narrow_start(clip, spec, seed=seed, name=VIEW_NAME)
    view = clip_views.view(clip, spec, start, seed=seed, name=VIEW_NAME)
    return {VIEW_NAME: view}

  dataset = pipeline.training_dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=settings.seed,
    shuffle_buffer=_SHUFFLE_BUFFER,
    **share._asdict(),
  )
  return dataset.map(operator.itemgetter(VIEW_NAME))


@pipeline.without_autograph
def _test_batches(records, settings, num_views):
  chosen, spec = settings.test_views, settings.test_spec

  def sample_views(clip, seed):
    del seed  # nothing is random
    return {
      VIEW_NAME: regular_views.evaluation_views(
        clip,
        spec,
        temporal_clips=chosen.temporal_clips,
        spatial_crops=chosen.spatial_crops,
        short_side=chosen.test_short_side,
      )
    }

  def flatten(sampled):
    view = sampled[VIEW_NAME]
    name = spec.piece
    pixels = getattr(view, name)
    rows = tf.reshape(pixels, [-1, *pixels.shape[2:]])
    return views.View(
      sample_index=tf.repeat(view.sample_index, num_views),
      epoch=tf.repeat(view.epoch, num_views),
      **{name: rows},
    )

  # 30 views of a clip at full size are 145 MB: as few clips as fill a batch.
  clips = max(1, settings.batch_size // num_views)
  dataset = one_pass.dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=settings.seed,
    batch_size=clips,
  )
  return dataset.map(flatten)


def read(
  records: reader.Records, batches: tf.data.Dataset
) -> Iterator[views.View]:
  """Yields the batches; what fails outside of reading keeps its own error.

  Raises:
    exit_codes.UserError: a record is damaged; it is named.
  """
  with damage.explained(records):
    yield from batches


def network_input(view: views.View, settings: Settings) -> tf.Tensor:
  """Returns the augmented input of the network for a batch of views."""
  seen = view_augmentation.augment(
    view, settings.spec, settings.seed, VIEW_NAME
  )
  return view_augmentation.network_input(seen)


def _plain_input(view, spec):
  return view_augmentation.network_input(view_augmentation.plain(view, spec))


def replica_batch_size(batch_size: int) -> int:
  """Returns `batch_size`, raised until the replicas can share it."""
  replicas = tf.distribute.get_strategy().num_replicas_in_sync
  return -(-batch_size // replicas) * replicas


@pipeline.without_autograph
def _run(
  network: Callable[[views.View], tf.Tensor],
  records: reader.Records,
  batches: tf.data.Dataset,
  batch_size: int,
  what: str,
  total: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns the network's output of all rows, and their index and epoch."""
  strategy = tf.distribute.get_strategy()
  batch_size = replica_batch_size(batch_size)

  def replica_forward(view):
    return network(view), view.sample_index, view.epoch

  @tf.function(autograph=False)
  def forward(view):
    return strategy.run(replica_forward, args=(view,))

  batches = batches.rebatch(batch_size).map(
    lambda view: last_batch.pad(view, batch_size)
  )
  batches = strategy.experimental_distribute_dataset(batches.prefetch(2))
  parts, done = [], 0
  with tqdm.tqdm(desc=what, total=total, unit=" views") as progress:
    for view in read(records, batches):
      outputs = [strategy.experimental_local_results(x) for x in forward(view)]
      parts.append([np.concatenate(output) for output in outputs])
      count = min(batch_size, total - done)
      done += count
      progress.update(count)
  rows, indices, epochs = (np.concatenate(column) for column in zip(*parts))
  return rows[:total], indices[:total], epochs[:total]
