"""Fine-tuning: the whole backbone and a linear layer, trained by LARS.

Source: paper appendix B, "Finetuning evaluation on HMDB51 and UCF101". Rate,
decay and dropout are chosen on the first split and used for all of them. The
randomly initialised network is trained in the same way, with a choice of its
own. Batch norm uses the statistics of each replica alone.
"""

from collections.abc import Callable, Sequence
import dataclasses
import itertools
import time
from typing import ClassVar, NamedTuple

from absl import logging
import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.backbones import batch_norm
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.config import tree as config_tree
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base
from tfvssl.optim import lars
from tfvssl.runtime import exit_codes
from tfvssl.runtime import randomness


class Choice(NamedTuple):
  """One point of the grid; dropout is the share of features dropped."""

  learning_rate: float
  weight_decay: float
  dropout: float


class Trial(NamedTuple):
  """One training of the search.

  Attributes:
    split: name of the split.
    choice: what was tried.
    accuracy: None where the training diverged.
    error: why it has no accuracy; else empty.
  """

  split: str
  choice: Choice
  accuracy: linear_svm.Accuracy | None
  error: str = ""

  def to_tree(self) -> dict:
    """Returns the trial for the result file."""
    tree = {**self.choice._asdict(), "top_1": None}
    if self.accuracy is None:
      return {**tree, "error": self.error}
    return {**tree, "top_1": self.accuracy.top_1}


def training_spec(
  spec: views.ViewSpec, recipe: protocols.FineTune
) -> views.ViewSpec:
  """Returns the training view: scale jitter, crop and flip, nothing else.

  Flow and sound, which the paper does not fine-tune, stay as they were.
  """
  if not isinstance(spec, views.RgbViewSpec):
    return spec
  return dataclasses.replace(
    spec,
    crop=pictures.JitterCrop(
      recipe.scale, spec.image_size / recipe.test_short_side
    ),
    augmentation=pictures.RgbAugmentation(
      flip_probability=0.5,
      colour_probability=0.0,
      greyscale_probability=0.0,
      blur_probability=0.0,
    ),
  )


def dropout_factors(
  rate: float, dim: int, view: views.View, seed: int
) -> tf.Tensor:
  """Returns 0 for dropped features and 1 / (1 - rate) else, float32 [B, D].

  The draw hangs on seed, epoch and clip alone, as every other one.
  """
  keys = randomness.key(
    seed, view.epoch, view.sample_index, features.VIEW_NAME, "dropout"
  )
  kept = randomness.uniform(keys, (dim,)) >= rate
  return tf.cast(kept, tf.float32) / (1.0 - rate)


def set_weights(backbone: tf.keras.Model, values: Sequence[np.ndarray]) -> None:
  """Gives the network's variables the values that they had, in their order."""
  for variable, value in zip(backbone.variables, values, strict=True):
    variable.assign(value)


def train_and_test(
  encoder: base.Encoder,
  head: tf.keras.layers.Layer,
  logits_of_rows: Callable[[tf.Tensor, views.View], tf.Tensor],
  split: splits_of.Split,
  settings: features.Settings,
  recipe: classifier.Recipe,
) -> linear_svm.Accuracy:
  """Trains backbone and head on a split and returns the test accuracy.

  Args:
    encoder: whose backbone is trained.
    head: maps features to logits.
    logits_of_rows: maps features [B, D] and their views to logits [B, K], in
      training mode.
    split: of single labels.
    settings: how views are taken.
    recipe: optimiser, rate and number of steps.

  Raises:
    ValueError: as classifier.train.
    exit_codes.UserError: as classifier.train and classifier.test_scores.
  """
  backbone = encoder.backbone

  def logits_of(view):
    inputs = features.network_input(view, settings)
    return logits_of_rows(backbone(inputs, training=True), view)

  classifier.train(
    logits_of,
    heads.softmax_loss,
    [*backbone.trainable_variables, *head.trainable_variables],
    lambda size: classifier.training_batches(split, settings, size),
    split.train,
    recipe,
  )
  classifier.average_statistics(
    [*backbone.non_trainable_variables, *head.non_trainable_variables]
  )
  scores = classifier.test_scores(
    lambda inputs: tf.nn.softmax(head(backbone(inputs))), split, settings
  )
  return linear_svm.accuracy_of(scores, split.columns, split.test_labels[:, 0])


@dataclasses.dataclass
class FineTuneProtocol(protocol.Protocol):
  """See the module.

  Attributes:
    recipe: epochs, batch and grids.
  """

  recipe: protocols.FineTune = dataclasses.field(
    default_factory=protocols.FineTune
  )
  NAME: ClassVar[str] = "finetune"
  SOURCE: ClassVar[str] = "paper appendix B, HMDB51 and UCF101"

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "recipe": config_tree.to_tree(self.recipe),
      "optimizer": config_tree.to_tree(self._optimizer(0.0)),
      "head": "batch norm, dropout, linear",
      "batch_norm": "statistics of each replica alone",
      "averaged": "softmax probabilities",
      "chosen_on": self._chosen_on(),
      **classifier.placement_tree(self.recipe.batch_size),
    }

  def _grid(self):
    recipe = self.recipe
    return [
      Choice(*values)
      for values in itertools.product(
        recipe.learning_rates, recipe.weight_decays, recipe.dropouts
      )
    ]

  def _chosen_on(self):
    if len(self._grid()) == 1:
      return "given"
    if self.recipe.validation_share:
      return "validation clips of split 1's training side"
    return "test clips of split 1"

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns the choice, its sweep, and the accuracies on all splits.

    Every training starts from the weights that `encoder` has now. A point of
    the grid whose training diverges is out, and stands in the sweep as such.

    Raises:
      ValueError: too few files to hold some out, or the batch cannot be shared
        by the replicas.
      TypeError: a batch norm cannot be made local.
      exit_codes.UserError: a record is damaged (3); loss or scores are not
        finite for all of the grid, or with the choice on a later split (5).
    """
    began = time.monotonic()
    batch_norm.make_local(encoder.backbone)
    start = [variable.numpy() for variable in encoder.backbone.variables]
    choice, sweep = self._choose(encoder, start, splits[0])
    # The first split's accuracy with the choice may be known already.
    known = {(trial.split, trial.choice): trial.accuracy for trial in sweep}
    scores = []
    for split in splits:
      accuracy = known.get((split.name, choice))
      if accuracy is None:
        accuracy = self._accuracy(encoder, start, split, choice)
      scores.append(protocol.accuracy_tree(split, accuracy))
    return {
      "choice": choice._asdict(),
      "sweep": [trial.to_tree() for trial in sweep],
      "mean": self.mean(scores),
      "splits": scores,
      "seconds": round(time.monotonic() - began, 1),
    }

  def _choose(self, encoder, start, split):
    """Returns the best point of the grid and all trials."""
    recipe, grid = self.recipe, self._grid()
    if len(grid) == 1:
      return grid[0], []
    if recipe.validation_share:
      share, seed = recipe.validation_share, self.settings.seed
      remedy = (
        "Use --set=finetune.validation_share=0, which decides on the test"
        " clips."
      )
      split = splits_of.hold_out(split, share, seed, remedy)
    sweep = []
    for number, point in enumerate(grid, start=1):
      logging.info("%s: %d of %d, %s", split.name, number, len(grid), point)
      sweep.append(self._try(encoder, start, split, point))
    trained = [trial for trial in sweep if trial.accuracy is not None]
    if not trained:
      raise exit_codes.UserError(
        exit_codes.NUMERICAL,
        f"{split.name}: all {len(grid)} trainings of the grid diverged; the"
        f" last: {sweep[-1].error}",
      )
    # Of equal ones the first: the order of the grid is the user's.
    best = max(trained, key=lambda trial: trial.accuracy.top_1)
    return best.choice, sweep

  def _try(self, encoder, start, split, choice):
    """Returns the trial of one point, also of one that diverges."""
    try:
      accuracy = self._accuracy(encoder, start, split, choice)
    except exit_codes.UserError as error:
      if error.exit_code != exit_codes.NUMERICAL:
        raise
      logging.warning("%s is out: %s", choice, error)
      return Trial(split.name, choice, None, str(error))
    return Trial(split.name, choice, accuracy)

  def _accuracy(self, encoder, start, split, choice):
    """Trains from `start` on the split and returns its test accuracy."""
    settings = self.settings
    set_weights(encoder.backbone, start)
    tf.keras.utils.set_random_seed(settings.seed)
    head = classifier.build_head(
      heads.LinearHead(len(split.columns)), encoder, settings.spec
    )
    batch_norm.make_local(head)

    def logits_of_rows(rows, view):
      kept = dropout_factors(
        choice.dropout, rows.shape[-1], view, settings.seed
      )
      return head(rows, training=True, kept=kept)

    return train_and_test(
      encoder,
      head,
      logits_of_rows,
      split,
      settings,
      classifier.epochs_recipe(
        "finetune",
        self._optimizer(choice.weight_decay),
        learning_rate=choice.learning_rate,
        batch_size=self.recipe.batch_size,
        epochs=self.recipe.epochs,
        warmup_epochs=self.recipe.warmup_epochs,
        num_clips=len(split.train_clips),
      ),
    )

  def _optimizer(self, weight_decay):
    return lars.LarsConfig(weight_decay=weight_decay, predictor_multiplier=1.0)

  def prepare_random(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> None:
    """Leaves the network as it is: it will be trained from the beginning."""
