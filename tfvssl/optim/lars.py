"""Config of LARS as the paper describes it, and as the released code has it.

An evaluation reads the config of its run without the library that
lars_optimizer is built on.
"""

from collections.abc import Sequence
import dataclasses
import enum
from typing import TYPE_CHECKING

from tfvssl.config import experiment as config
from tfvssl.config import rules

if TYPE_CHECKING:
  import tensorflow as tf

  from tfvssl.optim import lars_optimizer
  from tfvssl.optim import parts


class Variant(enum.Enum):
  """Which variables are adapted, and where the factor of a part stands.

  PAPER: decay and trust ratio on weights only; the factor is on the update.
  GRADIENT_FACTOR: as PAPER, but the factor is on the gradient, where the
    trust ratio cancels it.
  RELEASED: decay and trust ratio on biases and batch norm only, the factor on
    the gradient. Source: released optimizers.py.
  """

  PAPER = "paper"
  GRADIENT_FACTOR = "gradient_factor"
  RELEASED = "released"


@dataclasses.dataclass
class LarsConfig(config.OptimizerConfig):
  """The paper's recipe. Source: paper Sec. 4.1; released trainer.py.

  Attributes:
    momentum: the learning rate is inside it.
    nesterov: as released; the paper does not say.
    weight_decay: added to the gradient before the trust ratio.
    trust: the trust ratio is trust * ||p|| / ||g||.
    rate_factors: of the learning rate, by part of the network.
    variant: see `Variant`.
  """

  momentum: float = 0.9
  nesterov: bool = True
  weight_decay: float = 0.01
  trust: float = 0.001
  rate_factors: dict[str, float] = dataclasses.field(
    default_factory=lambda: {"predictor": config.PREDICTOR_FACTOR}
  )
  variant: Variant = Variant.PAPER

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if not 0 <= self.momentum < 1 or self.weight_decay < 0:
      raise ValueError(
        f"`optimizer.momentum` ({self.momentum}) must be in [0, 1) and"
        f" `optimizer.weight_decay` ({self.weight_decay}) at least 0."
      )
    if self.trust <= 0:
      raise ValueError(f"`optimizer.trust` ({self.trust}) must be above 0.")
    rules.require_positive_values("optimizer.rate_factors", self.rate_factors)

  def build(
    self, learning_rate: "parts.Rate", variables: "Sequence[tf.Variable]"
  ) -> "lars_optimizer.Lars":
    """Returns the optimiser with its slots; see the base class.

    Raises:
      ValueError: a variable is neither a weight nor a bias or scale.
    """
    from tfvssl.optim import lars_optimizer
    from tfvssl.optim import parts

    optimizer = lars_optimizer.Lars(
      learning_rate,
      momentum=self.momentum,
      nesterov=self.nesterov,
      weight_decay_rate=self.weight_decay,
      eeta=self.trust,
      rate_factors=self.rate_factors,
      factor_on_gradient=self.variant != Variant.PAPER,
      adapts_biases=self.variant == Variant.RELEASED,
    )
    return parts.with_slots(optimizer, variables)
