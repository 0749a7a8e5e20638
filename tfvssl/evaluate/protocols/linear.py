"""A linear layer on a frozen backbone, trained by LARS on augmented clips.

Source: paper appendix B, "Linear evaluation on Kinetics-600". Every epoch is
augmented anew, so features are computed inside the step. Test crops are as
large as the frames' short side: the backbone is fully convolutional.
"""

import dataclasses
import time
from typing import ClassVar

import tensorflow as tf

from tfvssl import views
from tfvssl.config import protocols
from tfvssl.config import tree
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.samples import random_network
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base
from tfvssl.optim import lars

# Source: paper appendix B: no weight decay; LARS as in the pretraining.
OPTIMIZER = lars.LarsConfig(weight_decay=0.0, predictor_multiplier=1.0)


def test_spec(spec: views.ViewSpec, short_side: int) -> views.ViewSpec:
  """Returns the test view: the largest square of a frame of `short_side`.

  Flow keeps the size that its fields were computed at; sound has no crop.
  """
  if isinstance(spec, views.RgbViewSpec):
    return dataclasses.replace(spec, image_size=short_side)
  if isinstance(spec, views.FlowViewSpec):
    return dataclasses.replace(spec, image_size=spec.resize_short_side)
  return spec


@dataclasses.dataclass
class LinearProtocol(protocol.Protocol):
  """See the module.

  Attributes:
    recipe: epochs, rate and batch.
  """

  recipe: protocols.Linear = dataclasses.field(default_factory=protocols.Linear)
  NAME: ClassVar[str] = "linear"
  SOURCE: ClassVar[str] = "paper appendix B, Kinetics-600"

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "recipe": tree.to_tree(self.recipe),
      "optimizer": tree.to_tree(OPTIMIZER),
      "head": "batch norm, linear",
      "averaged": "softmax probabilities",
      "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
      **classifier.placement_tree(self.recipe.batch_size),
    }

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns the accuracies of one frozen network on all splits.

    Raises:
      ValueError: the batch cannot be shared by the replicas.
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
    recipe = self.recipe
    tf.keras.utils.set_random_seed(self.settings.seed)
    scores = classifier.scores_on_frozen(
      heads.LinearHead(len(split.columns)),
      encoder,
      split,
      self.settings,
      loss_of=heads.softmax_loss,
      probabilities_of=tf.nn.softmax,
      recipe=classifier.epochs_recipe(
        "linear",
        OPTIMIZER,
        learning_rate=recipe.learning_rate,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        warmup_epochs=recipe.warmup_epochs,
        num_clips=len(split.train_clips),
      ),
    )
    return protocol.accuracy_tree(
      split,
      linear_svm.accuracy_of(scores, split.columns, split.test_labels[:, 0]),
    )
