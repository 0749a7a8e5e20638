"""Zero-shot retrieval between all pairs of modalities of a run.

A clip that holds two modalities has to be found by the one among the other of
all such clips, by cosine in the finest space that both encoders name; nothing
is trained, and nothing needs a label. Pictures and sound of a clip are the
mean of its regular windows. Every caption is a query of its own; where
captions are searched, the best one of a clip counts.
Source: MMV paper, appendix A.2 and Table 4, which have text to video only.
"""

from typing import TYPE_CHECKING, ClassVar

from tfvssl.config import experiment as config
from tfvssl.config import protocols
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base

if TYPE_CHECKING:
  from tfvssl.methods import base as methods


class RetrievalProtocol(base.Protocol):
  """See the module."""

  NAME: ClassVar[str] = "retrieval"
  TITLE: ClassVar[str] = "zero-shot retrieval"
  SOURCE: ClassVar[str] = "MMV paper, appendix A.2 and Table 4"
  REFUSES: ClassVar[tuple[str, ...]] = (
    "modality",
    "num_frames",
    "image_size",
    "seconds",
    "same_paths_differ",
  )
  ON_ONE_DEVICE: ClassVar[bool] = True
  # Of a forward pass; changes no number.
  NOT_COMPARED: ClassVar[tuple[str, ...]] = ("batch_size",)
  Settings: ClassVar[type[protocols.TestViews]] = protocols.Retrieval

  @classmethod
  def check_records(cls, request: requests.Request) -> None:
    """Raises ValueError unless there is one test folder and no other one."""
    if request.train_records or len(request.test_records) != 1:
      raise ValueError(
        f"--protocol={cls.NAME} fits nothing: it takes no --train_records"
        f" ({len(request.train_records)} given) and one --test_records"
        f" ({len(request.test_records)} given)."
      )
    cls.refuse(request)

  @classmethod
  def check_run(
    cls, experiment: config.Experiment, settings: protocols.TestViews
  ) -> None:
    """Raises ValueError unless modalities of the run share a space."""
    method = experiment.method.build()
    cls.check_method(method)
    spec = method.encoders()["video"].spec
    base.check_short_side(spec, settings, cls.NAME)

  @classmethod
  def check_method(cls, method: "methods.Method") -> None:
    """Raises ValueError unless two encoders of `method` are compared."""
    from tfvssl.evaluate.retrieval import measuring

    if not measuring.directions(method.encoders()):
      name = type(method).__module__.rpartition(".")[2]
      raise ValueError(
        f"--protocol={cls.NAME} needs a run whose modalities share a space;"
        f" this is one of {name}. Use svm, linear, finetune or mlp."
      )

  @classmethod
  def measure(cls, subject: base.Subject) -> dict:
    """See base.Protocol."""
    from tfvssl.evaluate.retrieval import measuring

    return measuring.measure(cls, subject)

  @classmethod
  def summary(cls, result: dict) -> str:
    """Returns recalls in per cent and median ranks, for a person."""
    from tfvssl.evaluate.retrieval import measuring

    return measuring.table(result)

  @classmethod
  def size(cls, result: dict) -> tuple[str, int]:
    """Returns among how many videos text has to find one."""
    searched = sum(
      split.get("directions", {}).get("text_to_video", {}).get("gallery", 0)
      for split in result["splits"]
    )
    return "videos to search", searched
