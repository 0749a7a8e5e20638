"""Nearest neighbours among embedded files, and small clips to play."""

import collections
import dataclasses
import pathlib
import tempfile
from typing import NamedTuple

from absl import logging
import numpy as np

from tfvssl.data.media import jpeg
from tfvssl.data.media import mp4
from tfvssl.data.media import streams
from tfvssl.pages import report

_PREVIEW_S = 4.0
_PREVIEW_RATE_HZ = 12.5
_PREVIEW_SIDE = 112
_AS_IT_IS_BYTES = 400_000  # smaller mp4 files go into the page unchanged


@dataclasses.dataclass
class Embedded:
  """Files and their embeddings.

  Attributes:
    paths: relative to the folder that was embedded.
    features: float32 [N, D], the mean over each file's windows, standardised
      per dimension and of length 1.
    labels: empty where a file has none.
  """

  paths: list[str]
  features: np.ndarray
  labels: list[str]


def normalise(features: np.ndarray) -> np.ndarray:
  """Returns [N, D] standardised per dimension, then of length 1."""
  centred = features - features.mean(axis=0)
  centred = centred / np.maximum(centred.std(axis=0), 1e-6)
  lengths = np.linalg.norm(centred, axis=1, keepdims=True)
  return centred / np.maximum(lengths, 1e-6)


def mean_per_file(
  paths: list[str], features: np.ndarray
) -> tuple[list[str], np.ndarray]:
  """Returns every path once, in order, with the mean of its rows."""
  rows = collections.defaultdict(list)
  for path, row in zip(paths, features, strict=True):
    rows[path].append(row)
  means = [np.mean(group, axis=0) for group in rows.values()]
  return list(rows), np.stack(means)


def nearest(features: np.ndarray, query: int, count: int) -> np.ndarray:
  """Returns the rows most similar to row `query`, nearest first."""
  similarity = features @ features[query]
  similarity[query] = -np.inf
  return np.argsort(-similarity, kind="stable")[: min(count, len(features) - 1)]


def retrieval_accuracy(embedded: Embedded) -> tuple[float, float] | None:
  """Returns how often the nearest file has the query's label, and by chance.

  Files without a label are left out; None if no two files share a label.
  """
  rows = [i for i, label in enumerate(embedded.labels) if label]
  labels = np.array([embedded.labels[i] for i in rows])
  same = labels[:, np.newaxis] == labels
  shared = same.sum(axis=1) > 1
  if not shared.any():
    return None
  features = embedded.features[rows]
  similarity = features @ features.T
  np.fill_diagonal(similarity, -np.inf)
  hits = labels[np.argmax(similarity, axis=1)] == labels
  chance = (same.sum(axis=1) - 1) / (len(rows) - 1)
  return float(hits[shared].mean()), float(chance[shared].mean())


def galleries(
  embedded: Embedded, folder: pathlib.Path, *, queries: int, neighbours: int
) -> list[report.Gallery]:
  """Returns nearest neighbours of some files, one query per label first.

  A file that cannot be shown is passed over.
  """
  result = []
  for query in _queries(embedded, queries):
    near = nearest(embedded.features, query, neighbours)
    clips = [_clip(embedded, folder, row, query) for row in [query, *near]]
    if clips[0] is not None:
      shown = [clip for clip in clips[1:] if clip is not None]
      result.append(report.Gallery(clips[0], shown))
  return result


def _queries(embedded, count):
  """Returns rows: the first of each label in turn, then the second, ..."""
  seen = collections.Counter()
  order = []
  for row, label in enumerate(embedded.labels):
    order.append((seen[label], row))
    seen[label] += 1
  return [row for _, row in sorted(order)[:count]]


def _clip(embedded, folder, row, query):
  path = folder / embedded.paths[row]
  try:
    content = preview(path)
  except (streams.MediaError, OSError) as error:
    logging.warning("%s is not shown: %s", path, error)
    return None
  similarity = float(embedded.features[row] @ embedded.features[query])
  return report.PlayableClip(
    embedded.paths[row],
    embedded.labels[row],
    content,
    None if row == query else similarity,
  )


def preview(path: pathlib.Path) -> bytes:
  """Returns a small mp4: the file itself if it is one, else its beginning.

  Raises:
    media.MediaError: the file cannot be decoded.
    FileNotFoundError: there is no such file.
  """
  info = streams.probe(path)
  if (
    path.suffix.lower() == ".mp4"
    and info.video_codec.startswith("h264")
    and path.stat().st_size <= _AS_IT_IS_BYTES
  ):
    return path.read_bytes()
  return excerpt(path, short_side=_PREVIEW_SIDE).mp4


class Film(NamedTuple):
  """A few seconds of a video: as mp4, and its first picture as JPEG."""

  mp4: bytes
  still: bytes


def excerpt(
  path: pathlib.Path, *, start_s: float = 0.0, short_side: int
) -> Film:
  """Returns four seconds as a small mp4, with their sound if there is some.

  Args:
    path: of a video.
    start_s: where they begin, in seconds.
    short_side: of the pictures, in pixels.

  Raises:
    media.MediaError: the file cannot be decoded.
    FileNotFoundError: there is no such file.
  """
  frames = streams.decode_frames(
    path,
    start_s=start_s,
    duration_s=_PREVIEW_S,
    frame_rate_hz=_PREVIEW_RATE_HZ,
    short_side=short_side,
  )
  height, width = (size // 2 * 2 for size in frames.shape[1:3])
  frames = np.ascontiguousarray(frames[:, :height, :width])
  try:
    sound = streams.decode_audio(path, start_s=start_s, duration_s=_PREVIEW_S)
  except streams.MediaError as error:
    if error.reason != "no_audio":  # which may also end before the pictures
      raise
    sound = None
  with tempfile.TemporaryDirectory() as folder:
    output = pathlib.Path(folder, "preview.mp4")
    mp4.encode(frames, _PREVIEW_RATE_HZ, output, sound=sound, quality=28)
    return Film(output.read_bytes(), jpeg.encode(frames[0]))


def load(path: pathlib.Path, *, labelled: bool) -> Embedded | None:
  """Reads what tfvssl.embed wrote; None if no file has a picture row.

  Args:
    path: the npz file.
    labelled: whether the first-level sub-folder is the label.
  """
  with np.load(path) as columns:
    rows = columns["has_video"]
    paths = [str(name) for name in columns["path"][rows]]
    features = columns["video_backbone"][rows]
  if not paths:
    return None
  paths, features = mean_per_file(paths, features)
  labels = [
    name.partition("/")[0] if labelled and "/" in name else "" for name in paths
  ]
  return Embedded(paths, normalise(features), labels)
