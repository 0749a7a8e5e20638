"""Every choice of a preparation; what the manifest holds as `config`."""

import dataclasses
import hashlib
import json

from tfvssl import views
from tfvssl.config import sound
from tfvssl.data.media import streams

from . import optical_flow
from . import still_picture

DAMAGE = ("strict", "skip_clips")


@dataclasses.dataclass
class Settings:
  """How inputs become records.

  Attributes:
    modalities: words of views.Modality but text, sorted.
    clip_seconds: longer inputs are cut into consecutive clips of this length,
      to the nearest whole frame.
    min_tail_seconds: a shorter rest after such a cut is left out; at most
      clip_seconds.
    short_side: of the frames, in pixels; smaller videos are enlarged.
    jpeg_quality: 1 to 100.
    flow: how optical flow is computed and packed.
    frame_rate_hz: of frames and flow.
    sample_rate_hz: of the waveform.
    spectrogram_dtype: float16 or float32.
    spectrogram: how it is computed.
    max_pixels: of one picture, before decoding.
    decode_budget_s: how long a decoder may make a clip wait; 0 for ten times
      the duration of the file and at least 30 s.
    damage: what becomes of an input with damage: `strict` leaves all of it
      out, `skip_clips` keeps its clips that are whole.
    images: files that are named .jpg, .jpeg or .png become clips of one frame
      (paper appendix D, image models).
  """

  modalities: tuple[str, ...] = ("audio", "rgb")
  clip_seconds: float = 10.0
  min_tail_seconds: float = 1.0
  short_side: int = 256
  jpeg_quality: int = 90
  flow: optical_flow.FlowSettings = dataclasses.field(
    default_factory=optical_flow.FlowSettings
  )
  frame_rate_hz: float = views.FRAME_RATE_HZ
  sample_rate_hz: int = 48_000
  spectrogram_dtype: str = "float16"
  spectrogram: sound.Spectrogram = dataclasses.field(
    default_factory=sound.SpectrogramSpec
  )
  max_pixels: int = streams.MAX_PIXELS
  decode_budget_s: float = 0.0
  damage: str = "strict"
  images: bool = False

  def wants(self, *modalities: views.Modality) -> bool:
    """Returns if any of `modalities` is asked for."""
    return any(modality.value in self.modalities for modality in modalities)

  @property
  def wants_pictures(self) -> bool:
    return self.wants(views.Modality.RGB, views.Modality.FLOW)

  @property
  def wants_sound(self) -> bool:
    return self.wants(views.Modality.AUDIO, views.Modality.SPECTROGRAM)

  @property
  def suffixes(self) -> frozenset[str]:
    """Names of files that may be media end so."""
    pictures = still_picture.SUFFIXES if self.images else frozenset()
    return streams.MEDIA_SUFFIXES | pictures

  @property
  def clip_frames(self) -> int:
    """Frames of a whole clip; its seconds and samples follow from them."""
    return round(self.clip_seconds * self.frame_rate_hz)

  @property
  def clip_samples(self) -> int:
    """Samples of a whole clip."""
    return round(self.clip_frames * self.sample_rate_hz / self.frame_rate_hz)

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    words = {modality.value for modality in views.Modality}
    known = sorted(words - {views.Modality.TEXT.value})
    unknown = sorted(set(self.modalities) - set(known))
    if unknown or not self.modalities:
      raise ValueError(
        f"`modalities` ({','.join(self.modalities)}) must be some of"
        f" {','.join(known)}; captions are packed wherever there are some."
      )
    for name in (
      "clip_seconds",
      "short_side",
      "frame_rate_hz",
      "sample_rate_hz",
      "max_pixels",
    ):
      if getattr(self, name) <= 0:
        raise ValueError(f"`{name}` ({getattr(self, name)}) must be above 0.")
    if self.clip_frames < 1:
      raise ValueError(
        f"`clip_seconds` ({self.clip_seconds}) holds not one frame at"
        f" {self.frame_rate_hz} Hz."
      )
    if not 0 <= self.min_tail_seconds <= self.clip_seconds:
      raise ValueError(
        f"`min_tail_seconds` ({self.min_tail_seconds}) must be 0 to"
        f" `clip_seconds` ({self.clip_seconds})."
      )
    if not 1 <= self.jpeg_quality <= 100:
      raise ValueError(
        f"`jpeg_quality` ({self.jpeg_quality}) must be 1 to 100."
      )
    if self.spectrogram_dtype not in ("float16", "float32"):
      raise ValueError(
        f"`spectrogram_dtype` ({self.spectrogram_dtype}) must be float16 or"
        " float32."
      )
    if self.damage not in DAMAGE:
      raise ValueError(
        f"`damage` ({self.damage}) must be one of {', '.join(DAMAGE)}."
      )
    if self.images and not self.wants(views.Modality.RGB):
      raise ValueError(
        "`images` needs rgb among the `modalities`"
        f" ({','.join(self.modalities)}); a picture holds nothing else."
      )
    if self.wants(views.Modality.SPECTROGRAM):
      self.spectrogram.validate("spectrogram")
    self.flow.validate()

  def to_config(self) -> dict:
    """Returns what the records' bytes depend on, for the manifest."""
    tree = dataclasses.asdict(self)
    del tree["decode_budget_s"]  # how long to wait, not what to write
    if self.damage == "strict":
      del tree["damage"]  # as in records of before there was a choice
    if not self.images:
      del tree["images"]  # nor are records of videos others than before
    if self.frame_rate_hz == views.FRAME_RATE_HZ:
      del tree["frame_rate_hz"]  # as in records of version 0.1.0
    tree["spectrogram"] = self.spectrogram.to_manifest()
    tree["modalities"] = list(self.modalities)
    tree["media_rules"] = streams.MEDIA_RULES
    tree["ffmpeg"] = streams.ffmpeg_version()
    return tree


def config_hash(config: dict) -> str:
  """Returns a short hash of the manifest's `config`, which all records hold.

  Without the rules of media: what they leave alone has the bytes of 0.1.0.
  """
  hashed = {name: config[name] for name in config.keys() - {"media_rules"}}
  text = json.dumps(hashed, sort_keys=True)
  return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
