"""From what a protocol fitted to the classifier that is kept."""

from typing import TYPE_CHECKING

import numpy as np

from tfvssl.evaluate.classifiers import saved
from tfvssl.methods import network_digest

if TYPE_CHECKING:
  from tfvssl.evaluate.classifiers import heads
  from tfvssl.evaluate.classifiers import linear_svm
  from tfvssl.evaluate.protocols import classification
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods

# Of data_prep.prepare_records, for records that do not say.
_RECORD_SHORT_SIDE = 256
_JPEG_QUALITY = 90


def of_svm(fitted: "linear_svm.Classifier") -> dict:
  """Returns what a classifier has of an SVM, by the names of its attributes."""
  weights, bias = fitted.model.coef_.T, fitted.model.intercept_
  if len(bias) == 1:  # two classes: one plane, see linear_svm
    weights = np.concatenate([-weights, weights], axis=1)
    bias = np.concatenate([-bias, bias])
  return {
    "weights": np.asarray(weights, np.float64),
    "bias": np.asarray(bias, np.float64),
    "mean": np.asarray(fitted.scaler.mean_, np.float64),
    "scale": np.asarray(fitted.scaler.scale_, np.float64),
    "softmax": False,
  }


def of_head(head: "heads.LinearHead") -> dict:
  """Returns what a classifier has of a linear head, batch norm included."""
  gamma, beta, mean, variance = (
    np.asarray(v, np.float64)
    for v in (
      *(head.norm.gamma, head.norm.beta),
      *(head.norm.moving_mean, head.norm.moving_variance),
    )
  )
  kernel, bias = (
    np.asarray(v, np.float64) for v in (head.linear.kernel, head.linear.bias)
  )
  return {
    "weights": gamma[:, np.newaxis] * kernel,
    "bias": beta @ kernel + bias,
    "mean": mean,
    "scale": np.sqrt(variance + head.norm.epsilon),
    "softmax": True,
  }


def save(
  path: str,
  layer: dict,
  protocol: "classification.ClassificationProtocol",
  encoder: "methods.Encoder",
  split: "splits_of.Split",
) -> None:
  """Writes the classifier that was fitted to a split.

  Args:
    path: of the file.
    layer: of `of_svm` or `of_head`.
    protocol: that fitted it.
    encoder: whose features it is on.
    split: the first one.
  """
  settings = protocol.settings
  about = split.test.manifest.config
  saved.save(
    saved.Classifier(
      classes=np.array([split.classes[label] for label in split.columns]),
      temporal_clips=settings.test_views.temporal_clips,
      spatial_crops=settings.test_views.spatial_crops,
      test_short_side=settings.test_views.test_short_side,
      record_short_side=about.get("short_side", _RECORD_SHORT_SIDE),
      jpeg_quality=about.get("jpeg_quality", _JPEG_QUALITY),
      frame_rate_hz=float(settings.spec.record_rate_hz),
      network=network_digest.digest(encoder),
      protocol=protocol.NAME,
      **layer,
    ),
    path,
  )
