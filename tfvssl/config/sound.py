"""Settings of sound: its spectrogram."""

import dataclasses
from typing import ClassVar

from tfvssl.config import rules


@dataclasses.dataclass
class Spectrogram:
  """A kind of spectrogram; use a subclass. data.spectrogram has its function.

  Attributes:
    sample_rate_hz: of the waveform.
    frame_length: of the stretch of sound that a frame hears, in samples.
    frame_step: from one frame to the next, in samples.
    title: the kind, in a word.
    bins_title: what its bins are.
  """

  sample_rate_hz: int
  frame_length: int
  frame_step: int

  title: ClassVar[str]
  bins_title: ClassVar[str]

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold.

    Args:
      name: of the spectrogram in the config, for the message.
    """
    raise TypeError(
      f"`{name}` is of the base class Spectrogram; use SpectrogramSpec."
    )

  def num_frames(self, num_samples: int) -> int:
    """Returns S for so many samples."""
    raise TypeError(f"{type(self).__name__} defines no `num_frames`.")

  @property
  def num_bins(self) -> int:
    """M, values of a frame."""
    raise TypeError(f"{type(self).__name__} defines no `num_bins`.")

  @property
  def frame_rate_hz(self) -> float:
    """Frames per second."""
    return self.sample_rate_hz / self.frame_step

  @property
  def extra_samples(self) -> int:
    """How far the last frames of a view reach past its end."""
    return max(0, self.frame_length - self.frame_step)

  @property
  def words(self) -> str:
    """The kind and its resolution, for people."""
    step_ms = 1000 * self.frame_step / self.sample_rate_hz
    return f"{self.title}, every {step_ms:.2f} ms"

  def to_manifest(self) -> dict:
    """Returns what records say of a packed spectrogram: class and fields."""
    return {"class": type(self).__name__, **dataclasses.asdict(self)}


@dataclasses.dataclass
class SpectrogramSpec(Spectrogram):
  """How a log-mel spectrogram is made; source: released config.

  Attributes:
    sample_rate_hz: of the waveform.
    frame_length: STFT window and FFT length, in samples.
    frame_step: STFT hop, in samples.
    num_mels: mel bins.
    lower_hz: lower edge of the mel filters.
    upper_hz: upper edge of the mel filters.
    log_scale: the value is log(1 + log_scale * mel magnitude).
  """

  sample_rate_hz: int = 48_000
  frame_length: int = 320
  frame_step: int = 160
  num_mels: int = 80
  lower_hz: float = 80.0
  upper_hz: float = 7600.0
  log_scale: float = 10_000.0

  title = "log-mel"
  bins_title = "mel bins"

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_positive(
      name,
      self,
      "sample_rate_hz",
      "frame_length",
      "frame_step",
      "num_mels",
      "log_scale",
    )
    rules.require_range(
      f"{name}.lower_hz and upper_hz",
      (self.lower_hz, self.upper_hz),
      0.0,
      self.sample_rate_hz / 2,
    )

  def num_frames(self, num_samples: int) -> int:
    """Returns S for so many samples; the last frame is filled with zeros."""
    return -(-num_samples // self.frame_step)

  @property
  def num_bins(self) -> int:
    """M, values of a frame."""
    return self.num_mels

  def to_manifest(self) -> dict:
    """Returns the fields alone, as in records of version 0.1.0."""
    return dataclasses.asdict(self)
