"""Features of a frozen encoder: augmented training clips, regular test clips.

Source: paper appendix B. Every batch has the same static shape (the last one
is padded), so the forward pass is traced once.
"""

from collections.abc import Callable, Iterator
import dataclasses

import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import config
from tfvssl import views
from tfvssl.augment import flow
from tfvssl.augment import rgb
from tfvssl.data import clip_views
from tfvssl.data import pipeline
from tfvssl.data import reader
from tfvssl.methods import base

# Part of every random key: the draws differ from those of the pretraining.
VIEW_NAME = "evaluation"
_SHUFFLE_BUFFER = 256
_FIELDS = {
  views.RgbViewSpec: "video",
  views.FlowViewSpec: "flow",
  views.AudioViewSpec: "audio",
}


@dataclasses.dataclass
class Settings:
  """How features are taken.

  Attributes:
    spec: the view; `training_spec` of what the encoder was trained on.
    svm: epochs, clips, crops and batch size.
    frame_rate_hz: of the records.
    seed: of every random draw.
  """

  spec: views.ViewSpec
  svm: config.Svm
  frame_rate_hz: float
  seed: int


def training_spec(spec: views.ViewSpec) -> views.ViewSpec:
  """Returns the view of the pretraining without blur and random convolution.

  Source: paper appendix B, "the same augmentations as during the pre-training
  stage except for gaussian blurring".
  """
  if not isinstance(spec, views.RgbViewSpec):
    return spec
  augmentation = dataclasses.replace(
    spec.augmentation, blur_probability=0.0, random_convolution=False
  )
  return dataclasses.replace(spec, augmentation=augmentation)


def training_features(
  encoder: base.Encoder, records: reader.Records, settings: Settings
) -> np.ndarray:
  """Returns float32 [N, train_epochs, D] of randomly augmented clips.

  Rows follow the records' usable clips; the epoch is part of every draw.
  """
  total = records.usable_count * settings.svm.train_epochs
  batches = training_batches(records, settings).take(total)
  rows, indices, epochs = _run(
    encoder,
    records,
    batches,
    lambda view: network_input(view, settings),
    settings.svm.batch_size,
    "training clips",
    total,
  )
  order = np.lexsort([epochs, indices])
  return rows[order].reshape(
    records.usable_count, settings.svm.train_epochs, -1
  )


def test_features(
  encoder: base.Encoder, records: reader.Records, settings: Settings
) -> np.ndarray:
  """Returns float32 [N, V, D]: V regular views of every clip, time outermost.

  V is temporal_clips * spatial_crops, for sound temporal_clips.
  """
  num_views = views_per_clip(settings)
  total = records.usable_count * num_views
  rows, _, _ = _run(
    encoder,
    records,
    _test_batches(records, settings, num_views),
    lambda view: _plain_input(view, settings.spec),
    settings.svm.batch_size,
    "test views",
    total,
  )
  return rows.reshape(records.usable_count, num_views, -1)


def views_per_clip(settings: Settings) -> int:
  """Returns how many views of a test clip are averaged."""
  if isinstance(settings.spec, views.AudioViewSpec):
    return settings.svm.temporal_clips
  return settings.svm.temporal_clips * settings.svm.spatial_crops


def training_batches(
  records: reader.Records, settings: Settings
) -> tf.data.Dataset:
  """Returns endless single random views, uint8 pixels, as batches of one.

  Every pass has every usable clip once, in shuffled order.
  """
  spec, rate_hz = settings.spec, settings.frame_rate_hz

  def sample_views(clip, seed):
    key = {"seed": seed, "name": VIEW_NAME, "frame_rate_hz": rate_hz}
    start = clip_views.narrow_start(clip, spec, **key)
    return {VIEW_NAME: clip_views.view(clip, spec, start, **key)}

  dataset = pipeline.training_dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=settings.seed,
    start_position=0,
    batch_size=1,
    shuffle_buffer=_SHUFFLE_BUFFER,
  )
  return dataset.map(lambda sampled: sampled[VIEW_NAME])


def _test_batches(records, settings, num_views):
  svm, spec = settings.svm, settings.spec

  def sample_views(clip, seed):
    del seed  # nothing is random
    return {
      VIEW_NAME: clip_views.evaluation_views(
        clip,
        spec,
        temporal_clips=svm.temporal_clips,
        spatial_crops=svm.spatial_crops,
        short_side=svm.test_short_side,
        frame_rate_hz=settings.frame_rate_hz,
      )
    }

  def flatten(sampled):
    view = sampled[VIEW_NAME]
    name = _FIELDS[type(spec)]
    pixels = getattr(view, name)
    rows = tf.reshape(pixels, [-1, *pixels.shape[2:]])
    return views.View(
      sample_index=tf.repeat(view.sample_index, num_views),
      epoch=tf.repeat(view.epoch, num_views),
      **{name: rows},
    )

  # 30 views of a clip at full size are 145 MB: as few clips as fill a batch.
  clips = max(1, svm.batch_size // num_views)
  dataset = pipeline.evaluation_dataset(
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
  with pipeline.explained(records):
    yield from batches


def network_input(view: views.View, settings: Settings) -> tf.Tensor:
  """Returns the augmented input of the network for a batch of views."""
  draws = {
    "seed": settings.seed,
    "epoch": view.epoch,
    "sample_index": view.sample_index,
    "view": VIEW_NAME,
  }
  spec = settings.spec
  if isinstance(spec, views.RgbViewSpec):
    return rgb.augment(view.video, spec.augmentation, **draws)
  if isinstance(spec, views.FlowViewSpec):
    return flow.augment(view.flow, spec, bound_px=spec.bound_px, **draws)
  return view.audio


def _plain_input(view, spec):
  if isinstance(spec, views.RgbViewSpec):
    return tf.cast(view.video, tf.float32) / 255.0
  if isinstance(spec, views.FlowViewSpec):
    return flow.to_pixels(view.flow, spec.bound_px) / spec.scale_px
  return view.audio


def _run(
  encoder: base.Encoder,
  records: reader.Records,
  batches: tf.data.Dataset,
  make_input: Callable[[views.View], tf.Tensor],
  batch_size: int,
  what: str,
  total: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns the backbone's features of all rows, and their index and epoch."""

  @tf.function
  def forward(view):
    return encoder(make_input(view), training=False)["backbone"]

  rows, indices, epochs = [], [], []
  with tqdm.tqdm(desc=what, total=total, unit=" views") as progress:
    for view in read(records, batches.rebatch(batch_size).prefetch(2)):
      count = int(view.sample_index.shape[0])
      rows.append(forward(_pad(view, batch_size))[:count].numpy())
      indices.append(view.sample_index.numpy())
      epochs.append(view.epoch.numpy())
      progress.update(count)
  return np.concatenate(rows), np.concatenate(indices), np.concatenate(epochs)


def _pad(view, batch_size):
  """Returns the batch with its last row repeated up to `batch_size` rows."""
  rows = np.minimum(np.arange(batch_size), len(view.sample_index) - 1)
  return views.View(
    *[None if tensor is None else tf.gather(tensor, rows) for tensor in view]
  )
