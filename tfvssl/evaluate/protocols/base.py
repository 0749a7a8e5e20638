"""What every evaluation protocol is: choices, and one network's result."""

from collections.abc import Iterable
import dataclasses
from typing import ClassVar

from absl import logging
import numpy as np

from tfvssl.config import tree
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import random_network
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base


@dataclasses.dataclass
class Protocol:
  """Base of the protocols; holds every choice of an evaluation.

  Attributes:
    modality: name of the encoder.
    settings: how views and features are taken.
    same_paths_differ: see clips.check_leakage.
    NAME: as in --protocol.
    SOURCE: of the protocol.
    METRICS: names of the figures in a result.
    SEVERAL_LABELS: whether a clip may have more than one.
  """

  modality: str
  settings: features.Settings
  same_paths_differ: bool = False
  NAME: ClassVar[str]
  SOURCE: ClassVar[str]
  METRICS: ClassVar[tuple[str, ...]] = ("top_1", "top_5")
  SEVERAL_LABELS: ClassVar[bool] = False

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    settings = self.settings
    return {
      "name": self.NAME,
      "source": self.SOURCE,
      "modality": self.modality,
      "features": "backbone",
      "train_view": tree.to_tree(settings.spec),
      "test_view_size": getattr(settings.test_spec, "image_size", None),
      "temporal_clips": settings.test_views.temporal_clips,
      "spatial_crops": settings.test_views.spatial_crops,
      "test_views_per_clip": features.views_per_clip(settings),
      "test_short_side": settings.test_views.test_short_side,
      "frame_rate_hz": settings.frame_rate_hz,
      "seed": settings.seed,
    }

  def open_splits(
    self, train_folders: list[str], test_folders: list[str]
  ) -> list[splits_of.Split]:
    """Returns the checked pairs of record folders.

    Args:
      train_folders: one per split.
      test_folders: one per split, in the same order.

    Raises:
      ValueError: as splits.open_split.
      FileNotFoundError: a folder does not exist.
      exit_codes.UserError: a record is damaged.
    """
    return [
      splits_of.open_split(
        f"split {number}",
        train,
        test,
        spec=self.settings.spec,
        frame_rate_hz=self.settings.frame_rate_hz,
        same_paths_differ=self.same_paths_differ,
        several_labels=self.SEVERAL_LABELS,
      )
      for number, (train, test) in enumerate(
        zip(train_folders, test_folders, strict=True), start=1
      )
    ]

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns the figures of one network on all splits, and their mean."""
    raise TypeError(f"{type(self).__name__} defines no `evaluate`.")

  def prepare_random(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> None:
    """Makes a network with initial weights a fair baseline: batch norm."""
    random_network.calibrate(encoder, splits[0].train, self.settings)

  def evaluate_random(
    self,
    networks: Iterable[tuple[int, base.Encoder]],
    splits: list[splits_of.Split],
  ) -> dict:
    """Returns the result of each randomly initialised network and their mean.

    Args:
      networks: seed and encoder with initial weights.
      splits: as for the trained one.
    """
    runs = []
    for seed, encoder in networks:
      logging.info("The same network at random initialisation, seed %d.", seed)
      self.prepare_random(encoder, splits)
      runs.append({"seed": seed, **self.evaluate(encoder, splits)})
    return {"runs": runs, "mean": self.mean([run["mean"] for run in runs])}

  def mean(self, results: list[dict]) -> dict:
    """Returns the mean of each of METRICS; None where one has none."""
    means = {}
    for name in self.METRICS:
      values = [result[name] for result in results]
      is_there = bool(values) and None not in values
      means[name] = float(np.mean(values)) if is_there else None
    return means

  def baselines(self, split: splits_of.Split) -> dict:
    """Returns what figures of the split are to be compared with.

    `chance` is that of guessing, `majority` that of always giving the most
    frequent training class.
    """
    train, test = (
      splits_of.clips_per_class(labels, len(split.classes))
      for labels in (split.train_labels, split.test_labels)
    )
    return {
      "chance": 1.0 / int(np.sum(train > 0)),
      "majority": float(test[np.argmax(train)] / np.sum(test)),
    }


def accuracy_tree(
  split: splits_of.Split, accuracy: linear_svm.Accuracy
) -> dict:
  """Returns the accuracies of a split for the result file."""
  return {
    "name": split.name,
    "top_1": accuracy.top_1,
    "top_5": accuracy.top_5,
    "labels": [split.classes[label] for label in split.columns],
    "confusion": accuracy.confusion.tolist(),
    "predictions": {
      clip.clip_id: split.classes[label]
      for clip, label in zip(
        split.test_clips, accuracy.predictions, strict=True
      )
    },
  }
