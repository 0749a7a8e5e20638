"""The linear SVM protocol over all splits, and its result as a JSON tree.

Source: paper appendix B. One C for all splits, chosen on the first; the mean
over the splits is the figure to compare. The randomly initialised network
goes through the same protocol, with a C of its own.
"""

from collections.abc import Iterable
import dataclasses
import hashlib
import time
from typing import NamedTuple

from absl import logging
import numpy as np

from tfvssl import config
from tfvssl.data import reader
from tfvssl.evaluation import clips
from tfvssl.evaluation import features
from tfvssl.evaluation import random_network
from tfvssl.evaluation import svm
from tfvssl.methods import base


@dataclasses.dataclass
class Protocol:
  """Every choice of an evaluation.

  Attributes:
    modality: name of the encoder.
    settings: how features are taken.
    choose_c: which clips of the first split decide on C.
    same_paths_differ: see clips.check_leakage.
  """

  modality: str
  settings: features.Settings
  choose_c: svm.ChooseC = svm.ChooseC.FIRST_TEST
  same_paths_differ: bool = False

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    settings = self.settings
    return {
      "name": "svm",
      "source": "paper appendix B",
      "modality": self.modality,
      "features": "backbone",
      "train_view": config.to_tree(settings.spec),
      "train_epochs": settings.svm.train_epochs,
      "temporal_clips": settings.svm.temporal_clips,
      "spatial_crops": settings.svm.spatial_crops,
      "test_views_per_clip": features.views_per_clip(settings),
      "test_short_side": settings.svm.test_short_side,
      "frame_rate_hz": settings.frame_rate_hz,
      "standardised": True,
      "classifier": {"class": "sklearn.svm.LinearSVC", **svm.SOLVER},
      "grid_c": list(settings.svm.grid_c),
      "choose_c": self.choose_c.value,
      "folds": svm.FOLDS,
      "seed": settings.seed,
      "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
    }


class Split(NamedTuple):
  """One official split: labelled training and test clips of one class list.

  `kept` says what was left out of the folders; all else is what is left.
  """

  name: str
  train: reader.Records
  test: reader.Records
  train_clips: list[clips.ClipInfo]
  test_clips: list[clips.ClipInfo]
  train_labels: np.ndarray
  test_labels: np.ndarray
  classes: list[str]
  kept: svm.Kept


def open_splits(
  train_folders: list[str],
  test_folders: list[str],
  protocol: Protocol,
) -> list[Split]:
  """Returns the checked pairs of record folders.

  Args:
    train_folders: one per split.
    test_folders: one per split, in the same order.
    protocol: what will be evaluated.

  Raises:
    ValueError: a pair cannot be evaluated: records that differ from their
      manifest, too few labels, clips on both sides.
    FileNotFoundError: a folder does not exist.
    exit_codes.UserError: a record is damaged.
  """
  return [
    _open_split(f"split {number}", train, test, protocol)
    for number, (train, test) in enumerate(
      zip(train_folders, test_folders, strict=True), start=1
    )
  ]


def _open_split(name, train_folder, test_folder, protocol):
  settings = protocol.settings
  train, test = (
    reader.open_for_views(folder, [settings.spec], settings.frame_rate_hz)
    for folder in (train_folder, test_folder)
  )
  train_clips, test_clips = clips.read_clips(train), clips.read_clips(test)
  classes = clips.common_classes(train.classes, test.classes)
  train_labels, test_labels = (
    clips.renumber(
      np.array([clip.label for clip in side], np.int64), own, classes
    )
    for side, own in ((train_clips, train.classes), (test_clips, test.classes))
  )
  kept = svm.keep_known(train_labels, test_labels, classes, name)
  train, train_clips = clips.restrict(train, train_clips, kept.train)
  test, test_clips = clips.restrict(test, test_clips, kept.test)
  clips.check_leakage(train_clips, test_clips, name, protocol.same_paths_differ)
  return Split(
    name,
    train,
    test,
    train_clips,
    test_clips,
    train_labels[kept.train],
    test_labels[kept.test],
    classes,
    kept,
  )


def evaluate(
  encoder: base.Encoder, splits: list[Split], protocol: Protocol
) -> dict:
  """Returns C, its sweep, and the accuracies of one network on all splits.

  Raises:
    ValueError: features that are not finite, or too few files to choose C.
  """
  began = time.monotonic()
  chosen, scores = None, []
  for split in splits:
    train, test = _samples(encoder, split, protocol.settings)
    svm.check_finite(train, f"{split.name}, training")
    svm.check_finite(test, f"{split.name}, test")
    if chosen is None:
      grid = protocol.settings.svm.grid_c
      chosen = svm.choose(train, test, grid, protocol.choose_c)
      classifier = chosen.classifier
    else:
      classifier = svm.fit(train, chosen.c)
    scores.append(_score(classifier, test, split))
  return {
    "c": chosen.c,
    "sweep": {f"{c:g}": value for c, value in chosen.sweep.items()},
    "mean": _mean(scores),
    "splits": scores,
    "seconds": round(time.monotonic() - began, 1),
  }


def _samples(encoder, split, settings):
  train = svm.Samples(
    features.training_features(encoder, split.train, settings),
    split.train_labels,
    [clip.clip_id for clip in split.train_clips],
    [clip.source for clip in split.train_clips],
  )
  test = svm.Samples(
    features.test_features(encoder, split.test, settings),
    split.test_labels,
    [clip.clip_id for clip in split.test_clips],
    [clip.source for clip in split.test_clips],
  )
  return train, test


def _score(classifier, test, split):
  accuracy = svm.accuracy(classifier, test)
  return {
    "name": split.name,
    "top_1": accuracy.top_1,
    "top_5": accuracy.top_5,
    "converged": classifier.converged,
    "labels": [split.classes[label] for label in classifier.labels],
    "confusion": accuracy.confusion.tolist(),
    "predictions": {
      clip_id: split.classes[label]
      for clip_id, label in zip(
        test.clip_ids, accuracy.predictions, strict=True
      )
    },
  }


def _mean(splits):
  top_5 = [split["top_5"] for split in splits]
  return {
    "top_1": float(np.mean([split["top_1"] for split in splits])),
    "top_5": None if None in top_5 else float(np.mean(top_5)),
  }


def describe_split(split: Split) -> dict:
  """Returns what the accuracies of a split are to be compared with."""
  train = np.bincount(split.train_labels, minlength=len(split.classes))
  test = np.bincount(split.test_labels, minlength=len(split.classes))
  return {
    "name": split.name,
    "train_records": _name(split.train),
    "test_records": _name(split.test),
    "train_clips": len(split.train_clips),
    "test_clips": len(split.test_clips),
    "train_clips_left_out": split.train.skipped,
    "test_clips_left_out": split.test.skipped,
    "train_clips_unlabelled": split.kept.train_unlabelled,
    "test_clips_unlabelled": split.kept.test_unlabelled,
    "classes_left_out": split.kept.unseen,
    "train_clips_per_class": _per_class(split.classes, train),
    "test_clips_per_class": _per_class(split.classes, test),
    "classes_without_test_clips": [
      name
      for name, in_train, in_test in zip(
        split.classes, train, test, strict=True
      )
      if in_train and not in_test
    ],
    "chance": 1.0 / int(np.sum(train > 0)),
    "majority": float(test[np.argmax(train)] / np.sum(test)),
  }


def _name(records):
  """Returns folder and manifest, without the path to them."""
  digests = "".join(shard.sha256 for shard in records.manifest.shards)
  return {
    "folder": records.folder.name,
    "config_hash": records.manifest.config_hash,
    "shards_hash": hashlib.sha256(digests.encode()).hexdigest(),
  }


def _per_class(classes, counts):
  return dict(zip(classes, counts.tolist(), strict=True))


def evaluate_random(
  networks: Iterable[tuple[int, base.Encoder]],
  splits: list[Split],
  protocol: Protocol,
) -> dict:
  """Returns the result of each randomly initialised network and their mean.

  Args:
    networks: seed and encoder with initial weights.
    splits: as for the trained one.
    protocol: likewise.
  """
  runs = []
  for seed, encoder in networks:
    logging.info("The same network at random initialisation, seed %d.", seed)
    random_network.calibrate(encoder, splits[0].train, protocol.settings)
    runs.append({"seed": seed, **evaluate(encoder, splits, protocol)})
  if not runs:
    return {"runs": [], "mean": {"top_1": None, "top_5": None}}
  return {"runs": runs, "mean": _mean([run["mean"] for run in runs])}
