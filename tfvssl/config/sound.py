"""Settings of sound: its spectrogram, and what is masked in it."""

import dataclasses

from tfvssl.config import rules


@dataclasses.dataclass
class SpectrogramSpec:
  """How a log-mel spectrogram is made; source: specs/brave.md section 6.

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


@dataclasses.dataclass
class SpecAugment:
  """Stripes of a spectrogram that are set to zero; each of random place.

  Attributes:
    num_time_masks: stripes over all mel bins.
    max_time_frames: their largest width, in spectrogram frames.
    num_mel_masks: stripes over all time.
    max_mels: their largest width, in mel bins.
  """

  num_time_masks: int = 0
  max_time_frames: int = 0
  num_mel_masks: int = 0
  max_mels: int = 0

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    for field in dataclasses.fields(self):
      value = getattr(self, field.name)
      rules.require(value >= 0, f"{name}.{field.name}", value, "be at least 0")
