"""The views of a new video, as the evaluation takes them of a record."""

from collections.abc import Iterator
import itertools
import pathlib

import numpy as np
import tensorflow as tf

from tfvssl.data import crops
from tfvssl.data import regular_views
from tfvssl.data import windows
from tfvssl.data.media import streams
from tfvssl.evaluate.classifiers import saved


def test_views(
  path: pathlib.Path, layer: saved.Classifier, video: dict
) -> Iterator[np.ndarray]:
  """Returns uint8 [T, S, S, 3] for every view that is averaged, time outermost.

  Starts are spaced over the whole file. Frames go through JPEG, as in records.
  The file is read twice, so that memory holds the frames of the views alone.

  Args:
    path: of the file.
    layer: with the number of views.
    video: of signature.json.

  Raises:
    streams.MediaError: it cannot be read, or holds no pictures.
  """
  info = streams.probe(path)
  if not info.has_video:
    raise streams.MediaError("no_stream", "no video in it")
  count = sum(1 for _ in _frames(path, info, layer))
  size, step = video["num_frames"], video["frame_step"]
  starts = regular_views.linspace_starts(
    tf.constant(count), layer.temporal_clips, size, step
  )
  places = [
    windows.frame_indices(start, size, step, tf.constant(count)).numpy()
    for start in tf.unstack(starts)
  ]
  needed = set(np.concatenate(places).tolist())
  jpegs = {
    number: tf.io.encode_jpeg(frame, quality=layer.jpeg_quality, format="rgb")
    for number, frame in enumerate(_frames(path, info, layer))
    if number in needed
  }
  return itertools.chain.from_iterable(
    crops.decode_crops(
      tf.stack([jpegs[number] for number in place]),
      short_side=layer.test_short_side,
      size=video["image_size"],
      num_crops=layer.spatial_crops,
    ).numpy()
    for place in places
  )


def _frames(path, info, layer):
  return streams.stream_frames(
    path,
    info,
    frame_rate_hz=layer.frame_rate_hz,
    short_side=layer.record_short_side,
  )
