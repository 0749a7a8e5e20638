"""The linear SVM protocol over all splits, and its result as a JSON tree.

Source: paper appendix B. One C for all splits, chosen on the first; the mean
over the splits is the figure to compare. The randomly initialised network
goes through the same protocol, with a C of its own.
"""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from tfvssl.config import protocols
from tfvssl.evaluate.protocols import base
from tfvssl.evaluate.protocols import classification

if TYPE_CHECKING:
  from tfvssl.evaluate.samples import splits as splits_of
  from tfvssl.methods import base as methods


@dataclasses.dataclass
class SvmProtocol(classification.ClassificationProtocol):
  """Linear SVM on frozen features.

  Attributes:
    recipe: epochs and grid of C.
    choose_c: which clips of the first split decide on C, see
      linear_svm.ChooseC.
  """

  recipe: protocols.Svm = dataclasses.field(default_factory=protocols.Svm)
  choose_c: str = "first_test"
  NAME: ClassVar[str] = "svm"
  TITLE: ClassVar[str] = "linear SVM"
  SOURCE: ClassVar[str] = "paper appendix B"
  CHOOSES_C: ClassVar[bool] = True
  ON_ONE_DEVICE: ClassVar[bool] = True
  # Of a forward pass; changes no number.
  NOT_COMPARED: ClassVar[tuple[str, ...]] = ("batch_size",)
  Settings: ClassVar[type[protocols.TestViews]] = protocols.Svm

  @classmethod
  def choices(cls, subject: base.Subject) -> dict:
    """Returns how C is chosen."""
    return {"choose_c": subject.request.choose_c}

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    from tfvssl.evaluate.classifiers import linear_svm
    from tfvssl.evaluate.samples import random_network

    return {
      **super().to_tree(),
      "train_epochs": self.recipe.train_epochs,
      "standardised": True,
      "classifier": {"class": "sklearn.svm.LinearSVC", **linear_svm.SOLVER},
      "grid_c": list(self.recipe.grid_c),
      "choose_c": self.choose_c,
      "folds": linear_svm.FOLDS,
      "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
    }

  def scores(
    self, encoder: "methods.Encoder", splits: "list[splits_of.Split]"
  ) -> tuple[dict, list[dict]]:
    """Returns C with its sweep, and the accuracies of each split.

    Raises:
      ValueError: features that are not finite, or too few files to choose C.
    """
    from tfvssl.evaluate.classifiers import linear_svm

    chosen, scores = None, []
    for split in splits:
      train, test = self._samples(encoder, split)
      linear_svm.check_finite(train, f"{split.name}, training")
      linear_svm.check_finite(test, f"{split.name}, test")
      if chosen is None:
        chosen = self._choose(train, test)
        classifier = chosen.classifier
      else:
        classifier = linear_svm.fit(train, chosen.c)
      accuracy = linear_svm.accuracy(classifier, test)
      scores.append(
        {
          **classification.accuracy_tree(split, accuracy),
          "converged": classifier.converged,
        }
      )
    sweep = {f"{c:g}": value for c, value in chosen.sweep.items()}
    return {"c": chosen.c, "sweep": sweep}, scores

  def _choose(self, train, test):
    """Returns C by the first split, with the SVM of that split."""
    from tfvssl.evaluate.classifiers import linear_svm

    rule = linear_svm.ChooseC(self.choose_c)
    return linear_svm.choose(train, test, self.recipe.grid_c, rule)

  def _samples(self, encoder, split):
    from tfvssl.evaluate.classifiers import linear_svm
    from tfvssl.evaluate.samples import features

    train = linear_svm.Samples(
      features.training_features(
        encoder, split.train, self.settings, self.recipe.train_epochs
      ),
      split.train_labels[:, 0],
      [clip.clip_id for clip in split.train_clips],
      [clip.source for clip in split.train_clips],
    )
    test = linear_svm.Samples(
      features.test_features(encoder, split.test, self.settings),
      split.test_labels[:, 0],
      [clip.clip_id for clip in split.test_clips],
      [clip.source for clip in split.test_clips],
    )
    return train, test
