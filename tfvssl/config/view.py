"""What every view of a clip says of itself: ViewSpec, of pictures, of sound.

tfvssl.views has the kinds, and the names of this file.
"""

from collections.abc import Callable
import dataclasses
import enum
from typing import Any, ClassVar

from tfvssl.config import rules
from tfvssl.config import sound

# Of records, where nothing says another; sound without pictures is counted in
# it, too. Source: released config; paper Sec. 4.1 samples it at 12.5 Hz.
FRAME_RATE_HZ = 25.0


class Modality(enum.Enum):
  """What a record can hold; the values are the words of the flags."""

  RGB = "rgb"
  AUDIO = "audio"
  FLOW = "flow"
  SPECTROGRAM = "spectrogram"
  TEXT = "text"  # captions: packed wherever there are some


class Sync(enum.Enum):
  """Where a broad view starts.

  INDEPENDENT: uniform in the clip, whatever the narrow view does (paper
    Sec. 3.2, video).
  START: with the narrow view (paper Sec. 3.2, audio; released code, both).
  CENTRE: so that both have the same centre (paper appendix C, Table 8); near
    the ends of the clip it loops.
  """

  INDEPENDENT = "independent"
  START = "start"
  CENTRE = "centre"


@dataclasses.dataclass
class ViewSpec:
  """What one view of a clip is; use one of the kinds of tfvssl.views.

  A new kind is a subclass that answers for itself, its cut in data.clip_views
  and its augmentation in augment.view.

  Attributes:
    sync: where the view starts; not used for the narrow view.
    optional: whether a clip may lack it: it is zeros then, and its mask 0.
    piece: the field of View that it fills.
    modalities: that a record must hold.
    dtype: of the piece as it leaves the pipeline.
    extents: the fields that an evaluation may change.
  """

  sync: Sync = Sync.INDEPENDENT
  optional: bool = dataclasses.field(default=False, kw_only=True)

  piece: ClassVar[str] = ""
  modalities: ClassVar[frozenset[Modality]] = frozenset()
  dtype: ClassVar[str] = ""
  extents: ClassVar[frozenset[str]] = frozenset()

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold.

    Args:
      name: of the view in the config, for the message.
    """
    raise TypeError(
      f"`{name}` is of the base class ViewSpec; use one of the kinds of"
      " tfvssl.views."
    )

  @property
  def shape(self) -> tuple[int, ...]:
    """Shape of the piece of one clip."""
    raise TypeError(f"{type(self).__name__} defines no `shape`.")

  @property
  def words(self) -> str:
    """What it shows of a clip, for people."""
    raise TypeError(f"{type(self).__name__} defines no `words`.")

  def extent(self, frames_of: Callable[[float], Any]) -> tuple[Any, float]:
    """Returns how many frames of a clip it spans, and the step between them.

    Args:
      frames_of: gives the frames that last so many seconds.

    Raises:
      TypeError: views of this kind have no length.
    """
    raise TypeError(unknown_kind(self))

  @property
  def record_rate_hz(self) -> float:
    """Frames per second of the records, in which starts are counted."""
    return FRAME_RATE_HZ

  @property
  def packed_spectrogram(self) -> sound.Spectrogram | None:
    """What it takes from the records instead, where it is packed there."""
    return None

  def rate_of(self, modality: Modality) -> float | None:
    """Returns the rate that it asks of the records; None where any will do."""
    del modality
    return None

  @property
  def has_mask(self) -> bool:
    """Whether a mask tells which clips have the view."""
    return self.optional

  @property
  def heard(self) -> "ViewSpec":
    """What the network is given: another view where the device makes one."""
    return self

  def without_blur(self) -> "ViewSpec":
    """Returns the view that classifiers are trained on.

    Source: paper appendix B, "the same augmentations as during the
    pre-training stage except for gaussian blurring".
    """
    return self

  def without_draws(self) -> "ViewSpec":
    """Returns the view with nothing left to chance on the device."""
    return self


class PictureViewSpec(ViewSpec):
  """What views of frames have in common.

  Attributes:
    title: the kind, in a word.
    channels: values of a pixel.
  """

  num_frames: int
  frame_step: float
  image_size: int
  record_rate_hz: float

  dtype = "uint8"
  title: ClassVar[str]
  channels: ClassVar[int]

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_positive(
      name, self, "num_frames", "frame_step", "image_size", "record_rate_hz"
    )

  @property
  def shape(self) -> tuple[int, ...]:
    """[T, H, W, C]."""
    return self.num_frames, self.image_size, self.image_size, self.channels

  def extent(self, frames_of: Callable[[float], Any]) -> tuple[Any, float]:
    """Returns its frames, whatever they last, and their step."""
    return self.num_frames, self.frame_step

  def rate_of(self, modality: Modality) -> float | None:
    """Returns the rate that it asks of the records."""
    del modality
    return self.record_rate_hz

  @property
  def frame_rate_hz(self) -> float:
    """Frames per second that the network sees."""
    return self.record_rate_hz / self.frame_step

  @property
  def seconds(self) -> float:
    """How long the view lasts."""
    return self.num_frames * self.frame_step / self.record_rate_hz

  @property
  def words(self) -> str:
    """What it shows of a clip, for people."""
    rate = f"{self.frame_rate_hz:g} frames per second"
    return f"{self.title}, {rate}, {self.seconds:.2f} s"


class SoundViewSpec(ViewSpec):
  """What views of a stretch of sound have in common."""

  seconds: float
  spectrogram: sound.Spectrogram

  modalities = frozenset({Modality.AUDIO})
  dtype = "float32"
  extents = frozenset({"seconds"})

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_positive(name, self, "seconds")
    self.spectrogram.validate(f"{name}.spectrogram")

  def extent(self, frames_of: Callable[[float], Any]) -> tuple[Any, float]:
    """Returns the frames that last as long as the sound; the step is 1."""
    return frames_of(self.seconds), 1

  def rate_of(self, modality: Modality) -> float | None:
    """Returns the rate that it asks of the records' waveform."""
    return self.sample_rate_hz if modality == Modality.AUDIO else None

  @property
  def sample_rate_hz(self) -> int:
    """Of the waveform; records of another rate are refused."""
    return self.spectrogram.sample_rate_hz

  @property
  def num_samples(self) -> int:
    """Samples in the view."""
    return round(self.seconds * self.sample_rate_hz)


def unknown_kind(spec: ViewSpec) -> str:
  """Returns why a view of this kind cannot be cut."""
  return (
    "a view must be RgbViewSpec, FlowViewSpec or AudioViewSpec, in training"
    f" also WaveformViewSpec or TextViewSpec, not {type(spec).__name__}."
  )
