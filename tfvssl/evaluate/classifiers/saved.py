"""A classifier of one linear layer as a file: what evaluation writes.

An .npz of numbers and names, without pickles. Needs no TensorFlow.
"""

import dataclasses
import tokenize
from typing import Any
import zipfile

import numpy as np

from tfvssl.runtime import storage

FORMAT = "tfvssl-classifier"
FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Classifier:
  """A linear layer on the normalised features of a frozen network.

  Attributes:
    classes: [K] names.
    weights: float64 [D, K].
    bias: float64 [K].
    mean: float64 [D], taken from the features first.
    scale: float64 [D], by which they are divided then.
    softmax: whether scores are probabilities, not decision values.
    temporal_clips: starts of views, spaced over a video.
    spatial_crops: of every view, along the longer side.
    test_short_side: of the frames that are cropped, in pixels.
    record_short_side: of the frames that the records held, in pixels.
    jpeg_quality: that these were stored with.
    frame_rate_hz: of these.
    network: digest of the network that gives the features.
    protocol: that made it.
  """

  classes: np.ndarray
  weights: np.ndarray
  bias: np.ndarray
  mean: np.ndarray
  scale: np.ndarray
  softmax: bool
  temporal_clips: int
  spatial_crops: int
  test_short_side: int
  record_short_side: int
  jpeg_quality: int
  frame_rate_hz: float
  network: str
  protocol: str

  def scores(self, features: np.ndarray) -> np.ndarray:
    """Returns float64 [K], the mean over the views [V, D] of one video."""
    rows = (features.astype(np.float64) - self.mean) / self.scale
    values = rows @ self.weights + self.bias
    if self.softmax:
      values = np.exp(values - values.max(axis=1, keepdims=True))
      values /= values.sum(axis=1, keepdims=True)
    return values.mean(axis=0)


def save(classifier: Classifier, path: storage.PathLike) -> None:
  """Writes a classifier; the file appears whole."""
  about = {"format": FORMAT, "format_version": FORMAT_VERSION}
  with storage.new_file(path) as unfinished, unfinished.open("wb") as file:
    values: dict[str, Any] = about | dataclasses.asdict(classifier)
    np.savez(file, **values)


def load(path: storage.PathLike) -> Classifier:
  """Returns a classifier.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is not one, or its arrays do not fit.
  """
  path = storage.Path(path)
  if not path.is_file():
    raise FileNotFoundError(
      f"--classifier={path} is not a file; make it with tfvssl.evaluate"
      " --save_classifier."
    )
  names = [field.name for field in dataclasses.fields(Classifier)]
  try:
    with np.load(path, allow_pickle=False) as stored:
      found = (str(stored["format"]), int(stored["format_version"]))
      values = {name: stored[name] for name in names}
    fields = {n: v if v.ndim else v.item() for n, v in values.items()}
  except (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(OSError, EOFError, MemoryError, RuntimeError, SyntaxError),
    *(zipfile.BadZipFile, tokenize.TokenError),
  ) as error:
    raise ValueError(
      f"{path} cannot be read as a classifier: {error!r}; make it again with"
      " tfvssl.evaluate --save_classifier."
    ) from error
  if found != (FORMAT, FORMAT_VERSION) or not _fits(values):
    raise ValueError(
      f"{path} has format {found[0]} {found[1]} or arrays that do not fit; this"
      f" program reads {FORMAT} {FORMAT_VERSION}. Make it again with"
      " tfvssl.evaluate --save_classifier."
    )
  return Classifier(**fields)


def _fits(values):
  """Returns whether shapes and kinds are those of the attributes."""
  dim, count = values["mean"].size, values["classes"].size
  shapes = {
    "classes": (count,),
    "weights": (dim, count),
    "bias": (count,),
    "mean": (dim,),
    "scale": (dim,),
  }
  arrays = ("weights", "bias", "mean", "scale")
  return (
    count > 0
    and all(v.shape == shapes.get(n, ()) for n, v in values.items())
    and all(np.isfinite(values[name]).all() for name in arrays)
    and values["classes"].dtype.kind == "U"
    and min(int(values[n]) for n in ("temporal_clips", "spatial_crops")) > 0
  )
