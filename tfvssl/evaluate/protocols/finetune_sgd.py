"""Fine-tuning as MMV does it: SGD whose rate falls in steps, a plain layer.

Batch norm keeps the statistics of all replicas.
Source: MMV paper, appendix A.2, "FT on UCF101/HMDB51", and Table 5.
"""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, cast

from tfvssl import views
from tfvssl.config import protocols
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import classification
from tfvssl.evaluate.protocols import finetune

if TYPE_CHECKING:
  import tensorflow as tf

  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods
  from tfvssl.optim import sgd


@dataclasses.dataclass
class FineTuneSgdProtocol(finetune.WholeNetworkProtocol):
  """See the module.

  Attributes:
    recipe: steps, rates and batch.
  """

  recipe: protocols.FineTuneSgd = dataclasses.field(
    default_factory=protocols.FineTuneSgd
  )
  NAME: ClassVar[str] = "finetune_sgd"
  TITLE: ClassVar[str] = "fine-tuning by SGD"
  SOURCE: ClassVar[str] = "MMV paper appendix A.2 and Table 5"
  HEAD: ClassVar[str] = "linear"
  BATCH_NORM: ClassVar[str] = "statistics of all replicas"
  STANDS_FOR: ClassVar[type[base.Protocol]] = finetune.FineTuneProtocol
  Settings: ClassVar[type[protocols.TestViews]] = protocols.FineTuneSgd

  @classmethod
  def sized(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> views.ViewSpec:
    """Returns the view with crops as large as the recipe says."""
    return view_of(view, cast(protocols.FineTuneSgd, settings))

  def optimizer(self) -> "sgd.SgdConfig":
    """Returns SGD with momentum, which decays the linear layer alone."""
    from tfvssl.optim import sgd

    return sgd.SgdConfig(weight_decay=self.recipe.weight_decay)

  def scores(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> tuple[dict, list[dict]]:
    """See classification.ClassificationProtocol; nothing is chosen.

    Every training starts from the weights that `encoder` has now.
    """
    from tfvssl.evaluate.classifiers import fine_tuned
    from tfvssl.evaluate.classifiers import heads
    from tfvssl.evaluate.classifiers import trained as classifier

    start = [variable.numpy() for variable in encoder.backbone.variables]
    training = classifier.Recipe(
      self.NAME,
      self.optimizer(),
      self.recipe.learning_rate,
      self.recipe.batch_size,
      total_steps=self.recipe.steps,
      schedule=rate_in_steps(self.recipe),
    )

    def score(split):
      def new_head():
        head = heads.PlainHead(len(split.columns))
        return classifier.build_head(head, encoder, self.settings.spec)

      accuracy = fine_tuned.accuracy(
        encoder,
        start,
        new_head,
        split,
        self.settings,
        training,
        self.progress,
      )
      return classification.accuracy_tree(split, accuracy)

    return {}, [score(split) for split in splits]


def view_of(
  spec: views.ViewSpec, recipe: protocols.FineTuneSgd
) -> views.ViewSpec:
  """Returns the view with crops as large as the recipe says.

  Flow and sound, which the paper does not fine-tune, stay as they were.
  """
  from tfvssl.evaluate.samples import view_size

  if "image_size" not in spec.extents:
    return spec
  size, short_side = recipe.image_size, recipe.test_short_side
  return view_size.resized(spec, image_size=size, short_side=short_side)


def rate_in_steps(
  recipe: protocols.FineTuneSgd,
) -> "tf.keras.optimizers.schedules.LearningRateSchedule":
  """Returns the rate, which falls by the factor at each of `decay_steps`."""
  import tensorflow as tf

  rates = [
    recipe.learning_rate * recipe.decay_factor**times
    for times in range(len(recipe.decay_steps) + 1)
  ]
  # Keras keeps a rate up to its boundary and the update with that number.
  boundaries = [int(step) - 1 for step in recipe.decay_steps]
  return tf.keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
