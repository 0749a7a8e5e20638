"""A linear layer on frozen features of still images, trained by Adam.

The initial rate is chosen on images that are held out of the training side of
the first split; then the layer is trained on all of it. Augmentation is new in
every epoch, so features are computed inside the step.
Source: MMV paper, appendix A.2, "Linear on PASCAL/ImageNet".
"""

from collections.abc import Callable
import dataclasses
import math
from typing import TYPE_CHECKING, ClassVar, cast

from absl import logging
import numpy as np

from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate.classifiers import diverged
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import trained
from tfvssl.runtime import exit_codes

if TYPE_CHECKING:
  import tensorflow as tf

  from tfvssl.evaluate.classifiers import heads
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods
  from tfvssl.optim import adam


@dataclasses.dataclass
class ImageLinearProtocol(trained.FrozenProtocol):
  """What both data sets share.

  Attributes:
    recipe: epochs, rates and batch.
    image: how images go through the network.
    deflation: how the network of TRAINED was trained.
  """

  recipe: protocols.ImageLinear = dataclasses.field(
    default_factory=protocols.ImageLinear
  )
  image: str = "naive"
  deflation: dict = dataclasses.field(default_factory=dict)
  TITLE: ClassVar[str] = "linear layer on images"
  HEAD: ClassVar[str] = "linear"
  TAKES_IMAGES: ClassVar[bool] = True
  REFUSES: ClassVar[tuple[str, ...]] = (
    "modality",
    "num_frames",
    "image_size",
    "seconds",
  )
  # Of the three last ones the paper says nothing.
  NOT_COMPARED: ClassVar[tuple[str, ...]] = (
    "test_batch_size",
    "batch_size",
    "learning_rates",
    "validation_share",
  )

  @classmethod
  def encoder(cls, subject: base.Subject) -> "methods.Encoder":
    """Returns the encoder of images that is made of the run's."""
    return _encoder(subject, super().encoder(subject), subject.request.image)

  @classmethod
  def random_encoder(
    cls, subject: base.Subject, seed: int
  ) -> "methods.Encoder":
    """Returns one with initial weights, for which nothing is trained."""
    request = subject.request
    request = dataclasses.replace(request, image=of_random(request.image))
    return super().random_encoder(
      dataclasses.replace(subject, request=request), seed
    )

  @classmethod
  def choices(cls, subject: base.Subject) -> dict:
    """Returns how images go through the network.

    Raises:
      FileNotFoundError: no deflated network was trained.
    """
    from tfvssl.deflate import networks

    image, deflation = subject.request.image, {}
    if networks.Image(image) == networks.Image.TRAINED:
      deflation = networks.choices_of(subject.request.workdir)
    return {"image": image, "deflation": deflation}

  def optimizer(self) -> "adam.AdamConfig":
    """Returns Adam."""
    from tfvssl.optim import adam

    return adam.AdamConfig(epsilon=1e-8, rate_factors={})

  def head(self, num_classes: int) -> "heads.PlainHead":
    """Returns the new layer."""
    from tfvssl.evaluate.classifiers import heads

    return heads.PlainHead(num_classes)

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "image": self.image,
      "deflation": self.deflation,
      "random_network_image": of_random(self.image),
      "chosen_on": self._chosen_on(),
    }

  def _chosen_on(self):
    if len(self.recipe.learning_rates) == 1:
      return "given"
    return "images held out of split 1's training side"

  def scores(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> tuple[dict, list[dict]]:
    """Returns the rate with its sweep, and the figures of each split.

    Raises:
      ValueError: nothing can be held out, or the batch cannot be shared by the
        replicas.
      exit_codes.UserError: loss or scores are not finite with any of the rates
        (5), or a record is damaged (3).
    """
    rate, sweep = self._choose(encoder, splits[0])
    scores = [self._score(encoder, split, rate) for split in splits]
    return {"choice": {"learning_rate": rate}, "sweep": sweep}, scores

  def _choose(self, encoder, split):
    """Returns the best initial rate and what each of them reached."""
    rates = self.recipe.learning_rates
    if len(rates) == 1:
      return rates[0], []
    held = self._hold_out(split)
    sweep = [self._try(encoder, held, rate) for rate in rates]
    finite = [trial for trial in sweep if "error" not in trial]
    if not finite:
      raise exit_codes.UserError(
        exit_codes.NUMERICAL,
        f"{split.name}: the layer diverged with all {len(rates)} rates; the"
        f" last: {sweep[-1]['error']}",
      )
    metric = self.METRICS[0]
    best = max(finite, key=lambda trial: trial[metric])
    return best["learning_rate"], sweep

  def _try(self, encoder, split, rate):
    """Returns the figure of one rate, or why it has none."""
    metric = self.METRICS[0]
    try:
      value = self._score(encoder, split, rate)[metric]
    except diverged.Diverged as error:
      logging.warning("learning rate %g is out: %s", rate, error)
      return {"learning_rate": rate, metric: None, "error": str(error)}
    return {"learning_rate": rate, metric: value}

  def _score(self, encoder, split, rate):
    training = self._training(len(split.train_clips), rate)
    return self.score(encoder, split, training)

  def _training(self, num_clips, rate):
    from tfvssl.evaluate.classifiers import rates
    from tfvssl.evaluate.classifiers import trained as classifier

    recipe = self.recipe
    steps = classifier.steps_of(recipe.epochs, num_clips, recipe.batch_size)
    return classifier.Recipe(
      self.NAME,
      self.optimizer(),
      rate,
      recipe.batch_size,
      total_steps=math.ceil(steps),
      schedule=rates.InverseSquareRoot(rate),
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


@dataclasses.dataclass
class ImageNetProtocol(ImageLinearProtocol):
  """One class an image; top-1 and top-5."""

  recipe: protocols.ImageLinear = dataclasses.field(
    default_factory=protocols.ImageNet
  )
  NAME: ClassVar[str] = "imagenet"
  SOURCE: ClassVar[str] = "MMV paper appendix A.2, ImageNet"
  Settings: ClassVar[type[protocols.TestViews]] = protocols.ImageNet

  @classmethod
  def views_of(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> tuple[views.ViewSpec, views.ViewSpec]:
    """Returns views of crops, scale jitter and colour, and of the test."""
    return training_spec(view), view

  def _hold_out(self, split):
    from tfvssl.evaluate.samples import held_out

    return held_out.of_single_labels(split, *self._held_out())


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
  Settings: ClassVar[type[protocols.TestViews]] = protocols.Pascal

  @classmethod
  def views_of(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> tuple[views.ViewSpec, views.ViewSpec]:
    """Returns views of random crops and nothing else, and of the test."""
    return crops_alone(training_spec(view)), view

  def _hold_out(self, split):
    from tfvssl.evaluate.samples import held_out

    return held_out.of_several_labels(split, *self._held_out())

  def loss_of(
    self, split: "splits_of.Split"
  ) -> "Callable[[tf.Tensor, tf.Tensor], tf.Tensor]":
    """Returns the loss [B] of logits and labels."""
    from tfvssl.evaluate.classifiers import difficult

    class_of = difficult.difficult_columns(split)
    return lambda logits, labels: difficult.certain_loss(
      logits, labels, class_of
    )

  def figures(self, split: "splits_of.Split", scores: np.ndarray) -> dict:
    """Returns the average precisions of scores, float32 [M, K]."""
    from tfvssl.evaluate.classifiers import average_precision
    from tfvssl.evaluate.classifiers import difficult

    columns, targets = difficult.certain_targets(split)
    precision = average_precision.eleven_point_average_precision(
      scores[:, columns], targets
    )
    return trained.precision_tree(split, precision, split.columns[columns])

  def baselines(self, split: "splits_of.Split") -> dict:
    """Returns the mean average precision of guessing.

    A random order gives a class about the share of its images among those
    that count; `chance` is the mean over the classes that are averaged.
    """
    from tfvssl.evaluate.classifiers import difficult

    _, targets = difficult.certain_targets(split)
    found = [row for row in targets.T if (row == 1).any()]
    shares = [np.mean(row[row >= 0]) for row in found]
    return {"chance": float(np.mean(shares))}


def of_random(image: str) -> str:
  """Returns how the random network sees images: nothing is trained for it."""
  from tfvssl.deflate import networks

  is_trained = networks.Image(image) == networks.Image.TRAINED
  return networks.Image.NAIVE.value if is_trained else image


def _encoder(subject, video, image):
  from tfvssl.deflate import networks

  with base.data_errors():
    return networks.encoder(
      video, networks.Image(image), subject.request.workdir
    )


def training_spec(spec: views.ViewSpec) -> views.RgbViewSpec:
  """Returns the view of the pretraining, of pictures, without mirroring.

  Crops, scale jitter and colour are as in the pretraining.
  """
  spec = cast(views.RgbViewSpec, spec)
  augmentation = dataclasses.replace(spec.augmentation, flip_probability=0.0)
  return dataclasses.replace(spec, augmentation=augmentation)


def crops_alone(spec: views.RgbViewSpec) -> views.RgbViewSpec:
  """Returns the view without scale jitter and colour."""
  crop = spec.crop
  if isinstance(crop, pictures.JitterCrop):
    crop = dataclasses.replace(crop, scale=(1.0, 1.0))
  augmentation = dataclasses.replace(
    spec.augmentation,
    colour_probability=0.0,
    greyscale_probability=0.0,
    blur_probability=0.0,
  )
  return dataclasses.replace(spec, crop=crop, augmentation=augmentation)
