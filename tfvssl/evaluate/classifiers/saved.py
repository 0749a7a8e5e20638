"""A classifier of one linear layer as a file: what evaluation writes.

An .npz of numbers and names, without pickles. Needs no TensorFlow.
"""

import dataclasses
from typing import Any

import numpy as np

from tfvssl.runtime import npz
from tfvssl.runtime import storage

FORMAT = "tfvssl-classifier"
FORMAT_VERSION = 1
_AGAIN = "make it again with tfvssl.evaluate --save_classifier"
# Of NumPy, by attribute.
_KINDS = {
  **dict.fromkeys(("classes", "network", "protocol"), "U"),
  **dict.fromkeys(("weights", "bias", "mean", "scale", "frame_rate_hz"), "f"),
  "softmax": "b",
  **dict.fromkeys(("temporal_clips", "spatial_crops", "jpeg_quality"), "iu"),
  **dict.fromkeys(("test_short_side", "record_short_side"), "iu"),
}
# What a machine can be asked for, of a file that another has written.
_RANGES = {
  "temporal_clips": (1, 1000),
  "spatial_crops": (1, 100),
  "test_short_side": (1, 1 << 13),
  "record_short_side": (1, 1 << 13),
  "jpeg_quality": (1, 100),
  "frame_rate_hz": (0.1, 1000.0),
}


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
    """Returns float64 [K], the mean over the views [V, D] of one video.

    Raises:
      ValueError: D is another.
    """
    if features.shape[1] != self.mean.size:
      raise ValueError(
        f"the network gives {features.shape[1]} values, the classifier takes"
        f" {self.mean.size}; {_AGAIN}."
      )
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
  values = npz.read(path, "tfvssl.evaluate", _AGAIN)
  about = [str(values.get(name))[:40] for name in ("format", "format_version")]
  if about != [FORMAT, str(FORMAT_VERSION)]:
    raise ValueError(
      f"{path} must be of format {FORMAT} {FORMAT_VERSION}, not"
      f" {about[0]} {about[1]}; {_AGAIN}."
    )
  if problem := _problem(values):
    raise ValueError(f"{path}: {problem}; {_AGAIN}.")
  fields: dict[str, Any] = {
    name: values[name] if values[name].ndim else values[name].item()
    for name in _KINDS
  }
  return Classifier(**fields)


def _problem(values):
  """Returns what is wrong with the first array that does not fit."""
  for name, kinds in _KINDS.items():
    if not isinstance(values.get(name), np.ndarray):
      return f"`{name}` is missing"
    if values[name].dtype.kind not in kinds:
      return f"`{name}` must not be of type {values[name].dtype}"
  dim, count = values["mean"].size, values["classes"].size
  shapes = {"classes": (count,), "weights": (dim, count), "bias": (count,)}
  shapes |= {"mean": (dim,), "scale": (dim,)}
  for name in _KINDS:
    shape = shapes.get(name, ())
    if values[name].shape != shape:
      return f"`{name}` must have shape {shape}, not {values[name].shape}"
    if shape and values[name].dtype.kind == "f":
      if not np.isfinite(values[name]).all():
        return f"`{name}` must be finite"
  for name, (low, high) in _RANGES.items():
    if not low <= values[name] <= high:
      return f"`{name}` ({values[name]}) must be between {low} and {high}"
  if len(set(values["classes"].tolist())) < max(count, 2) or not dim:
    return f"`classes` ({count}) must be two different ones at least"
  if not (values["scale"] > 0).all():
    return "`scale` must be above 0"
  return ""
