"""The vocabulary: what a clip and a view of it hold, in which shape and unit.

Letters in shapes: B batch, T frames, H height, W width, N waveform samples,
S spectrogram frames, M mel bins, K captions, L words.
"""

import importlib
from typing import TYPE_CHECKING, NamedTuple

from tfvssl.config import view

if TYPE_CHECKING:
  import tensorflow as tf

  from tfvssl.config.audio_view import AudioViewSpec as AudioViewSpec
  from tfvssl.config.flow_view import FlowViewSpec as FlowViewSpec
  from tfvssl.config.rgb_view import RgbViewSpec as RgbViewSpec
  from tfvssl.config.text_view import TextViewSpec as TextViewSpec
  from tfvssl.config.text_view import Vocabulary as Vocabulary
  from tfvssl.config.waveform_view import WaveformViewSpec as WaveformViewSpec

FRAME_RATE_HZ = view.FRAME_RATE_HZ
Modality = view.Modality
Sync = view.Sync
ViewSpec = view.ViewSpec

# The kinds of views, each in a file of its own that is read when it is asked
# for, as few methods have them all.
_KINDS = {
  "RgbViewSpec": "rgb_view",
  "FlowViewSpec": "flow_view",
  "AudioViewSpec": "audio_view",
  "WaveformViewSpec": "waveform_view",
  "TextViewSpec": "text_view",
  "Vocabulary": "text_view",
}

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


def __dir__() -> list[str]:
  """Returns what there is, the kinds that are not read yet, too."""
  return sorted({*globals(), *_KINDS})


def __getattr__(name: str) -> type:
  """Returns a kind of view, or what belongs to one."""
  if name not in _KINDS:
    raise AttributeError(f"module 'tfvssl.views' has no attribute '{name}'")
  module = importlib.import_module(f"tfvssl.config.{_KINDS[name]}")
  return getattr(module, name)
