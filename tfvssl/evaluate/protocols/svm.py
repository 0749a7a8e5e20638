"""The linear SVM protocol over all splits, and its result as a JSON tree.

Source: paper appendix B. One C for all splits, chosen on the first; the mean
over the splits is the figure to compare. The randomly initialised network
goes through the same protocol, with a C of its own.
"""

import dataclasses
import time
from typing import ClassVar

from tfvssl.config import protocols
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.protocols import base as protocol
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import random_network
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base


@dataclasses.dataclass
class SvmProtocol(protocol.Protocol):
  """Linear SVM on frozen features.

  Attributes:
    sweep: epochs and grid of C.
    choose_c: which clips of the first split decide on C.
  """

  sweep: protocols.Svm = dataclasses.field(default_factory=protocols.Svm)
  choose_c: linear_svm.ChooseC = linear_svm.ChooseC.FIRST_TEST
  NAME: ClassVar[str] = "svm"
  SOURCE: ClassVar[str] = "paper appendix B"

  def to_tree(self) -> dict:
    """Returns all choices for the result file."""
    return {
      **super().to_tree(),
      "train_epochs": self.sweep.train_epochs,
      "standardised": True,
      "classifier": {"class": "sklearn.svm.LinearSVC", **linear_svm.SOLVER},
      "grid_c": list(self.sweep.grid_c),
      "choose_c": self.choose_c.value,
      "folds": linear_svm.FOLDS,
      "random_network_calibration_passes": random_network.CALIBRATION_PASSES,
    }

  def evaluate(
    self, encoder: base.Encoder, splits: list[splits_of.Split]
  ) -> dict:
    """Returns C, its sweep, and the accuracies of one network on all splits.

    Raises:
      ValueError: features that are not finite, or too few files to choose C.
    """
    began = time.monotonic()
    chosen, scores = None, []
    for split in splits:
      train, test = self._samples(encoder, split)
      linear_svm.check_finite(train, f"{split.name}, training")
      linear_svm.check_finite(test, f"{split.name}, test")
      if chosen is None:
        chosen = linear_svm.choose(
          train, test, self.sweep.grid_c, self.choose_c
        )
        classifier = chosen.classifier
      else:
        classifier = linear_svm.fit(train, chosen.c)
      accuracy = linear_svm.accuracy(classifier, test)
      scores.append(
        {
          **protocol.accuracy_tree(split, accuracy),
          "converged": classifier.converged,
        }
      )
    return {
      "c": chosen.c,
      "sweep": {f"{c:g}": value for c, value in chosen.sweep.items()},
      "mean": self.mean(scores),
      "splits": scores,
      "seconds": round(time.monotonic() - began, 1),
    }

  def _samples(self, encoder, split):
    train = linear_svm.Samples(
      features.training_features(
        encoder, split.train, self.settings, self.sweep.train_epochs
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
