"""Views of sound as samples."""

import dataclasses

from tfvssl.config import audio_view
from tfvssl.config import rules
from tfvssl.config import sound
from tfvssl.config import view


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


@dataclasses.dataclass
class WaveformViewSpec(view.SoundViewSpec):
  """Samples of a stretch of sound; the device makes the spectrogram.

  A clip without sound gives zeros and a mask of 0.

  Attributes:
    seconds: length; that of the pictures, 32 frames at 10 a second.
    spectrogram: what the device makes of it.
    noise: standard deviation of Gaussian noise on the samples, as a share of
      the largest; in training only.
    temporal_jitter_s: the sound starts up to so much before or after the
      pictures.
    spec_augment: stripes of the spectrogram set to zero, in training only.
  Source: MMV paper Sec. 4.1 and appendix C; its sizes of the spectrogram are
  not published; these are of the released lineage (VATT's configuration).
  """

  sync: view.Sync = view.Sync.START
  optional: bool = dataclasses.field(default=True, kw_only=True)
  seconds: float = 3.2
  spectrogram: sound.Spectrogram = dataclasses.field(
    default_factory=lambda: sound.SpectrogramSpec(
      frame_length=2048, frame_step=1024
    )
  )
  noise: float = 0.01
  temporal_jitter_s: float = 0.0
  spec_augment: SpecAugment = dataclasses.field(default_factory=SpecAugment)

  piece = "waveform"

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    for field in ("noise", "temporal_jitter_s"):
      value = getattr(self, field)
      rules.require(value >= 0, f"{name}.{field}", value, "be at least 0")
    self.spec_augment.validate(f"{name}.spec_augment")

  @property
  def shape(self) -> tuple[int, ...]:
    """[N]."""
    return (self.num_samples,)

  @property
  def words(self) -> str:
    """What it shows of a clip, for people."""
    return f"sound, {self.sample_rate_hz / 1000:g} kHz, {self.seconds:g} s"

  @property
  def has_mask(self) -> bool:
    """Always: who compares it asks which clips have it."""
    return True

  @property
  def heard(self) -> audio_view.AudioViewSpec:
    """The log-mel view that the network is given."""
    return audio_view.AudioViewSpec(
      sync=self.sync, seconds=self.seconds, spectrogram=self.spectrogram
    )
