"""Fine-tuning as MMV does it: SGD whose rate falls in steps, a plain layer.

Batch norm keeps the statistics of all replicas.
Source: MMV paper, appendix A.2, "FT on UCF101/HMDB51", and Table 5.
"""

import dataclasses
import time
from typing import ClassVar

import tensorflow as tf

from tfvssl import views
from tfvssl.config import protocols
from tfvssl.config import tree
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.protocols import finetune
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.evaluate.samples import view_size
from tfvssl.methods import base
from tfvssl.optim import sgd


def view_of(
  spec: views.ViewSpec, recipe: protocols.FineTuneSgd
) -> views.ViewSpec:
  """Returns the view with crops as large as the recipe says.

  Flow and sound, which the paper does not fine-tune, stay as they were.
  """
  if not isinstance(spec, views.RgbViewSpec):
    return spec
  size, short_side = recipe.image_size, recipe.test_short_side
  return view_size.resized(spec, image_size=size, short_side=short_side)


@dataclasses.dataclass
class FineTuneSgdProtocol(protocol.Protocol):
  """See the module.

  Attributes:
    recipe: steps, rates and batch.
  """

  recipe: protocols.FineTuneSgd = dataclasses.field(
    default_factory=protocols.FineTuneSgd
  )
  NAME: ClassVar[str] = "finetune_sgd"
  SOURCE: ClassVar[str] = "MMV paper appendix A.2 and Table 5"

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "recipe": tree.to_tree(self.recipe),
      "optimizer": tree.to_tree(self._optimizer()),
      "head": "linear",
      "batch_norm": "statistics of all replicas",
      "averaged": "softmax probabilities",
      **classifier.placement_tree(self.recipe.batch_size),
    }

  def _optimizer(self):
    return sgd.SgdConfig(weight_decay=self.recipe.weight_decay)

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns the accuracies on all splits.

    Every training starts from the weights that `encoder` has now.

    Raises:
      ValueError: the batch cannot be shared by the replicas.
      exit_codes.UserError: a record is damaged (3); loss or scores are not
        finite (5).
    """
    began = time.monotonic()
    start = [variable.numpy() for variable in encoder.backbone.variables]
    scores = [self._score(encoder, start, split) for split in splits]
    return {
      "mean": self.mean(scores),
      "splits": scores,
      "seconds": round(time.monotonic() - began, 1),
    }

  def _score(self, encoder, start, split):
    recipe, settings = self.recipe, self.settings
    finetune.set_weights(encoder.backbone, start)
    tf.keras.utils.set_random_seed(settings.seed)
    head = classifier.build_head(
      heads.PlainHead(len(split.columns)), encoder, settings.spec
    )
    accuracy = finetune.train_and_test(
      encoder,
      head,
      lambda rows, view: head(rows, training=True),
      split,
      settings,
      classifier.Recipe(
        self.NAME,
        self._optimizer(),
        recipe.learning_rate,
        recipe.batch_size,
        total_steps=recipe.steps,
        schedule=rate_in_steps(recipe),
      ),
    )
    return protocol.accuracy_tree(split, accuracy)

  def prepare_random(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> None:
    """Leaves the network as it is: it will be trained from the beginning."""


def rate_in_steps(
  recipe: protocols.FineTuneSgd,
) -> tf.keras.optimizers.schedules.LearningRateSchedule:
  """Returns the rate, which falls by the factor at each of `decay_steps`."""
  rates = [
    recipe.learning_rate * recipe.decay_factor**times
    for times in range(len(recipe.decay_steps) + 1)
  ]
  # Keras keeps a rate up to its boundary and the update with that number.
  boundaries = [int(step) - 1 for step in recipe.decay_steps]
  return tf.keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
