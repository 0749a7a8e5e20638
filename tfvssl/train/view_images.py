"""Views as pictures: frames in a row, flow in colours, sound as a heat map."""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.data import one_pass
from tfvssl.data.records import reader
from tfvssl.methods import base
from tfvssl.runtime import storage

_MOST_FRAMES = 8  # of one view in a picture


def write_summary(
  method: base.Method,
  records: reader.Records,
  *,
  folder: storage.PathLike,
  seed: int,
  step: int,
  clips: int = 4,
) -> None:
  """Writes the augmented views of a few clips for TensorBoard.

  Word ids have no picture and are left out.
  """
  batch = sample(method, records, seed=seed, clips=clips)
  writer = tf.summary.create_file_writer(str(folder))
  with writer.as_default(step=step):
    for name, view in batch.items():
      if view.text is not None:
        continue
      count = view.sample_index.shape[0]
      images = np.stack([picture(view, i) for i in range(count)])
      tf.summary.image(name, images, max_outputs=count)
  writer.close()


def sample(
  method: base.Method,
  records: reader.Records,
  *,
  seed: int,
  clips: int,
  epoch: int = 0,
) -> base.Views:
  """Returns the first clips of `records` as the networks see them."""
  dataset = one_pass.dataset(
    records,
    method.sample_views,
    modalities=records.modalities,
    seed=seed,
    epoch=epoch,
    batch_size=clips,
  )
  return method.augment(next(iter(dataset)), seed)


def picture(view: views.View, index: int) -> np.ndarray:
  """Returns one clip of a batch of views as uint8 [H, W, 3].

  Values beyond [0, 1], as random convolution makes them, are scaled to that
  range over the whole clip. Labels that the method made itself stand below.
  """
  image = _piece(view, index)
  if view.targets is None:
    return image
  from tfvssl.train import picture_numbers  # few methods make labels

  return picture_numbers.below(image, np.asarray(view.targets[index]))


def _piece(view, index):
  if view.video is not None:
    return _row(_video_colours(view.video[index]))
  if view.flow is not None:
    return _row(_flow_colours(np.asarray(view.flow[index])))
  return _sound_colours(np.asarray(view.audio[index]))


def _row(frames):
  """Returns frames [T, H, W, 3] side by side, evenly chosen if many."""
  count = min(len(frames), _MOST_FRAMES)
  chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
  return np.concatenate([frames[i] for i in chosen], axis=1)


def _video_colours(video):
  video = np.asarray(tf.cast(video, tf.float32))
  low, high = min(video.min(), 0.0), max(video.max(), 1.0)
  return _bytes((video - low) / (high - low))


def _flow_colours(flow):
  """Returns direction as hue and speed as saturation, the usual wheel."""
  speed = np.hypot(flow[..., 0], flow[..., 1])
  hue = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1.0
  saturation = np.clip(speed / max(np.percentile(speed, 99), 1e-6), 0, 1)
  hsv = np.stack([hue, saturation, np.ones_like(hue)], axis=-1)
  return _bytes(tf.image.hsv_to_rgb(hsv.astype(np.float32)).numpy())


def _sound_colours(log_mel):
  """Returns [S, M] with time to the right and low tones at the bottom."""
  level = log_mel.T[::-1]
  low, high = level.min(), level.max()
  level = (level - low) / max(high - low, 1e-6)
  stops = np.array([[4, 6, 30], [90, 20, 110], [222, 73, 60], [252, 245, 170]])
  place = level * (len(stops) - 1)
  below = np.minimum(place.astype(int), len(stops) - 2)
  share = (place - below)[..., np.newaxis]
  colours = stops[below] * (1 - share) + stops[below + 1] * share
  return colours.round().astype(np.uint8)


def _bytes(unit):
  return (np.clip(unit, 0, 1) * 255).round().astype(np.uint8)
