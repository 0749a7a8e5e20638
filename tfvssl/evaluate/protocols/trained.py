"""Protocols whose classifier is trained by gradient descent."""

from collections.abc import Callable
import dataclasses
import importlib.metadata
from typing import TYPE_CHECKING, ClassVar

import tfvssl
from tfvssl.config import protocols
from tfvssl.config import tree
from tfvssl.evaluate import progress as kept
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import classification

if TYPE_CHECKING:
  import numpy as np
  import tensorflow as tf

  from tfvssl.config import experiment
  from tfvssl.evaluate.classifiers import average_precision
  from tfvssl.evaluate.classifiers import trained
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods


@dataclasses.dataclass
class TrainedProtocol(classification.ClassificationProtocol):
  """What these protocols share.

  Attributes:
    recipe: settings of the protocol.
    progress: of the trainings.
    HEAD: layers of the classifier, for the result file.
  """

  recipe: protocols.Trained = dataclasses.field(
    default_factory=protocols.Trained
  )
  progress: kept.Progress = dataclasses.field(
    default_factory=kept.Progress, kw_only=True
  )
  HEAD: ClassVar[str]
  TRAINS: ClassVar[bool] = True

  def optimizer(self) -> "experiment.OptimizerConfig":
    """Returns what updates the weights."""
    raise TypeError(f"{type(self).__name__} defines no `optimizer`.")

  def go_on(
    self, subject: base.Subject, splits: "list[splits_of.Split]"
  ) -> None:
    """Takes up the trainings of an equal evaluation that was stopped."""
    from tfvssl.evaluate.samples import splits as splits_of

    self.progress = subject.progress or kept.Progress()
    self.progress.open(
      [
        tfvssl.__version__,
        importlib.metadata.version("tensorflow"),
        self.to_tree(),
        subject.weights,
        subject.request.random_seeds,
        [splits_of.describe_split(split) for split in splits],
      ]
    )

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    from tfvssl.evaluate.classifiers import trained

    averaged = "sigmoid" if self.SEVERAL_LABELS else "softmax"
    return {
      **super().to_tree(),
      "recipe": tree.to_tree(self.recipe),
      "optimizer": tree.to_tree(self.optimizer()),
      "head": self.HEAD,
      "averaged": f"{averaged} probabilities",
      **trained.placement_tree(self.recipe.batch_size),
    }


@dataclasses.dataclass
class FrozenProtocol(TrainedProtocol):
  """A head on frozen features, by its figures on one label a clip."""

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    from tfvssl.evaluate.samples import random_network

    passes = random_network.CALIBRATION_PASSES
    return {
      **super().to_tree(),
      "random_network_calibration_passes": passes,
    }

  def scores(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> tuple[dict, list[dict]]:
    """See classification.ClassificationProtocol; nothing is chosen."""
    return {}, [
      self.score(encoder, split, self.training(len(split.train_clips)))
      for split in splits
    ]

  def score(
    self,
    encoder: "methods.Encoder",
    split: "splits_of.Split",
    training: "trained.Recipe",
  ) -> dict:
    """Returns the figures of one split with a head that is trained on it."""
    import tensorflow as tf

    from tfvssl.evaluate.classifiers import trained

    tf.keras.utils.set_random_seed(self.settings.seed)
    scores = trained.scores_on_frozen(
      self.head(len(split.columns)),
      encoder,
      split,
      self.settings,
      loss_of=self.loss_of(split),
      probabilities_of=tf.sigmoid if self.SEVERAL_LABELS else tf.nn.softmax,
      recipe=training,
      progress=self.progress,
    )
    return self.figures(split, scores)

  def training(self, num_clips: int) -> "trained.Recipe":
    """Returns how the head is trained on so many clips."""
    raise TypeError(f"{type(self).__name__} defines no `training`.")

  def head(self, num_classes: int) -> "tf.keras.layers.Layer":
    """Returns the new layers, which map features to logits."""
    raise TypeError(f"{type(self).__name__} defines no `head`.")

  def loss_of(
    self, split: "splits_of.Split"
  ) -> "Callable[[tf.Tensor, tf.Tensor], tf.Tensor]":
    """Returns the loss [B] of logits and labels."""
    del split  # is the same for all
    from tfvssl.evaluate.classifiers import heads

    return heads.softmax_loss

  def figures(self, split: "splits_of.Split", scores: "np.ndarray") -> dict:
    """Returns the figures of the test clips' scores, float32 [M, K]."""
    from tfvssl.evaluate.classifiers import linear_svm

    labels = split.test_labels[:, 0]
    return classification.accuracy_tree(
      split, linear_svm.accuracy_of(scores, split.columns, labels)
    )


def precision_tree(
  split: "splits_of.Split",
  precision: "average_precision.Precision",
  labels: "np.ndarray",
) -> dict:
  """Returns the average precisions of a split for the result file.

  Args:
    split: whose test clips were scored.
    precision: by columns, one for each of `labels`.
    labels: int64 [C], indices into the split's classes.
  """
  names = [split.classes[label] for label in labels]
  return {
    "name": split.name,
    "mean_average_precision": precision.mean,
    "classes_averaged": len(precision.per_class),
    "classes_known": len(names),
    "average_precision": {
      names[column]: value for column, value in precision.per_class.items()
    },
  }
