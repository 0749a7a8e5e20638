"""Fine-tuning: the whole backbone and a linear layer, trained by LARS.

Source: paper appendix B, "Finetuning evaluation on HMDB51 and UCF101". Rate,
decay and dropout are chosen on the first split and used for all of them. The
randomly initialised network is trained in the same way, with a choice of its
own. Batch norm uses the statistics of each replica alone.
"""

import dataclasses
import itertools
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from absl import logging

from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate.classifiers import diverged
from tfvssl.evaluate.protocols import classification
from tfvssl.evaluate.protocols import trained
from tfvssl.runtime import exit_codes

if TYPE_CHECKING:
  from tfvssl.config import paper_rows
  from tfvssl.evaluate.classifiers import linear_svm
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods
  from tfvssl.optim import lars

# Source: paper appendix B, fine-tuning: "The batch is distributed over 32
# workers", each of which has batch norms of its own.
_WORKERS = 32


@dataclasses.dataclass
class WholeNetworkProtocol(trained.TrainedProtocol):
  """What the two ways to fine-tune share.

  Attributes:
    BATCH_NORM: over what its statistics are, for the result file.
  """

  BATCH_NORM: ClassVar[str]

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {**super().to_tree(), "batch_norm": self.BATCH_NORM}

  def prepare_random(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> None:
    """Leaves the network as it is: it will be trained from the beginning."""


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
  accuracy: "linear_svm.Accuracy | None"
  error: str = ""

  def to_tree(self) -> dict:
    """Returns the trial for the result file."""
    tree = {**self.choice._asdict(), "top_1": None}
    if self.accuracy is None:
      return {**tree, "error": self.error}
    return {**tree, "top_1": self.accuracy.top_1}


@dataclasses.dataclass
class FineTuneProtocol(WholeNetworkProtocol):
  """See the module.

  Attributes:
    recipe: epochs, batch and grids.
  """

  recipe: protocols.FineTune = dataclasses.field(
    default_factory=protocols.FineTune
  )
  NAME: ClassVar[str] = "finetune"
  TITLE: ClassVar[str] = "fine-tuning"
  SOURCE: ClassVar[str] = "paper appendix B, HMDB51 and UCF101"
  HEAD: ClassVar[str] = "batch norm, dropout, linear"
  BATCH_NORM: ClassVar[str] = "statistics of each replica alone"
  Settings: ClassVar[type[protocols.TestViews]] = protocols.FineTune

  @classmethod
  def views_of(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> tuple[views.ViewSpec, views.ViewSpec]:
    """Returns the views of training and test."""
    return training_spec(view, cast(protocols.FineTune, settings)), view

  @classmethod
  def chosen(cls, result: dict, row: "paper_rows.Row") -> dict:
    """Returns the values that a result has; the point of the grid it used."""
    found = super().chosen(result, row)
    if row.fine_tuned:
      choice = result["pretrained"].get("choice", {})
      found.update({f"{name}s": [value] for name, value in choice.items()})
    return found

  @classmethod
  def paper_values(
    cls, settings: protocols.TestViews, row: "paper_rows.Row", name: str
  ) -> dict:
    """Returns the paper's values; of BraVe's Table 7 where the row has it."""
    settings = cast(protocols.FineTune, settings)
    if row.fine_tuned:
      found = row.fine_tuned[name.partition("_")[0]]
      settings = found.settings(settings.batch_size)
    return {
      **super().paper_values(settings, row, name),
      "clips_per_replica": settings.batch_size // _WORKERS,
    }

  def optimizer(self) -> "lars.LarsConfig":
    """Returns LARS without the decay of weights, of which there is a grid."""
    from tfvssl.optim import lars

    return lars.LarsConfig(weight_decay=0.0, rate_factors={})

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {**super().to_tree(), "chosen_on": self._chosen_on()}

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

  def scores(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> tuple[dict, list[dict]]:
    """Returns the choice with its sweep, and the accuracies of each split.

    Every training starts from the weights that `encoder` has now. A point of
    the grid whose training diverges is out, and stands in the sweep as such.

    Raises:
      ValueError: too few files to hold some out, or the batch cannot be shared
        by the replicas.
      TypeError: a batch norm cannot be made local.
      exit_codes.UserError: a record is damaged (3); loss or scores are not
        finite for all of the grid, or with the choice on a later split (5).
    """
    from tfvssl.backbones import batch_norm

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
      scores.append(classification.accuracy_tree(split, accuracy))
    chosen = {
      "choice": choice._asdict(),
      "sweep": [trial.to_tree() for trial in sweep],
    }
    return chosen, scores

  def _choose(self, encoder, start, split):
    """Returns the best point of the grid and all trials."""
    recipe, grid = self.recipe, self._grid()
    if len(grid) == 1:
      return grid[0], []
    if recipe.validation_share:
      from tfvssl.evaluate.samples import held_out

      share, seed = recipe.validation_share, self.settings.seed
      remedy = (
        "Use --set=finetune.validation_share=0, which decides on the test"
        " clips."
      )
      split = held_out.of_single_labels(split, share, seed, remedy)
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
    except diverged.Diverged as error:
      logging.warning("%s is out: %s", choice, error)
      return Trial(split.name, choice, None, str(error))
    return Trial(split.name, choice, accuracy)

  def _accuracy(self, encoder, start, split, choice):
    """Trains from `start` on the split and returns its test accuracy."""
    from tfvssl.backbones import batch_norm
    from tfvssl.evaluate.classifiers import fine_tuned
    from tfvssl.evaluate.classifiers import heads
    from tfvssl.evaluate.classifiers import trained as classifier

    settings, recipe = self.settings, self.recipe

    def new_head():
      head = heads.LinearHead(len(split.columns))
      classifier.build_head(head, encoder, settings.spec)
      batch_norm.make_local(head)
      return head

    def logits(head, rows, view):
      kept = fine_tuned.dropout_factors(
        choice.dropout, rows.shape[-1], view, settings.seed
      )
      return head(rows, training=True, kept=kept)

    training = classifier.epochs_recipe(
      self.NAME,
      dataclasses.replace(self.optimizer(), weight_decay=choice.weight_decay),
      learning_rate=choice.learning_rate,
      batch_size=recipe.batch_size,
      epochs=recipe.epochs,
      warmup_epochs=recipe.warmup_epochs,
      num_clips=len(split.train_clips),
    )
    return fine_tuned.accuracy(
      encoder,
      start,
      new_head,
      split,
      settings,
      training,
      self.progress,
      logits,
    )


def training_spec(
  spec: views.ViewSpec, recipe: protocols.FineTune
) -> views.ViewSpec:
  """Returns the training view: scale jitter, crop and flip, nothing else.

  Flow and sound, which the paper does not fine-tune, stay as they were.
  """
  if "image_size" not in spec.extents:
    return spec
  spec = cast(views.RgbViewSpec, spec)
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
