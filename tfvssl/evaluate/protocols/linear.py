"""A linear layer on a frozen backbone, trained by LARS on augmented clips.

Source: paper appendix B, "Linear evaluation on Kinetics-600". Every epoch is
augmented anew, so features are computed inside the step. Test crops are as
large as the frames' short side: the backbone is fully convolutional.
"""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, cast

from tfvssl import views
from tfvssl.config import protocols
from tfvssl.evaluate.protocols import trained

if TYPE_CHECKING:
  from tfvssl.evaluate.classifiers import heads
  from tfvssl.evaluate.classifiers import trained as classifier
  from tfvssl.optim import lars


@dataclasses.dataclass
class LinearProtocol(trained.FrozenProtocol):
  """See the module.

  Attributes:
    recipe: epochs, rate and batch.
  """

  recipe: protocols.Linear = dataclasses.field(default_factory=protocols.Linear)
  NAME: ClassVar[str] = "linear"
  TITLE: ClassVar[str] = "linear layer"
  SOURCE: ClassVar[str] = "paper appendix B, Kinetics-600"
  HEAD: ClassVar[str] = "batch norm, linear"
  Settings: ClassVar[type[protocols.TestViews]] = protocols.Linear

  @classmethod
  def views_of(
    cls, view: views.ViewSpec, settings: protocols.TestViews
  ) -> tuple[views.ViewSpec, views.ViewSpec]:
    """Returns the views of training and test, which sees all it can."""
    return view, test_spec(view, settings.test_short_side)

  def optimizer(self) -> "lars.LarsConfig":
    """Returns LARS as in the pretraining, without decay of weights."""
    from tfvssl.optim import lars

    return lars.LarsConfig(weight_decay=0.0, rate_factors={})

  def head(self, num_classes: int) -> "heads.LinearHead":
    """Returns the new layers."""
    from tfvssl.evaluate.classifiers import heads

    return heads.LinearHead(num_classes)

  def training(self, num_clips: int) -> "classifier.Recipe":
    """Returns how the head is trained on so many clips."""
    from tfvssl.evaluate.classifiers import trained as classifier

    recipe = self.recipe
    return classifier.epochs_recipe(
      self.NAME,
      self.optimizer(),
      learning_rate=recipe.learning_rate,
      batch_size=recipe.batch_size,
      epochs=recipe.epochs,
      warmup_epochs=recipe.warmup_epochs,
      num_clips=num_clips,
    )


def test_spec(spec: views.ViewSpec, short_side: int) -> views.ViewSpec:
  """Returns the test view: the largest square of a frame of `short_side`.

  Flow keeps the size that its fields were computed at; sound has no crop.
  """
  if spec.piece == "flow":
    flow = cast(views.FlowViewSpec, spec)
    return dataclasses.replace(flow, image_size=flow.resize_short_side)
  if "image_size" in spec.extents:
    rgb = cast(views.RgbViewSpec, spec)
    return dataclasses.replace(rgb, image_size=short_side)
  return spec
