"""A clip as the writer packs it, and the record that becomes of it."""

import dataclasses
from typing import NamedTuple

import numpy as np

from tfvssl import views
from tfvssl.data.records import schema


class Caption(NamedTuple):
  """What is said or shown from `start_s` to `end_s`, in seconds."""

  text: str
  start_s: float
  end_s: float


@dataclasses.dataclass
class EncodedClip:
  """What the writer packs; fields as in the table of `schema`."""

  clip_id: str
  path: str
  start_s: float
  duration_s: float
  label_index: int = -1
  other_label_indices: tuple[int, ...] = ()  # of a clip with several labels
  label_text: str = ""
  captions: tuple[Caption, ...] = ()  # times from the clip's start
  frames: list[bytes] | None = None
  frame_rate_hz: float = 25.0
  height: int = 0
  width: int = 0
  flow: list[bytes] | None = None
  flow_rate_hz: float = 25.0
  flow_bound_px: float = 20.0
  flow_short_side_px: int = 128
  waveform: np.ndarray | None = None  # int16 [N]
  sample_rate_hz: int = 48_000
  valid_samples: int | None = None  # None: all are
  spectrogram: np.ndarray | None = None  # float16 or float32 [S, M]
  spectrogram_rate_hz: float = 300.0
  is_still: bool | None = None  # its pictures do not change; None: not known
  digest: str = ""  # of what it holds, see `content`; stands in the manifest

  def held(self) -> dict[views.Modality, list[bytes]]:
    """Returns the feature lists of the record, by their modality."""
    lists = {views.Modality.RGB: self.frames, views.Modality.FLOW: self.flow}
    if self.waveform is not None:
      lists[views.Modality.AUDIO] = [self.waveform.astype("<i2").tobytes()]
    if self.spectrogram is not None:
      lists[views.Modality.SPECTROGRAM] = [self.spectrogram.tobytes()]
    return {
      kind: values for kind, values in lists.items() if values is not None
    }

  def modalities(self) -> list[str]:
    """Returns the words of what the clip holds, sorted."""
    present = {
      views.Modality.RGB: self.frames,
      views.Modality.FLOW: self.flow,
      views.Modality.AUDIO: self.waveform,
      views.Modality.SPECTROGRAM: self.spectrogram,
      views.Modality.TEXT: self.captions or None,
    }
    return sorted(m.value for m, value in present.items() if value is not None)


def serialize(clip: EncodedClip, config_hash: str) -> bytes:
  """Returns the clip as a serialised SequenceExample, the same each time."""
  import tensorflow as tf

  context = {
    "schema_version": schema.SCHEMA_VERSION,
    "config_hash": config_hash,
    "clip/id": clip.clip_id,
    "clip/path": clip.path,
    "clip/start_s": float(clip.start_s),
    "clip/duration_s": float(clip.duration_s),
    "clip/label/index": [clip.label_index, *clip.other_label_indices],
    "clip/label/text": clip.label_text,
    "clip/caption": [caption.text for caption in clip.captions] or "",
  }
  if clip.captions:
    for column, name in enumerate(schema.CAPTION_TIMES, 1):
      context[name] = [float(caption[column]) for caption in clip.captions]
  if clip.frames is not None:
    context["image/frame_rate_hz"] = float(clip.frame_rate_hz)
    context["image/height"] = clip.height
    context["image/width"] = clip.width
  if clip.flow is not None:
    context["flow/frame_rate_hz"] = float(clip.flow_rate_hz)
    context["flow/bound_px"] = float(clip.flow_bound_px)
    context["flow/short_side_px"] = clip.flow_short_side_px
  if clip.waveform is not None:
    context["WAVEFORM/sample_rate_hz"] = clip.sample_rate_hz
    context["WAVEFORM/valid_samples"] = (
      len(clip.waveform) if clip.valid_samples is None else clip.valid_samples
    )
  if clip.spectrogram is not None:
    context["SPECTROGRAM/frame_rate_hz"] = float(clip.spectrogram_rate_hz)
    context["SPECTROGRAM/num_mels"] = clip.spectrogram.shape[1]
    context["SPECTROGRAM/dtype"] = clip.spectrogram.dtype.name
  example = tf.train.SequenceExample()
  for name, value in context.items():
    _set_feature(example.context.feature[name], value)
  for modality, values in clip.held().items():
    steps = example.feature_lists.feature_list[
      schema.FEATURE_LISTS[modality]
    ].feature
    for value in values:
      steps.add().bytes_list.value.append(value)
  return example.SerializeToString(deterministic=True)


def _set_feature(feature, value):
  values = value if isinstance(value, list) else [value]
  if isinstance(values[0], str):
    feature.bytes_list.value.extend(text.encode("utf-8") for text in values)
  elif isinstance(values[0], float):
    feature.float_list.value.extend(values)
  else:
    feature.int64_list.value.extend(map(int, values))
