"""The vocabulary: what a clip and a view of it hold, in which shape and unit.

Letters in shapes: B batch, T frames, H height, W width, N waveform samples,
S spectrogram frames, M mel bins, K captions, L words.
"""

import dataclasses
import enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
  import tensorflow as tf

# Of the records; every `frame_step` counts in it, records of another rate are
# refused. Source: released config; paper Sec. 4.1 samples it at 12.5 Hz.
FRAME_RATE_HZ = 25.0
# In front of a label: the image shows the class, but hardly, so that it counts
# neither for nor against it. Source: PASCAL VOC's lists.
DIFFICULT = "difficult:"


class Modality(enum.Enum):
  """What a record can hold; the values are the words of the flags."""

  RGB = "rgb"
  AUDIO = "audio"
  FLOW = "flow"
  SPECTROGRAM = "spectrogram"
  TEXT = "text"  # captions: packed wherever there are some


class Clip(NamedTuple):
  """One encoded record before decoding; a field that was not asked for is None.

  Attributes:
    clip_id: string scalar, unique in its record folder.
    sample_index: int64 scalar, position of the record in its folder.
    epoch: int64 scalar, how often the folder has been passed before.
    label: int64 scalar, -1 where the clip has none.
    frames: string [T], JPEG.
    flow: string [T], lossless 8-bit images of (u, v); see data.schema.
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
    targets: int32, labels that a method makes for itself.
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


def _require(holds: bool, name: str, value: object, rule: str) -> None:
  if not holds:
    raise ValueError(f"`{name}` ({value}) must {rule}.")


def _require_positive(name: str, spec: object, *fields: str) -> None:
  for field in fields:
    value = getattr(spec, field)
    _require(value > 0, f"{name}.{field}", value, "be above 0")


def _require_range(
  name: str, pair: tuple[float, float], low: float, high: float
) -> None:
  holds = len(pair) == 2 and low <= pair[0] <= pair[1] <= high
  rule = f"be a lower and an upper value between {low:g} and {high:g}"
  _require(holds, name, pair, rule)


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


class Order(enum.Enum):
  """In which order the photometric augmentations run.

  PAPER: flip, colour, greyscale, blur, random convolution (paper Sec. 4.1).
  RELEASED: blur, flip, colour, greyscale, random convolution.
  """

  PAPER = "paper"
  RELEASED = "released"


@dataclasses.dataclass
class Window:
  """A random window of the image, one for all frames; use a subclass."""

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold.

    Args:
      name: of the window in the config, for the message.
    """
    raise TypeError(
      f"`{name}` is of the base class Window; use Crop or JitterCrop."
    )


@dataclasses.dataclass
class Crop(Window):
  """A window of random area and aspect, at a random place.

  Attributes:
    area: smallest and largest share of the image's area.
    aspect: smallest and largest width / height.
  Source: released datasets/video_sampling; paper appendix A.1.
  """

  area: tuple[float, float] = (0.3, 1.0)
  aspect: tuple[float, float] = (0.5, 2.0)

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_range(f"{name}.area", self.area, 0.01, 1.0)
    _require_range(f"{name}.aspect", self.aspect, 0.01, 100.0)


@dataclasses.dataclass
class JitterCrop(Window):
  """A random square of a frame whose width and height were scaled apart.

  Scaling, resizing the short side and cropping are one window of the frame as
  it is stored; see decode.jitter_window.

  Attributes:
    scale: smallest and largest factor, drawn for width and height apart.
    share: side of the square / short side of the scaled frame.
  Source: paper appendix B (fine-tuning): short side 256, crop 224.
  """

  scale: tuple[float, float] = (0.8, 1.2)
  share: float = 224 / 256

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_range(f"{name}.scale", self.scale, 0.01, 100.0)
    _require(0 < self.share <= 1, f"{name}.share", self.share, "be in (0, 1]")


@dataclasses.dataclass
class RgbAugmentation:
  """Strengths of the on-device augmentation of RGB; one draw per clip.

  Source: paper Sec. 4.1 and appendix A.1; values as in the released code.
  """

  flip_probability: float = 0.5
  colour_probability: float = 0.8
  brightness_delta: float = 32 / 255
  saturation: tuple[float, float] = (0.6, 1.4)
  contrast: tuple[float, float] = (0.6, 1.4)
  hue_delta: float = 0.2  # of the whole circle
  greyscale_probability: float = 0.2
  blur_probability: float = 1.0
  blur_sigma: tuple[float, float] = (0.1, 2.0)  # pixels
  random_convolution: bool = False  # on for broad RGB views, paper Sec. 3.2
  random_convolution_max_size: int = 11  # sizes 1, 3, ..., 11
  order: Order = Order.PAPER

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    for kind in ("flip", "colour", "greyscale", "blur"):
      value = getattr(self, f"{kind}_probability")
      _require(
        0 <= value <= 1,
        f"{name}.{kind}_probability",
        value,
        "be between 0 and 1",
      )
    for field in ("brightness_delta", "hue_delta"):
      value = getattr(self, field)
      _require(value >= 0, f"{name}.{field}", value, "be at least 0")
    _require_range(f"{name}.saturation", self.saturation, 0.0, 100.0)
    _require_range(f"{name}.contrast", self.contrast, 0.0, 100.0)
    _require_range(f"{name}.blur_sigma", self.blur_sigma, 0.01, 100.0)
    size = self.random_convolution_max_size
    _require(
      size > 0 and size % 2 == 1,
      f"{name}.random_convolution_max_size",
      size,
      "be odd and above 0",
    )


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
    _require_positive(
      name,
      self,
      "sample_rate_hz",
      "frame_length",
      "frame_step",
      "num_mels",
      "log_scale",
    )
    _require_range(
      f"{name}.lower_hz and upper_hz",
      (self.lower_hz, self.upper_hz),
      0.0,
      self.sample_rate_hz / 2,
    )


@dataclasses.dataclass
class ViewSpec:
  """What one view of a clip is; use one of the subclasses.

  Attributes:
    sync: where the view starts; not used for the narrow view.
  """

  sync: Sync = Sync.INDEPENDENT

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold.

    Args:
      name: of the view in the config, for the message.
    """
    raise TypeError(
      f"`{name}` is of the base class ViewSpec; use RgbViewSpec,"
      " FlowViewSpec or AudioViewSpec."
    )


@dataclasses.dataclass
class RgbViewSpec(ViewSpec):
  """Frames of the clip, one crop for all.

  Attributes:
    num_frames: frames the network sees.
    frame_step: distance between them in record frames (25 per second); 2.5
      takes 10 a second, each the last one before its time.
    image_size: height and width in pixels.
  """

  num_frames: int = 16
  frame_step: float = 2
  image_size: int = 224
  crop: Window = dataclasses.field(default_factory=Crop)
  augmentation: RgbAugmentation = dataclasses.field(
    default_factory=RgbAugmentation
  )

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_positive(name, self, "num_frames", "frame_step", "image_size")
    self.crop.validate(f"{name}.crop")
    self.augmentation.validate(f"{name}.augmentation")


@dataclasses.dataclass
class FlowViewSpec(ViewSpec):
  """Optical flow; a uniform crop of the short-side-128 images, and a flip.

  Attributes:
    num_frames: flow fields the network sees.
    frame_step: distance between them in record frames (25 per second).
    image_size: height and width in pixels.
    resize_short_side: the stored images are resized to this before the crop,
      uniform in place and never scaled ("no scale jitter").
    flip_probability: of the horizontal flip, which negates u.
    bound_px: displacement that the stored 8-bit images end at, in pixels per
      frame; records of another bound are refused.
    scale_px: pixels per frame that become 1 at the network's input.
  Source: paper appendix A.1; scale_px is ours, the paper gives none.
  """

  num_frames: int = 64
  frame_step: int = 4
  image_size: int = 112
  resize_short_side: int = 128
  flip_probability: float = 0.5
  bound_px: float = 20.0
  scale_px: float = 20.0

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_positive(
      name,
      self,
      "num_frames",
      "frame_step",
      "image_size",
      "bound_px",
      "scale_px",
    )
    _require(
      self.resize_short_side >= self.image_size,
      f"{name}.resize_short_side",
      self.resize_short_side,
      f"be at least `image_size` ({self.image_size})",
    )


@dataclasses.dataclass
class AudioViewSpec(ViewSpec):
  """Log-mel spectrogram of a stretch of sound.

  Attributes:
    seconds: length; 5.0 in the paper's headline models, 10.24 in the released
      defaults.
    spectrogram: how it is computed.
  """

  sync: Sync = Sync.START
  seconds: float = 5.0
  spectrogram: SpectrogramSpec = dataclasses.field(
    default_factory=SpectrogramSpec
  )

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_positive(name, self, "seconds")
    self.spectrogram.validate(f"{name}.spectrogram")

  @property
  def num_frames(self) -> int:
    """Spectrogram frames in the view."""
    samples = round(self.seconds * self.spectrogram.sample_rate_hz)
    return -(-samples // self.spectrogram.frame_step)


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
      _require(value >= 0, f"{name}.{field.name}", value, "be at least 0")


@dataclasses.dataclass
class WaveformViewSpec(ViewSpec):
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
  not published, specs/mmv.md section 3 says where these come from.
  """

  sync: Sync = Sync.START
  seconds: float = 3.2
  spectrogram: SpectrogramSpec = dataclasses.field(
    default_factory=lambda: SpectrogramSpec(frame_length=2048, frame_step=1024)
  )
  noise: float = 0.01
  temporal_jitter_s: float = 0.0
  spec_augment: SpecAugment = dataclasses.field(default_factory=SpecAugment)

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_positive(name, self, "seconds")
    self.spectrogram.validate(f"{name}.spectrogram")
    for field in ("noise", "temporal_jitter_s"):
      value = getattr(self, field)
      _require(value >= 0, f"{name}.{field}", value, "be at least 0")
    self.spec_augment.validate(f"{name}.spec_augment")

  @property
  def num_samples(self) -> int:
    """Samples in the view."""
    return round(self.seconds * self.spectrogram.sample_rate_hz)

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
  vocabulary: str = ""
  vocabulary_format: Vocabulary = Vocabulary.DMVR
  stop_words: str = ""
  words_sha256: str = ""
  max_words: int = 16
  num_captions: int = 5

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    _require_positive(name, self, "max_words", "num_captions")
    if not self.vocabulary:
      raise ValueError(
        f"`{name}.vocabulary` is empty; name the file of the words, or make"
        " one of your captions with data_prep.make_vocabulary."
      )


def is_optional(spec: ViewSpec) -> bool:
  """Returns whether a clip may lack the view: it is zeros then, mask 0."""
  return isinstance(spec, (WaveformViewSpec, TextViewSpec))
