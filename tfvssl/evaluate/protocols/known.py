"""The protocols that --protocol names. A new one is a line of PROTOCOLS."""

from tfvssl.config import experiment as config
from tfvssl.config import protocols
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import finetune
from tfvssl.evaluate.protocols import finetune_sgd
from tfvssl.evaluate.protocols import images
from tfvssl.evaluate.protocols import linear
from tfvssl.evaluate.protocols import mlp
from tfvssl.evaluate.protocols import retrieval
from tfvssl.evaluate.protocols import svm

PROTOCOLS: tuple[type[base.Protocol], ...] = (
  svm.SvmProtocol,
  linear.LinearProtocol,
  finetune.FineTuneProtocol,
  finetune_sgd.FineTuneSgdProtocol,
  mlp.ShallowMlpProtocol,
  images.PascalProtocol,
  images.ImageNetProtocol,
  retrieval.RetrievalProtocol,
)


def names() -> list[str]:
  """Returns the names of all protocols, in their order."""
  return [protocol.NAME for protocol in PROTOCOLS]


def images_names() -> str:
  """Returns the names of the protocols of still images, for people."""
  return " and ".join(
    protocol.NAME for protocol in PROTOCOLS if protocol.TAKES_IMAGES
  )


def named(name: str) -> type[base.Protocol] | None:
  """Returns the protocol of that name; None if there is none."""
  found = [protocol for protocol in PROTOCOLS if protocol.NAME == name]
  return found[0] if found else None


def with_settings(
  settings: type[protocols.TestViews],
) -> type[base.Protocol]:
  """Returns the protocol whose class of settings that is."""
  (found,) = (x for x in PROTOCOLS if x.Settings is settings)
  return found


def sections(experiment: config.Experiment) -> dict[str, protocols.TestViews]:
  """Returns the settings of all protocols by their names."""
  return {x.NAME: x.settings_of(experiment) for x in PROTOCOLS}


def check(request: requests.Request) -> type[base.Protocol]:
  """Returns the protocol that is asked for.

  Raises:
    ValueError: a flag of the request has no meaning for it, or is missing.
  """
  protocol = named(request.protocol)
  if protocol is None:
    raise ValueError(
      f"--protocol={request.protocol} must be one of {', '.join(names())}."
    )
  protocol.check_records(request)
  if not (protocol.CHOOSES_C or request.has_default("choose_c")):
    raise ValueError(
      f"--choose_c has no meaning for --protocol={protocol.NAME}; to fine-tune"
      " without any test label use --set=finetune.validation_share=0.25."
    )
  if protocol.TAKES_IMAGES and request.image is None:
    raise ValueError(
      f"--protocol={protocol.NAME} needs --image, one of naive, trained and"
      " repeated; trained is what the paper proposes."
    )
  if not (protocol.TAKES_IMAGES or request.image is None):
    raise ValueError(
      f"--image has no meaning for --protocol={protocol.NAME}; it is for"
      f" {images_names()}."
    )
  protocol.refuse(request)
  return protocol
