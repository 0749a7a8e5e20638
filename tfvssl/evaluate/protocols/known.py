"""The protocols that --protocol names; PROTOCOLS says where each one is.

The file of a protocol is read when the protocol is asked for.
"""

from collections.abc import Callable

from tfvssl.config import experiment as config
from tfvssl.config import protocols
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.protocols import base


def _svm():
  from tfvssl.evaluate.protocols import svm

  return svm.SvmProtocol


def _linear():
  from tfvssl.evaluate.protocols import linear

  return linear.LinearProtocol


def _finetune():
  from tfvssl.evaluate.protocols import finetune

  return finetune.FineTuneProtocol


def _finetune_sgd():
  from tfvssl.evaluate.protocols import finetune_sgd

  return finetune_sgd.FineTuneSgdProtocol


def _mlp():
  from tfvssl.evaluate.protocols import mlp

  return mlp.ShallowMlpProtocol


def _pascal():
  from tfvssl.evaluate.protocols import images

  return images.PascalProtocol


def _imagenet():
  from tfvssl.evaluate.protocols import images

  return images.ImageNetProtocol


def _retrieval():
  from tfvssl.evaluate.protocols import retrieval

  return retrieval.RetrievalProtocol


PROTOCOLS: dict[str, Callable[[], type[base.Protocol]]] = {
  "svm": _svm,
  "linear": _linear,
  "finetune": _finetune,
  "finetune_sgd": _finetune_sgd,
  "mlp": _mlp,
  "pascal": _pascal,
  "imagenet": _imagenet,
  "retrieval": _retrieval,
}


def names() -> list[str]:
  """Returns the names of all protocols, in their order."""
  return list(PROTOCOLS)


def loaded() -> list[type[base.Protocol]]:
  """Returns all protocols, in their order."""
  return [load() for load in PROTOCOLS.values()]


def images_names() -> str:
  """Returns the names of the protocols of still images, for people."""
  return " and ".join(
    protocol.NAME for protocol in loaded() if protocol.TAKES_IMAGES
  )


def named(name: str) -> type[base.Protocol] | None:
  """Returns the protocol of that name; None if there is none."""
  return PROTOCOLS[name]() if name in PROTOCOLS else None


def with_settings(
  settings: type[protocols.TestViews],
) -> type[base.Protocol]:
  """Returns the protocol whose class of settings that is."""
  (found,) = (x for x in loaded() if x.Settings is settings)
  return found


def sections(experiment: config.Experiment) -> dict[str, protocols.TestViews]:
  """Returns the settings of all protocols by their names."""
  own = config.protocol_sections()  # without their files
  return {
    name: getattr(experiment, name)
    if name in own
    else load().settings_of(experiment)
    for name, load in PROTOCOLS.items()
  }


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
  if request.save_classifier:
    from tfvssl.evaluate.protocols import kept  # few ask for it

    return kept.protocol_of(request)
  return protocol
