"""svm and linear with their classifier kept as a file: --save_classifier.

What is kept is the classifier of the first split on the trained network, which
is evaluated before those of random weights.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from tfvssl import views
from tfvssl.evaluate import request as requests
from tfvssl.evaluate.classifiers import keeping
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import classification
from tfvssl.evaluate.protocols import linear
from tfvssl.evaluate.protocols import svm
from tfvssl.runtime import storage

if TYPE_CHECKING:
  from tfvssl.evaluate.classifiers import heads
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods


@dataclasses.dataclass
class _Kept(classification.ClassificationProtocol):
  """What both have in common; the protocol itself stands behind it.

  Attributes:
    path: of the file; None once it is written.
    first: classifier of the first split.
  """

  path: str | None = None
  first: Any = None

  @classmethod
  def build(
    cls, subject: base.Subject, view: views.ViewSpec
  ) -> classification.ClassificationProtocol:
    """See classification.ClassificationProtocol; checks what can be kept."""
    protocol = super().build(subject, view)
    check_views(view, protocol.settings.test_spec, cls.NAME)
    storage.check_place(subject.request.save_classifier)
    return protocol

  @classmethod
  def choices(cls, subject: base.Subject) -> dict:
    """Returns the fields that it adds."""
    path = subject.request.save_classifier
    return {**super().choices(subject), "path": path}

  def evaluate(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> dict:
    """See classification.ClassificationProtocol."""
    result = super().evaluate(encoder, splits)
    if self.path:
      keeping.save(self.path, self.layer(), self, encoder, splits[0])
      self.path = None
    return result

  def layer(self) -> dict:
    """Returns the arrays of `first`; see keeping."""
    raise TypeError(f"{type(self).__name__} defines no `layer`.")


@dataclasses.dataclass
class KeptSvmProtocol(_Kept, svm.SvmProtocol):
  """The linear SVM, which is kept."""

  def _choose(self, train, test):
    chosen = super()._choose(train, test)
    self.first = self.first or chosen.classifier
    return chosen

  def layer(self) -> dict:
    """Returns the arrays of the SVM."""
    return keeping.of_svm(self.first)


@dataclasses.dataclass
class KeptLinearProtocol(_Kept, linear.LinearProtocol):
  """The linear layer, which is kept.

  A training that is taken up after a stop has scores and no layer, so this one
  is not taken up.
  """

  TRAINS: ClassVar[bool] = False

  def head(self, num_classes: int) -> "heads.LinearHead":
    """See linear.LinearProtocol."""
    head = super().head(num_classes)
    self.first = self.first or head
    return head

  def layer(self) -> dict:
    """Returns the arrays of the layer."""
    return keeping.of_head(self.first)


def protocol_of(request: requests.Request) -> type[base.Protocol]:
  """Returns the protocol that keeps its classifier.

  Raises:
    ValueError: none can be kept.
  """
  found: dict[str, type[_Kept]] = {
    "svm": KeptSvmProtocol,
    "linear": KeptLinearProtocol,
  }
  if request.protocol not in found:
    raise ValueError(
      f"--save_classifier has no meaning for --protocol={request.protocol}; use"
      " --protocol=svm or linear, whose classifier is one linear layer on the"
      " exported network."
    )
  if request.modality != "video":
    raise ValueError(
      "--save_classifier keeps classifiers of the video network, not of"
      f" --modality={request.modality}; leave one of the two out."
    )
  if not request.save_classifier.endswith(".npz"):
    raise ValueError(
      f"--save_classifier={request.save_classifier} must end in .npz; for"
      " example --save_classifier=classifier.npz."
    )
  return found[request.protocol]


def check_views(
  trained: views.ViewSpec, test: views.ViewSpec, name: str
) -> None:
  """Raises ValueError unless an export takes the test views of a protocol.

  Args:
    trained: the view that the network was trained on.
    test: the view of the test.
    name: of the protocol.
  """
  if test.shape != trained.shape:
    raise ValueError(
      f"--save_classifier: the test views {list(test.shape)} are not those that"
      f" an export takes, {list(trained.shape)}; leave out --num_frames and"
      f" --image_size and use --set={name}.test_short_side={trained.shape[1]}."
    )
