"""A linear layer on frozen features of still images, trained by Adam.

The initial rate is chosen on images that are held out of the training side of
the first split; then the layer is trained on all of it. Augmentation is new in
every epoch, so features are computed inside the step.
Source: MMV paper, appendix A.2, "Linear on PASCAL/ImageNet".
"""

import dataclasses
import math
import time
from typing import ClassVar, cast

from absl import logging
import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.config import tree
from tfvssl.deflate import networks
from tfvssl.evaluate.classifiers import average_precision
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.samples import random_network
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base
from tfvssl.optim import adam
from tfvssl.optim import schedules
from tfvssl.runtime import exit_codes

OPTIMIZER = adam.AdamConfig(epsilon=1e-8, predictor_multiplier=1.0)


def of_random(image: networks.Image) -> networks.Image:
  """Returns how the random network sees images: nothing is trained for it."""
  trained = image == networks.Image.TRAINED
  return networks.Image.NAIVE if trained else image


@dataclasses.dataclass
class ImageLinearProtocol(protocol.Protocol):
  """What both data sets share.

  Attributes:
    recipe: epochs, rates and batch.
    image: how images go through the network.
    deflation: how the network of TRAINED was trained.
  """

  recipe: protocols.ImageLinear = dataclasses.field(
    default_factory=protocols.ImageLinear
  )
  image: networks.Image = networks.Image.NAIVE
  deflation: dict = dataclasses.field(default_factory=dict)
  AVERAGED: ClassVar[str]

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "image": self.image.value,
      "deflation": self.deflation,
      "random_network_image": of_random(self.image).value,
      "recipe": tree.to_tree(self.recipe),
      "optimizer": tree.to_tree(OPTIMIZER),
      "head": "linear",
      "averaged": self.AVERAGED,
      "chosen_on": self._chosen_on(),
      "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
      **classifier.placement_tree(self.recipe.batch_size),
    }

  def _chosen_on(self):
    if len(self.recipe.learning_rates) == 1:
      return "given"
    return "images held out of split 1's training side"

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns the figures of one frozen network on all splits.

    Raises:
      ValueError: nothing can be held out, or the batch cannot be shared by the
        replicas.
      exit_codes.UserError: loss or scores are not finite with any of the rates
        (5), or a record is damaged (3).
    """
    began = time.monotonic()
    rate, sweep = self._choose(encoder, splits[0])
    scores = [self._figures(encoder, split, rate) for split in splits]
    return {
      "choice": {"learning_rate": rate},
      "sweep": sweep,
      "mean": self.mean(scores),
      "splits": scores,
      "seconds": round(time.monotonic() - began, 1),
    }

  def _choose(self, encoder, split):
    """Returns the best initial rate and what each of them reached."""
    rates = self.recipe.learning_rates
    if len(rates) == 1:
      return rates[0], []
    held = self._hold_out(split)
    sweep = [self._try(encoder, held, rate) for rate in rates]
    trained = [trial for trial in sweep if "error" not in trial]
    if not trained:
      raise exit_codes.UserError(
        exit_codes.NUMERICAL,
        f"{split.name}: the layer diverged with all {len(rates)} rates; the"
        f" last: {sweep[-1]['error']}",
      )
    metric = self.METRICS[0]
    best = max(trained, key=lambda trial: trial[metric])
    return best["learning_rate"], sweep

  def _try(self, encoder, split, rate):
    """Returns the figure of one rate, or why it has none."""
    metric = self.METRICS[0]
    try:
      value = self._figures(encoder, split, rate)[metric]
    except exit_codes.UserError as error:
      if error.exit_code != exit_codes.NUMERICAL:
        raise
      logging.warning("learning rate %g is out: %s", rate, error)
      return {"learning_rate": rate, metric: None, "error": str(error)}
    return {"learning_rate": rate, metric: value}

  def _scores(self, encoder, split, rate, *, loss_of, probabilities_of):
    """Returns the scores of the test images, float32 [M, K]."""
    recipe = self.recipe
    steps = classifier.steps_of(
      recipe.epochs, len(split.train_clips), recipe.batch_size
    )
    tf.keras.utils.set_random_seed(self.settings.seed)
    return classifier.scores_on_frozen(
      heads.PlainHead(len(split.columns)),
      encoder,
      split,
      self.settings,
      loss_of=loss_of,
      probabilities_of=probabilities_of,
      recipe=classifier.Recipe(
        self.NAME,
        OPTIMIZER,
        rate,
        recipe.batch_size,
        total_steps=math.ceil(steps),
        schedule=schedules.InverseSquareRoot(rate),
      ),
    )

  def _held_out(self):
    """Returns share, seed and remedy for a `_hold_out`."""
    remedy = (
      "Give one rate, which needs no choice:"
      f" --set={self.NAME}.learning_rates=1e-3."
    )
    return self.recipe.validation_share, self.settings.seed, remedy

  def _hold_out(self, split):
    raise TypeError(f"{type(self).__name__} defines no `_hold_out`.")

  def _figures(self, encoder, split, rate):
    raise TypeError(f"{type(self).__name__} defines no `_figures`.")


@dataclasses.dataclass
class ImageNetProtocol(ImageLinearProtocol):
  """One class an image; top-1 and top-5."""

  recipe: protocols.ImageLinear = dataclasses.field(
    default_factory=protocols.ImageNet
  )
  NAME: ClassVar[str] = "imagenet"
  SOURCE: ClassVar[str] = "MMV paper appendix A.2, ImageNet"
  AVERAGED: ClassVar[str] = "softmax probabilities"

  def _hold_out(self, split):
    return splits_of.hold_out(split, *self._held_out())

  def _figures(self, encoder, split, rate):
    scores = self._scores(
      encoder,
      split,
      rate,
      loss_of=heads.softmax_loss,
      probabilities_of=tf.nn.softmax,
    )
    return protocol.accuracy_tree(
      split,
      linear_svm.accuracy_of(scores, split.columns, split.test_labels[:, 0]),
    )


@dataclasses.dataclass
class PascalProtocol(ImageLinearProtocol):
  """Several classes an image; 11-point mean average precision.

  An image whose label is `difficult:CLASS`, and that is not of CLASS, counts
  neither for nor against it, in training and in the test.
  """

  recipe: protocols.ImageLinear = dataclasses.field(
    default_factory=protocols.Pascal
  )
  NAME: ClassVar[str] = "pascal"
  SOURCE: ClassVar[str] = "MMV paper appendix A.2, PASCAL VOC 2007"
  METRICS: ClassVar[tuple[str, ...]] = ("mean_average_precision",)
  SEVERAL_LABELS: ClassVar[bool] = True
  AVERAGED: ClassVar[str] = "sigmoid probabilities"

  def _hold_out(self, split):
    return splits_of.hold_out_of_several(split, *self._held_out())

  def _figures(self, encoder, split, rate):
    class_of = difficult_columns(split)
    scores = self._scores(
      encoder,
      split,
      rate,
      loss_of=lambda logits, labels: certain_loss(logits, labels, class_of),
      probabilities_of=tf.sigmoid,
    )
    columns, targets = certain_targets(split)
    precision = average_precision.eleven_point_average_precision(
      scores[:, columns], targets
    )
    names = [split.classes[split.columns[column]] for column in columns]
    return {
      "name": split.name,
      "mean_average_precision": precision.mean,
      "classes_averaged": len(precision.per_class),
      "classes_known": len(names),
      "average_precision": {
        names[place]: value for place, value in precision.per_class.items()
      },
    }

  def baselines(self, split: splits_of.Split) -> dict:
    """Returns the mean average precision of guessing.

    A random order gives a class about the share of its images among those
    that count; `chance` is the mean over the classes that are averaged.
    """
    _, targets = certain_targets(split)
    found = [row for row in targets.T if (row == 1).any()]
    shares = [np.mean(row[row >= 0]) for row in found]
    return {"chance": float(np.mean(shares))}


def certain_loss(
  logits: tf.Tensor, labels: tf.Tensor, class_of: np.ndarray
) -> tf.Tensor:
  """Returns the sum of binary cross-entropies of what is certain, [B].

  Args:
    logits: float32 [B, K].
    labels: integers [B, L], the right columns, filled up with -1.
    class_of: of `difficult_columns`.
  """
  num_columns = len(class_of)
  targets = tf.reduce_max(tf.one_hot(labels, num_columns), axis=1)
  spread = np.zeros([num_columns, num_columns], np.float32)
  marked = np.flatnonzero(class_of >= 0)
  spread[marked, class_of[marked]] = 1.0
  ignored = tf.minimum(targets @ spread, 1.0) * (1.0 - targets)
  counts = (1.0 - ignored) * (class_of < 0).astype(np.float32)
  entropies = tf.nn.sigmoid_cross_entropy_with_logits(
    labels=targets, logits=logits
  )
  return tf.reduce_sum(counts * entropies, axis=-1)


def difficult_columns(split: splits_of.Split) -> np.ndarray:
  """Returns the class whose difficult images a column is of, int64 [K].

  Numbers are those of `split.columns`. Columns of classes have -1; a difficult
  column whose class no training image has is of itself.
  """
  names = [split.classes[label] for label in split.columns]
  places = {name: place for place, name in enumerate(names)}
  return np.array(
    [
      places.get(name.removeprefix(views.DIFFICULT), place)
      if name.startswith(views.DIFFICULT)
      else -1
      for place, name in enumerate(names)
    ],
    np.int64,
  )


def certain_targets(split: splits_of.Split) -> tuple[np.ndarray, np.ndarray]:
  """Returns which columns are classes, and what test images show of them.

  Returns:
    int64 [C], places in `split.columns`, and int64 [M, C]: 1 for an image of
    the class, 0 for another one, -1 for one that does not count.
  """
  columns = np.flatnonzero(difficult_columns(split) < 0)
  labels = split.columns[columns]
  targets = average_precision.multi_hot(split.test_labels, labels).astype(int)
  for place in range(len(labels)):
    marks = splits_of.difficult_of(labels[[place]], split.classes)
    hardly = np.isin(split.test_labels, marks).any(axis=1)
    targets[hardly & (targets[:, place] == 0), place] = -1
  return columns, targets


def training_spec(spec: views.ViewSpec, name: str) -> views.RgbViewSpec:
  """Returns the training view: what the paper names, and nothing else.

  That is random crops for PASCAL; for ImageNet also scale jitter and colour,
  as in the pretraining.

  Args:
    spec: of the pretraining, of pictures.
    name: of the protocol.
  """
  spec = cast(views.RgbViewSpec, spec)
  augmentation = dataclasses.replace(spec.augmentation, flip_probability=0.0)
  if name == ImageNetProtocol.NAME:
    return dataclasses.replace(spec, augmentation=augmentation)
  crop = spec.crop
  if isinstance(crop, pictures.JitterCrop):
    crop = dataclasses.replace(crop, scale=(1.0, 1.0))
  augmentation = dataclasses.replace(
    augmentation,
    colour_probability=0.0,
    greyscale_probability=0.0,
    blur_probability=0.0,
  )
  return dataclasses.replace(spec, crop=crop, augmentation=augmentation)
