"""Protocols that fit a classifier to labelled clips and test it on others."""

from collections.abc import Iterable
import dataclasses
import time
from typing import TYPE_CHECKING, ClassVar

from absl import logging
import numpy as np

from tfvssl import views
from tfvssl.config import protocols
from tfvssl.config import tree
from tfvssl.evaluate import result_file
from tfvssl.evaluate.protocols import base

if TYPE_CHECKING:
  from tfvssl.evaluate.classifiers import linear_svm
  from tfvssl.evaluate.samples import features
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods


@dataclasses.dataclass
class ClassificationProtocol(base.Protocol):
  """Base of these protocols; holds every choice of an evaluation.

  Attributes:
    modality: name of the encoder.
    settings: how views and features are taken.
    same_paths_differ: see clips.check_leakage.
    recipe: settings of the protocol.
    METRICS: names of the figures in a result.
    SEVERAL_LABELS: whether a clip may have more than one.
  """

  modality: str
  settings: "features.Settings"
  same_paths_differ: bool = False
  recipe: protocols.TestViews = dataclasses.field(
    default_factory=protocols.TestViews
  )
  METRICS: ClassVar[tuple[str, ...]] = ("top_1", "top_5")
  SEVERAL_LABELS: ClassVar[bool] = False

  @classmethod
  def measure(cls, subject: base.Subject) -> dict:
    """See base.Protocol."""
    request, experiment = subject.request, subject.experiment
    encoder = cls.encoder(subject)
    protocol = cls.build(subject, encoder.spec)
    seeds = range(experiment.seed, experiment.seed + request.random_seeds)
    with base.data_errors():
      splits = protocol.open_splits(request.train_records, request.test_records)
      protocol.go_on(subject, splits)
      pretrained = protocol.evaluate(encoder, splits)
      random = protocol.evaluate_random(
        ((seed, cls.random_encoder(subject, seed)) for seed in seeds), splits
      )
    from tfvssl.evaluate.samples import splits as splits_of

    return {
      "protocol": {
        **protocol.to_tree(),
        "random_seeds": request.random_seeds,
      },
      "classes": splits[0].classes,
      "splits": [
        {**splits_of.describe_split(split), **protocol.baselines(split)}
        for split in splits
      ],
      "pretrained": pretrained,
      "random_initialisation": random,
    }

  def go_on(
    self, subject: base.Subject, splits: "list[splits_of.Split]"
  ) -> None:
    """Takes up what an equal evaluation has kept; here, nothing."""

  @classmethod
  def encoder(cls, subject: base.Subject) -> "methods.Encoder":
    """Returns the encoder that is evaluated.

    Raises:
      ValueError: the run has none of that name.
    """
    encoders, name = subject.method.encoders(), subject.request.modality
    if name not in encoders:
      raise ValueError(
        f"--modality={name}: the run has no such encoder; found:"
        f" {', '.join(encoders)}."
      )
    return encoders[name]

  @classmethod
  def random_encoder(
    cls, subject: base.Subject, seed: int
  ) -> "methods.Encoder":
    """Returns the same encoder with initial weights."""
    from tfvssl.train import weights

    method = weights.fresh_method(subject.experiment, seed)
    return cls.encoder(dataclasses.replace(subject, method=method))

  @classmethod
  def build(
    cls, subject: base.Subject, view: views.ViewSpec
  ) -> "ClassificationProtocol":
    """Returns the protocol with all its choices.

    Args:
      subject: what is evaluated.
      view: that the encoder was trained on.

    Raises:
      ValueError: the view has no such extent as is asked for, or test frames
        are smaller than it.
    """
    from tfvssl.evaluate.samples import features

    request, chosen = subject.request, subject.settings
    if not all(
      map(request.has_default, ("num_frames", "image_size", "seconds"))
    ):
      from tfvssl.evaluate.samples import view_size  # few ask for a size

      view = view_size.resized(
        view,
        num_frames=request.num_frames,
        image_size=request.image_size,
        seconds=request.seconds,
        short_side=chosen.test_short_side,
      )
    view = cls.sized(features.training_spec(view), chosen)
    base.check_short_side(view, chosen, cls.NAME)
    spec, test_spec = cls.views_of(view, chosen)
    settings = features.Settings(
      spec,
      test_spec,
      chosen,
      chosen.views_per_pass,
      subject.experiment.seed,
      subject.experiment.data.use_silent_sound,
    )
    return cls(
      request.modality,
      settings,
      request.same_paths_differ,
      chosen,
      **cls.choices(subject),
    )

  @classmethod
  def choices(cls, subject: base.Subject) -> dict:
    """Returns the fields of the protocol that its class adds."""
    del subject
    return {}

  @classmethod
  def sized(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> views.ViewSpec:
    """Returns the view in the size that the protocol has of its own."""
    del settings  # most have none
    return view

  @classmethod
  def views_of(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> tuple[views.ViewSpec, views.ViewSpec]:
    """Returns the views of training and test.

    Args:
      view: of the pretraining without its blur, see features.training_spec.
      settings: of the protocol.
    """
    del settings  # most take both as they are
    return view, view

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    from tfvssl.evaluate.samples import features

    settings = self.settings
    of_sound = settings.spec.piece == "audio"
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
      "frame_rate_hz": settings.spec.record_rate_hz,
      "seed": settings.seed,
      **({"use_silent_sound": settings.use_silent_sound} if of_sound else {}),
    }

  def open_splits(
    self, train_folders: Iterable[str], test_folders: Iterable[str]
  ) -> "list[splits_of.Split]":
    """Returns the checked pairs of record folders.

    Args:
      train_folders: one per split.
      test_folders: one per split, in the same order.

    Raises:
      ValueError: as splits.open_split.
      FileNotFoundError: a folder does not exist.
      exit_codes.UserError: a record is damaged.
    """
    from tfvssl.evaluate.samples import splits as splits_of

    return [
      splits_of.open_split(
        f"split {number}",
        train,
        test,
        spec=self.settings.spec,
        same_paths_differ=self.same_paths_differ,
        several_labels=self.SEVERAL_LABELS,
        use_silent_sound=self.settings.use_silent_sound,
      )
      for number, (train, test) in enumerate(
        zip(train_folders, test_folders, strict=True), start=1
      )
    ]

  def evaluate(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> dict:
    """Returns what was chosen, the figures on all splits, and their mean.

    Raises:
      ValueError: as `scores`.
      exit_codes.UserError: as `scores`.
    """
    began = time.monotonic()
    chosen, scores = self.scores(encoder, splits)
    return {
      **chosen,
      "mean": self.mean(scores),
      "splits": scores,
      "seconds": round(time.monotonic() - began, 1),
    }

  def scores(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> tuple[dict, list[dict]]:
    """Returns what was chosen, and the figures of each split.

    Raises:
      ValueError: records or settings do not suit each other.
      exit_codes.UserError: a record is damaged (3); loss or scores are not
        finite (5).
    """
    raise TypeError(f"{type(self).__name__} defines no `scores`.")

  def prepare_random(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> None:
    """Makes a network with initial weights a fair baseline: batch norm."""
    from tfvssl.evaluate.samples import random_network

    random_network.calibrate(encoder, splits[0].train, self.settings)

  def evaluate_random(
    self,
    networks: "Iterable[tuple[int, methods.Encoder]]",
    splits: "list[splits_of.Split]",
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

  def baselines(self, split: "splits_of.Split") -> dict:
    """Returns what figures of the split are to be compared with.

    `chance` is that of guessing, `majority` that of always giving the most
    frequent training class.
    """
    from tfvssl.evaluate.samples import splits as splits_of

    train, test = (
      splits_of.clips_per_class(labels, len(split.classes))
      for labels in (split.train_labels, split.test_labels)
    )
    return {
      "chance": 1.0 / int(np.sum(train > 0)),
      "majority": float(test[np.argmax(train)] / np.sum(test)),
    }

  @classmethod
  def summary(cls, result: dict) -> str:
    """Returns a few lines for a person: per cent, mean over the splits."""
    return result_file.summary(cls.TITLE, result)


def accuracy_tree(
  split: "splits_of.Split", accuracy: "linear_svm.Accuracy"
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
