"""A perceptron with one hidden layer on frozen features, for several labels.

Source: paper appendix B, "Shallow classifier evaluation on AudioSet". Test
clips are scored by the mean probability of their windows.
"""

import dataclasses
import math
import time
from typing import ClassVar

import numpy as np
import tensorflow as tf

from tfvssl.config import protocols
from tfvssl.config import tree
from tfvssl.evaluate.classifiers import average_precision
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.samples import random_network
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base
from tfvssl.optim import adam

OPTIMIZER = adam.AdamConfig(predictor_multiplier=1.0)


@dataclasses.dataclass
class ShallowMlpProtocol(protocol.Protocol):
  """See the module.

  Attributes:
    recipe: hidden units, epochs, rate and batch.
  """

  recipe: protocols.ShallowMlp = dataclasses.field(
    default_factory=protocols.ShallowMlp
  )
  NAME: ClassVar[str] = "mlp"
  SOURCE: ClassVar[str] = "paper appendix B, AudioSet"
  METRICS: ClassVar[tuple[str, ...]] = ("mean_average_precision",)
  SEVERAL_LABELS: ClassVar[bool] = True

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "recipe": tree.to_tree(self.recipe),
      "optimizer": tree.to_tree(OPTIMIZER),
      "head": "batch norm, linear, batch norm, relu, linear",
      "averaged": "sigmoid probabilities",
      "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
      **classifier.placement_tree(self.recipe.batch_size),
    }

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns the average precisions of one frozen network on all splits.

    Raises:
      ValueError: the warm-up is not shorter than the training, or the batch
        cannot be shared by the replicas.
      exit_codes.UserError: loss or scores are not finite (5), or a record is
        damaged (3).
    """
    began = time.monotonic()
    scores = [self._score(encoder, split) for split in splits]
    return {
      "mean": self.mean(scores),
      "splits": scores,
      "seconds": round(time.monotonic() - began, 1),
    }

  def _score(self, encoder, split):
    tf.keras.utils.set_random_seed(self.settings.seed)
    scores = classifier.scores_on_frozen(
      heads.MlpHead(self.recipe.hidden_dim, len(split.columns)),
      encoder,
      split,
      self.settings,
      loss_of=heads.sigmoid_loss,
      probabilities_of=tf.sigmoid,
      recipe=self._recipe(len(split.train_clips)),
    )
    targets = average_precision.multi_hot(split.test_labels, split.columns)
    precision = average_precision.mean_average_precision(scores, targets)
    names = [split.classes[label] for label in split.columns]
    return {
      "name": split.name,
      "mean_average_precision": precision.mean,
      "classes_averaged": len(precision.per_class),
      "classes_known": len(names),
      "average_precision": {
        names[column]: value for column, value in precision.per_class.items()
      },
    }

  def _recipe(self, num_clips):
    recipe = self.recipe
    steps = classifier.steps_of(recipe.epochs, num_clips, recipe.batch_size)
    return classifier.Recipe(
      "mlp",
      OPTIMIZER,
      recipe.learning_rate,
      recipe.batch_size,
      total_steps=math.ceil(steps),
      warmup_steps=recipe.warmup_steps,
    )

  def baselines(self, split: splits_of.Split) -> dict:
    """Returns the mean average precision of guessing.

    A random order gives a class the share of its clips; `chance` is the mean
    of these shares over the classes that are averaged.
    """
    targets = average_precision.multi_hot(split.test_labels, split.columns)
    shares = targets.mean(axis=0)
    return {"chance": float(np.mean(shares[shares > 0]))}
