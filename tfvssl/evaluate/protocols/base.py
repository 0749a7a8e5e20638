"""What every evaluation protocol is, by its class and by its result.

No file of a protocol imports TensorFlow or a classifier before it needs one:
tfvssl.evaluate checks its flags by these classes and loads what one of them
needs alone; tfvssl.compare reads results by them.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
from typing import TYPE_CHECKING, ClassVar, cast

from absl import logging

from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate import request as requests
from tfvssl.runtime import exit_codes

if TYPE_CHECKING:
  from tfvssl.config import paper_rows
  from tfvssl.evaluate import progress as kept
  from tfvssl.methods import base as methods

# Of the short side; the paper's own settings differ by less.
_NOTED_DIFFERENCE = 0.1


@dataclasses.dataclass(frozen=True)
class Subject:
  """What is evaluated, and how.

  Attributes:
    request: what was asked for.
    experiment: of the run, with what the request changes.
    settings: of the protocol, of its class `Settings`.
    method: with its trained weights.
    weights: what tells these weights from all others.
    progress: keeps trainings until the result is written; None for none.
  """

  request: requests.Request
  experiment: config.Experiment
  settings: protocols.TestViews
  method: "methods.Method"
  weights: str = ""
  progress: "kept.Progress | None" = None


class Protocol:
  """Base of the protocols.

  Attributes:
    NAME: as in --protocol.
    TITLE: for people.
    SOURCE: where a paper has it.
    Settings: class of its settings. They stand in a run's config where that
      has a section NAME; else they are the defaults.
    TAKES_IMAGES: whether it is of still images and needs --image.
    CHOOSES_C: whether --choose_c has a meaning.
    REFUSES: fields of a request that have none.
    TRAINS: whether it trains what can be stopped and go on.
    ON_ONE_DEVICE: whether networks run on one device whatever the run was
      trained on.
    STANDS_FOR: a protocol whose paper's figures its own may be held against.
    NOT_COMPARED: settings that are not a matter of a paper.
  """

  NAME: ClassVar[str]
  TITLE: ClassVar[str]
  SOURCE: ClassVar[str]
  Settings: ClassVar[type[protocols.TestViews]]
  TAKES_IMAGES: ClassVar[bool] = False
  CHOOSES_C: ClassVar[bool] = False
  REFUSES: ClassVar[tuple[str, ...]] = ()
  TRAINS: ClassVar[bool] = False
  ON_ONE_DEVICE: ClassVar[bool] = False
  STANDS_FOR: ClassVar["type[Protocol] | None"] = None
  NOT_COMPARED: ClassVar[tuple[str, ...]] = ("test_batch_size",)

  @classmethod
  def settings_of(cls, experiment: config.Experiment) -> protocols.TestViews:
    """Returns the settings that a run has for it, or the defaults."""
    if cls.NAME in config.protocol_sections():
      return getattr(experiment, cls.NAME)
    return cls.Settings()

  @classmethod
  def check_records(cls, request: requests.Request) -> None:
    """Raises ValueError unless every training folder has a test folder."""
    train, test = request.train_records, request.test_records
    if len(train) != len(test) or not train:
      raise ValueError(
        f"--train_records was given {len(train)} times and --test_records"
        f" {len(test)} times; they must pair, once or more."
      )

  @classmethod
  def refuse(cls, request: requests.Request) -> None:
    """Raises ValueError if one of REFUSES is not at its default."""
    for name in cls.REFUSES:
      if not request.has_default(name):
        raise ValueError(
          f"--{name} has no meaning for --protocol={cls.NAME}, which takes"
          " networks as they were trained; leave it out."
        )

  @classmethod
  def check_run(
    cls, experiment: config.Experiment, settings: protocols.TestViews
  ) -> None:
    """Raises ValueError if it cannot evaluate such a run; loads no weights."""

  @classmethod
  def measure(cls, subject: Subject) -> dict:
    """Returns choices, clips and figures as a tree for the result file.

    Returns:
      A tree with `protocol`, `classes`, `splits`, `pretrained` and
      `random_initialisation`, as tfvssl.compare and `summary` read them.

    Raises:
      ValueError: the request does not suit the run.
      FileNotFoundError: a folder does not exist.
      exit_codes.UserError: records cannot be used (3), or figures are not
        finite (5).
    """
    raise TypeError(f"{cls.__name__} defines no `measure`.")

  @classmethod
  def summary(cls, result: dict) -> str:
    """Returns a few lines for a person."""
    raise TypeError(f"{cls.__name__} defines no `summary`.")

  @classmethod
  def size(cls, result: dict) -> tuple[str, int]:
    """Returns what a `classes` of a Benchmark counts, and how many there are.

    Marks of difficult images are not classes.
    """
    marks = [
      str(name).startswith(views.DIFFICULT) for name in result["classes"]
    ]
    return "classes", marks.count(False)

  @classmethod
  def chosen(cls, result: dict, row: "paper_rows.Row") -> dict:
    """Returns the values that a result has by the names of its settings."""
    del row  # some tell what a grid came down to
    protocol = result["protocol"]
    return {**protocol, **protocol.get("recipe", {})}

  @classmethod
  def paper_values(
    cls, settings: protocols.TestViews, row: "paper_rows.Row", name: str
  ) -> dict:
    """Returns the paper's values by their names in `chosen`.

    Args:
      settings: of the paper's recipe.
      row: of the paper.
      name: of the benchmark.
    """
    del row, name  # some papers tell more than one value of a setting
    return {
      key: value
      for key, value in dataclasses.asdict(settings).items()
      if key not in cls.NOT_COMPARED
    }


@contextlib.contextmanager
def data_errors() -> Iterator[None]:
  """Gives a ValueError inside the exit code of bad data."""
  try:
    yield
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def check_short_side(
  spec: views.ViewSpec, chosen: protocols.TestViews, name: str
) -> None:
  """Checks that the test frames suit the view.

  Logs where they show another share of the frame than training did: things
  then have a size that the network has not seen.

  Args:
    spec: of the view.
    chosen: settings of the protocol.
    name: of the protocol.

  Raises:
    ValueError: the frames are smaller than the view.
  """
  short_side = chosen.test_short_side
  if "image_size" not in spec.extents:
    return
  spec = cast(views.RgbViewSpec, spec)
  if spec.image_size > short_side:
    near = round(spec.image_size * 256 / 224)
    raise ValueError(
      f"`{name}.test_short_side` ({short_side}) must be at least the view's"
      f" `image_size` ({spec.image_size}); try"
      f" --set={name}.test_short_side={near}."
    )
  if not isinstance(spec.crop, pictures.JitterCrop):
    return
  share = spec.image_size / short_side
  if abs(share - spec.crop.share) > _NOTED_DIFFERENCE:
    logging.warning(
      "`%s.test_short_side` (%d) lets the network see %.0f %% of the short"
      " side, training %.0f %%; --set=%s.test_short_side=%d shows as much.",
      name,
      short_side,
      100 * share,
      100 * spec.crop.share,
      name,
      round(spec.image_size / spec.crop.share),
    )
