"""The vocabulary: what a clip and a view of it hold, in which shape and unit.

Letters in shapes: B batch, T frames, H height, W width, N waveform samples,
S spectrogram frames, M mel bins, K captions, L words.
"""

import dataclasses
import enum
from typing import TYPE_CHECKING, NamedTuple

from tfvssl.config import pictures
from tfvssl.config import rules
from tfvssl.config import sound
from tfvssl.config import view

if TYPE_CHECKING:
  import tensorflow as tf

FRAME_RATE_HZ = view.FRAME_RATE_HZ
Modality = view.Modality
Sync = view.Sync
ViewSpec = view.ViewSpec

# In front of a label: the image shows the class, but hardly, so that it counts
# neither for nor against it. Source: PASCAL VOC's lists.
DIFFICULT = "difficult:"


class Clip(NamedTuple):
  """One encoded record before decoding; a field that was not asked for is None.

  Attributes:
    clip_id: string scalar, unique in its record folder.
    sample_index: int64 scalar, position of the record in its folder.
    epoch: int64 scalar, how often the folder has been passed before.
    label: int64 scalar, -1 where the clip has none.
    num_frames: int32 scalar, its length; of sound alone in frames that it
      would have.
    frame_rate_hz: float32 scalar, which `num_frames` counts in.
    sample_rate_hz: float32 scalar, of the waveform; 0 without one.
    frames: string [T], JPEG.
    flow: string [T], lossless 8-bit images of (u, v); see
      data.records.schema.
    waveform: int16 [N], mono.
    spectrogram: float32 [S, M], log-mel of the whole clip.
    captions: string [C], what is said or shown, by its start; C may be 0.
    caption_times_s: float32 [C, 2], start and end of each, from the clip's
      start.
  """

  clip_id: "tf.Tensor"
  sample_index: "tf.Tensor"
  epoch: "tf.Tensor"
  label: "tf.Tensor"
  num_frames: "tf.Tensor | None" = None
  frame_rate_hz: "tf.Tensor | float" = FRAME_RATE_HZ
  sample_rate_hz: "tf.Tensor | float" = 0.0
  frames: "tf.Tensor | None" = None
  flow: "tf.Tensor | None" = None
  waveform: "tf.Tensor | None" = None
  spectrogram: "tf.Tensor | None" = None
  captions: "tf.Tensor | None" = None
  caption_times_s: "tf.Tensor | None" = None


class View(NamedTuple):
  """Synchronised pieces of one clip; absent pieces are None.

  A NamedTuple because it is the one kind of structure that passes
  Dataset.map, batch, the distributed iterator, Keras and orbit's while_loop
  with None fields in TensorFlow 2.15.

  Attributes:
    video: [B, T, H, W, 3]; uint8 from the pipeline, float32 in [0, 1] on the
      device.
    flow: [B, T, H, W, 2] (u right, v down); uint8 from the pipeline, float32
      in pixels per frame of the stored images on the device.
    audio: float32 [B, S, M] log-mel.
    waveform: float32 [B, N] in [-1, 1].
    text: int32 [B, K, L], word ids of K captions.
    mask: float32 [B], 1 where the view is present, 0 where its clip lacks the
      modality and zeros stand for it.
    targets: int32 [B, N], labels that a method makes itself, of which
      Method.num_targets says the number; None without any.
    labels: int64 [B], the clip's label, -1 where it has none.
    sample_index: int64 [B], see Clip.
    epoch: int64 [B], see Clip.
    start_s: float32 [B], where the view starts in its clip, in seconds.
  """

  video: "tf.Tensor | None" = None
  flow: "tf.Tensor | None" = None
  audio: "tf.Tensor | None" = None
  waveform: "tf.Tensor | None" = None
  text: "tf.Tensor | None" = None
  mask: "tf.Tensor | None" = None
  targets: "tf.Tensor | None" = None
  labels: "tf.Tensor | None" = None
  sample_index: "tf.Tensor | None" = None
  epoch: "tf.Tensor | None" = None
  start_s: "tf.Tensor | None" = None


@dataclasses.dataclass
class RgbViewSpec(view.PictureViewSpec):
  """Frames of the clip, one crop for all.

  Attributes:
    num_frames: frames the network sees.
    frame_step: distance between them in record frames; 2.5 of 25 a second
      takes 10 a second, each the last one before its time.
    image_size: height and width in pixels.
    record_rate_hz: of the record frames; records of another are refused.
      Source: released config.
  """

  num_frames: int = 16
  frame_step: float = 2
  image_size: int = 224
  crop: pictures.Window = dataclasses.field(default_factory=pictures.Crop)
  augmentation: pictures.RgbAugmentation = dataclasses.field(
    default_factory=pictures.RgbAugmentation
  )
  record_rate_hz: float = FRAME_RATE_HZ

  piece = "video"
  modalities = frozenset({Modality.RGB})
  extents = frozenset({"num_frames", "image_size"})
  title = "RGB"
  channels = 3

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    self.crop.validate(f"{name}.crop")
    self.augmentation.validate(f"{name}.augmentation")

  def without_blur(self) -> "RgbViewSpec":
    """Returns the view without blur and random convolution."""
    augmentation = dataclasses.replace(
      self.augmentation, blur_probability=0.0, random_convolution=False
    )
    return dataclasses.replace(self, augmentation=augmentation)

  def without_draws(self) -> "RgbViewSpec":
    """Returns the view with pictures as they are, in the window."""
    augmentation = pictures.RgbAugmentation(
      flip_probability=0.0,
      colour_probability=0.0,
      greyscale_probability=0.0,
      blur_probability=0.0,
    )
    return dataclasses.replace(self, augmentation=augmentation)


@dataclasses.dataclass
class FlowViewSpec(view.PictureViewSpec):
  """Optical flow; a uniform crop of the short-side-128 images, and a flip.

  Attributes:
    num_frames: flow fields the network sees.
    frame_step: distance between them in record frames.
    image_size: height and width in pixels.
    resize_short_side: the stored images are resized to this before the crop,
      uniform in place and never scaled ("no scale jitter").
    flip_probability: of the horizontal flip, which negates u.
    bound_px: displacement that the stored 8-bit images end at, in pixels per
      frame; records of another bound are refused.
    scale_px: pixels per frame that become 1 at the network's input.
    record_rate_hz: of the record frames; records of another are refused.
  Source: paper appendix A.1; scale_px is ours, the paper gives none.
  """

  num_frames: int = 64
  frame_step: int = 4
  image_size: int = 112
  resize_short_side: int = 128
  flip_probability: float = 0.5
  bound_px: float = 20.0
  scale_px: float = 20.0
  record_rate_hz: float = FRAME_RATE_HZ

  piece = "flow"
  modalities = frozenset({Modality.FLOW})
  extents = frozenset({"num_frames"})
  title = "flow"
  channels = 2

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    rules.require_positive(name, self, "bound_px", "scale_px")
    rules.require(
      self.resize_short_side >= self.image_size,
      f"{name}.resize_short_side",
      self.resize_short_side,
      f"be at least `image_size` ({self.image_size})",
    )

  def without_draws(self) -> "FlowViewSpec":
    """Returns the view that is never flipped."""
    return dataclasses.replace(self, flip_probability=0.0)


@dataclasses.dataclass
class AudioViewSpec(view.SoundViewSpec):
  """Spectrogram of a stretch of sound.

  Attributes:
    seconds: length; 5.0 in the paper's headline models, 10.24 in the released
      defaults.
    spectrogram: how it is computed.
  """

  sync: Sync = Sync.START
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

  sync: Sync = Sync.START
  optional: bool = dataclasses.field(default=True, kw_only=True)
  seconds: float = 3.2
  spectrogram: sound.Spectrogram = dataclasses.field(
    default_factory=lambda: sound.SpectrogramSpec(
      frame_length=2048, frame_step=1024
    )
  )
  noise: float = 0.01
  temporal_jitter_s: float = 0.0
  spec_augment: sound.SpecAugment = dataclasses.field(
    default_factory=sound.SpecAugment
  )

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
  def heard(self) -> AudioViewSpec:
    """The log-mel view that the network is given."""
    return AudioViewSpec(
      sync=self.sync, seconds=self.seconds, spectrogram=self.spectrogram
    )


class Vocabulary(enum.Enum):
  """Whose rules turn a caption into word ids.

  DMVR: the file has one word a line, or "id word"; <pad>, <bos>, <eos> and
    <unk> are among them; an unknown word becomes <unk>.
  MIL_NCE: the file is dict.npy, an array of words; word k has the id k + 1, 0
    is padding; an unknown word is left out.
  """

  DMVR = "dmvr"
  MIL_NCE = "mil_nce"


@dataclasses.dataclass
class TextViewSpec(ViewSpec):
  """Captions near the pictures, as word ids.

  A clip without caption gives zeros and a mask of 0.

  Attributes:
    sync: with the narrow view; the captions nearest to it are taken.
    vocabulary: file of the words.
    vocabulary_format: whose it is.
    stop_words: file of words that are left out, one a line; empty for none.
    words_sha256: of the content of both files, which a run notes when it
      begins; empty where any will do.
    max_words: of a caption; more are cut, fewer padded.
    num_captions: candidates for the positive of MIL-NCE; where a clip has
      fewer, the last is repeated.
  Source: MMV paper Sec. 4.1 (16 words); the released lineage's five
  candidates, of which the paper gives no number.
  """

  sync: Sync = Sync.START
  optional: bool = dataclasses.field(default=True, kw_only=True)
  vocabulary: str = ""
  vocabulary_format: Vocabulary = Vocabulary.DMVR
  stop_words: str = ""
  words_sha256: str = ""
  max_words: int = 16
  num_captions: int = 5

  piece = "text"
  modalities = frozenset({Modality.TEXT})
  dtype = "int32"

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_positive(name, self, "max_words", "num_captions")
    if not self.vocabulary:
      raise ValueError(
        f"`{name}.vocabulary` is empty; name the file of the words, or make"
        " one of your captions with tfvssl vocabulary."
      )

  @property
  def shape(self) -> tuple[int, ...]:
    """[K, L]."""
    return self.num_captions, self.max_words

  @property
  def words(self) -> str:
    """What it shows of a clip, for people."""
    return f"word ids of the {self.num_captions} nearest captions"

  @property
  def has_mask(self) -> bool:
    """Always: a caption may have no word of the vocabulary."""
    return True
