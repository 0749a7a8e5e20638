"""Views of sound as a spectrogram."""

import dataclasses

from tfvssl.config import sound
from tfvssl.config import view


@dataclasses.dataclass
class AudioViewSpec(view.SoundViewSpec):
  """Spectrogram of a stretch of sound.

  Attributes:
    seconds: length; 5.0 in the paper's headline models, 10.24 in the released
      defaults.
    spectrogram: how it is computed.
  """

  sync: view.Sync = view.Sync.START
  seconds: float = 5.0
  spectrogram: sound.Spectrogram = dataclasses.field(
    default_factory=sound.SpectrogramSpec
  )

  piece = "audio"

  @property
  def packed_spectrogram(self) -> sound.Spectrogram:
    """What it takes from the records, where it is packed there."""
    return self.spectrogram

  @property
  def num_frames(self) -> int:
    """Spectrogram frames in the view."""
    return self.spectrogram.num_frames(self.num_samples)

  @property
  def shape(self) -> tuple[int, ...]:
    """[S, M]."""
    return self.num_frames, self.spectrogram.num_bins

  @property
  def words(self) -> str:
    """What it shows of a clip, for people."""
    return f"{self.spectrogram.words}, {self.seconds:g} s"
