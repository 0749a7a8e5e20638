"""What an evaluation is asked for. Imports no TensorFlow."""

import dataclasses

from tfvssl.runtime import storage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
  """The flags of tfvssl.evaluate, which nothing behind it reads again.

  Attributes:
    workdir: of the run.
    protocol: name of what is measured.
    train_records: folders that a classifier is fitted to.
    test_records: folders that it is tested on.
    changes: SECTION.FIELD=VALUE, instead of the run's values.
    modality: name of the encoder.
    image: how still images go through the network; None where none do.
    choose_c: which clips decide on the C of an SVM; see linear_svm.ChooseC.
    num_frames: of a view; None for as trained.
    image_size: side of a view in pixels; None for as trained.
    seconds: of a view of sound; None for as trained.
    random_seeds: how many randomly initialised networks to compare with.
    same_paths_differ: see clips.check_leakage.
    save_classifier: file for the classifier; empty to keep none.
    name: of the result; empty for one that only a repetition has.
  """

  workdir: storage.Path
  protocol: str
  train_records: tuple[str, ...] = ()
  test_records: tuple[str, ...] = ()
  changes: tuple[str, ...] = ()
  modality: str = "video"
  image: str | None = None
  choose_c: str = "first_test"
  num_frames: int | None = None
  image_size: int | None = None
  seconds: float | None = None
  random_seeds: int = 1
  same_paths_differ: bool = False
  save_classifier: str = ""
  name: str = ""

  def has_default(self, name: str) -> bool:
    """Returns whether a field is at its default."""
    return getattr(self, name) == getattr(type(self), name)
