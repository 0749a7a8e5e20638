"""What methods call to make views of a clip: choose a start, then decode.

  start = clip_views.narrow_start(clip, narrow, seed=seed)
  result = {"narrow": clip_views.view(
      clip, narrow, start, seed=seed, name="narrow")}
  for name, spec in broad.items():
    begin = clip_views.broad_start(
        clip, spec, narrow, start, seed=seed, name=name)
    result[name] = clip_views.view(
        clip, spec, begin, seed=seed, name=name, narrow=narrow)

Everything is unbatched. Starts are int32 scalars in frames of the clip.
"""

import tensorflow as tf

from tfvssl import views
from tfvssl.data import decode
from tfvssl.data import spectrogram
from tfvssl.data import text
from tfvssl.data import windows
from tfvssl.runtime import randomness


def frame_count(
  clip: views.Clip,
  spec: views.ViewSpec,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> tf.Tensor:
  """Returns the clip's length in frames, int32; of its sound if it has none.

  Args:
    clip: with the modality of `spec`.
    spec: of the view that asks; an audio view gives the length of a clip that
      has sound only.
    frame_rate_hz: frames per second.
  """
  for images in (clip.frames, clip.flow):
    if images is not None:
      return tf.size(images)
  sound, rate_hz = _sound(clip, spec)
  seconds = tf.cast(tf.shape(sound)[0], tf.float32) / rate_hz
  return tf.maximum(1, tf.cast(seconds * frame_rate_hz, tf.int32))


def narrow_start(
  clip: views.Clip,
  spec: views.ViewSpec,
  *,
  seed: int | tf.Tensor,
  name: str = "narrow",
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> tf.Tensor:
  """Returns the start of a view inside its clip; see windows.narrow_start."""
  num_frames, frame_step = _extent(spec, frame_rate_hz)
  return windows.narrow_start(
    frame_count(clip, spec, frame_rate_hz),
    num_frames,
    frame_step,
    _key(clip, seed, name, "start"),
  )


def broad_start(
  clip: views.Clip,
  spec: views.ViewSpec,
  narrow: views.ViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> tf.Tensor:
  """Returns the start of a broad view by `spec.sync`.

  Args:
    clip: with the modality of `spec`.
    spec: of the broad view.
    narrow: of the narrow view.
    start: of the narrow view.
    seed: of the run.
    name: of the broad view, a part of its random key.
    frame_rate_hz: frames per second.
  """
  if isinstance(spec, views.TextViewSpec) or spec.sync == views.Sync.START:
    return start
  num_clip_frames = frame_count(clip, spec, frame_rate_hz)
  if spec.sync == views.Sync.CENTRE:
    extents = _extent(narrow, frame_rate_hz), _extent(spec, frame_rate_hz)
    return windows.centred_start(num_clip_frames, start, *extents)
  return windows.independent_start(
    num_clip_frames, _key(clip, seed, name, "start")
  )


def view(
  clip: views.Clip,
  spec: views.ViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
  narrow: views.ViewSpec | None = None,
  tokenizer: text.Tokenizer | None = None,
) -> views.View:
  """Returns one training view of any kind; random windows by `name`'s key.

  Only text needs `narrow`, the spec of the narrow view, whose `start` it takes,
  and a `tokenizer` made from its own spec.

  Returns:
    a View with video uint8 [n, H, W, 3], flow uint8 [n, H, W, 2], audio
    float32 [S, M], or waveform float32 [N] or text int32 [K, L] and its mask;
    and the scalars labels, sample_index, epoch, start_s.

  Raises:
    TypeError: `spec` is of no known kind.
    ValueError: `narrow` or `tokenizer` is missing.
  """
  random: dict = {"seed": seed, "name": name, "frame_rate_hz": frame_rate_hz}
  if isinstance(spec, views.RgbViewSpec):
    return rgb_view(clip, spec, start, **random)
  if isinstance(spec, views.FlowViewSpec):
    return flow_view(clip, spec, start, **random)
  if isinstance(spec, views.AudioViewSpec):
    return audio_view(clip, spec, start, frame_rate_hz=frame_rate_hz)
  if isinstance(spec, views.WaveformViewSpec):
    return waveform_view(clip, spec, start, **random)
  if not isinstance(spec, views.TextViewSpec):
    raise TypeError(_unknown_kind(spec))
  if narrow is None or tokenizer is None:
    raise ValueError(
      f"the text view `{name}` needs `narrow`, the spec of the narrow view,"
      " and `tokenizer`, a text.Tokenizer of its own spec; give both."
    )
  return text_view(
    clip, spec, start, narrow, tokenizer, frame_rate_hz=frame_rate_hz
  )


def rgb_view(
  clip: views.Clip,
  spec: views.RgbViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> views.View:
  """Returns frames in one random window; video uint8 [n, H, W, 3]."""
  video = decode.decode_view(
    _take(clip.frames, spec, start),
    spec.crop,
    spec.image_size,
    _key(clip, seed, name, "crop"),
  )
  return _about(clip, start, frame_rate_hz)._replace(video=video)


def flow_view(
  clip: views.Clip,
  spec: views.FlowViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> views.View:
  """Returns flow in one random window; flow uint8 [n, H, W, 2]."""
  flow = decode.decode_flow_view(
    _take(clip.flow, spec, start),
    spec.resize_short_side,
    spec.image_size,
    _key(clip, seed, name, "crop"),
  )
  return _about(clip, start, frame_rate_hz)._replace(flow=flow)


def audio_view(
  clip: views.Clip,
  spec: views.AudioViewSpec,
  start: tf.Tensor,
  *,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> views.View:
  """Returns sound from frame `start` on; audio float32 [S, M].

  A clip that holds a spectrogram is sliced; else it is computed from the
  samples and those that the last frames reach past the view's end, so both
  give the same. At the seam of a loop they differ.
  """
  sound, _ = _sound(clip, spec)
  is_packed = clip.spectrogram is not None
  length = spec.num_frames if is_packed else _num_samples(spec)
  num_clip_frames = frame_count(clip, spec, frame_rate_hz)
  first = windows.sound_start(start, num_clip_frames, tf.shape(sound)[0])
  first = tf.round(first) if is_packed else first
  extent = (start, round(spec.seconds * frame_rate_hz), num_clip_frames)
  values = _take_sound(sound, first, length, extent)
  if is_packed:
    audio = tf.ensure_shape(values, [length, spec.spectrogram.num_mels])
  else:
    waveform = spectrogram.from_pcm16(values)
    audio = spectrogram.log_mel(waveform, spec.spectrogram)[: spec.num_frames]
  return _about(clip, start, frame_rate_hz)._replace(audio=audio)


def waveform_view(
  clip: views.Clip,
  spec: views.WaveformViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> views.View:
  """Returns sound from frame `start` on; waveform float32 [N] in [-1, 1].

  It lies where that of `audio_view` does, but for `spec.temporal_jitter_s`,
  which moves it neither before the clip nor further past its end. Without
  sound it is zeros, and the mask is 0.
  """
  is_there = tf.size(clip.waveform) > 0
  silence = tf.zeros([1], tf.int16)  # nothing is divided by a length of 0
  sound = tf.cond(is_there, lambda: clip.waveform, lambda: silence)
  num_clip_frames = frame_count(clip, spec, frame_rate_hz)
  first = windows.sound_start(start, num_clip_frames, tf.size(sound))
  if spec.temporal_jitter_s:
    reach = spec.temporal_jitter_s * spec.spectrogram.sample_rate_hz
    key = _key(clip, seed, name, "jitter")
    moved = first + randomness.uniform(key, low=-reach, high=reach)
    latest = tf.cast(tf.size(sound) - spec.num_samples, tf.float32)
    first = tf.clip_by_value(moved, 0.0, tf.maximum(first, latest))
  extent = (start, round(spec.seconds * frame_rate_hz), num_clip_frames)
  samples = _take_sound(sound, first, spec.num_samples, extent)
  return _about(clip, start, frame_rate_hz)._replace(
    waveform=spectrogram.from_pcm16(samples),
    mask=tf.cast(is_there, tf.float32),
  )


def text_view(
  clip: views.Clip,
  spec: views.TextViewSpec,
  start: tf.Tensor,
  narrow: views.ViewSpec,
  tokenizer: text.Tokenizer,
  *,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> views.View:
  """Returns the captions nearest to the middle of the narrow view.

  `start` is that of the narrow view. The text is int32 [K, L]; without captions
  it is zeros. The mask is 0 where no caption has a word of the vocabulary.
  """
  num_frames, frame_step = _extent(narrow, frame_rate_hz)
  middle = tf.cast(start, tf.float32) + num_frames * frame_step / 2
  ids = text.caption_ids(
    clip.captions, clip.caption_times_s, middle / frame_rate_hz, spec, tokenizer
  )
  is_there = (tf.size(clip.captions) > 0) & tf.reduce_any(
    tokenizer.is_word(ids)
  )
  return _about(clip, start, frame_rate_hz)._replace(
    text=ids, mask=tf.cast(is_there, tf.float32)
  )


def evaluation_views(
  clip: views.Clip,
  spec: views.ViewSpec,
  *,
  temporal_clips: int,
  spatial_crops: int,
  short_side: int,
  frame_rate_hz: float = views.FRAME_RATE_HZ,
) -> views.View:
  """Returns regularly spaced views of the clip, nothing random.

  Args:
    clip: with the modality of `spec`.
    spec: of one view; RGB, flow or log-mel, others are a TypeError.
    temporal_clips: starts spaced over the clip.
    spatial_crops: squares along the longer side; not used for sound.
    short_side: to which RGB frames are resized before the crop.
    frame_rate_hz: frames per second.

  Returns:
    a View with one more axis in front, [temporal_clips * spatial_crops] (or
    [temporal_clips] for sound), start_s included, time outermost; labels,
    sample_index and epoch stay scalar.
  Source: paper appendix B.
  """
  if views.is_optional(spec):
    raise TypeError(_unknown_kind(spec))
  num_frames, frame_step = _extent(spec, frame_rate_hz)
  starts = windows.linspace_starts(
    frame_count(clip, spec, frame_rate_hz),
    temporal_clips,
    num_frames,
    frame_step,
  )
  if isinstance(spec, views.AudioViewSpec):
    sounds = [
      audio_view(clip, spec, start, frame_rate_hz=frame_rate_hz).audio
      for start in tf.unstack(starts)
    ]
    repeats, parts = 1, {"audio": tf.stack(sounds)}
  else:
    crops = [
      _crops(clip, spec, start, short_side, spatial_crops)
      for start in tf.unstack(starts)
    ]
    name = "flow" if isinstance(spec, views.FlowViewSpec) else "video"
    repeats, parts = spatial_crops, {name: tf.concat(crops, 0)}
  starts_s = tf.repeat(tf.cast(starts, tf.float32) / frame_rate_hz, repeats)
  starts_s = tf.ensure_shape(starts_s, [temporal_clips * repeats])
  return _about(clip, starts[0], frame_rate_hz)._replace(
    start_s=starts_s, **parts
  )


def _crops(clip, spec, start, short_side, num_crops):
  """Returns uint8 [num_crops, n, H, W, C] of RGB or flow."""
  if isinstance(spec, views.FlowViewSpec):
    return decode.decode_flow_crops(
      _take(clip.flow, spec, start),
      short_side=spec.resize_short_side,
      size=spec.image_size,
      num_crops=num_crops,
    )
  return decode.decode_crops(
    _take(clip.frames, spec, start),
    short_side=short_side,
    size=spec.image_size,
    num_crops=num_crops,
  )


def _extent(spec, frame_rate_hz):
  """Returns (number of frames, frame step) that a view spans."""
  if isinstance(spec, (views.AudioViewSpec, views.WaveformViewSpec)):
    return round(spec.seconds * frame_rate_hz), 1
  if isinstance(spec, (views.RgbViewSpec, views.FlowViewSpec)):
    return spec.num_frames, spec.frame_step
  raise TypeError(_unknown_kind(spec))


def _unknown_kind(spec):
  return (
    "a view must be RgbViewSpec, FlowViewSpec or AudioViewSpec, in training"
    f" also WaveformViewSpec or TextViewSpec, not {type(spec).__name__}."
  )


def _take(images, spec, start):
  indices = windows.frame_indices(
    start, spec.num_frames, spec.frame_step, tf.size(images)
  )
  return tf.ensure_shape(tf.gather(images, indices), [spec.num_frames])


def _sound(clip, spec):
  """Returns the clip's spectrogram or else waveform, and its rate in Hz."""
  rate_hz = spec.spectrogram.sample_rate_hz
  if isinstance(spec, views.AudioViewSpec) and clip.spectrogram is not None:
    return clip.spectrogram, rate_hz / spec.spectrogram.frame_step
  return clip.waveform, float(rate_hz)


def _num_samples(spec):
  """Returns the samples of an audio view and those its last frames need."""
  kind = spec.spectrogram
  in_view = round(spec.seconds * kind.sample_rate_hz)
  return in_view + kind.frame_length - kind.frame_step


def _take_sound(sound, first, length, extent):
  """Returns `length` values of the sound, as windows.sound_indices says."""
  start_frame, view_frames, num_clip_frames = extent
  indices = windows.sound_indices(
    tf.cast(first, tf.int32),
    length,
    start_frame=start_frame,
    view_frames=view_frames,
    num_clip_frames=num_clip_frames,
    num_values=tf.shape(sound)[0],
  )
  return windows.take_sound(sound, indices)


def _key(clip, seed, name, operation):
  return randomness.key(seed, clip.epoch, clip.sample_index, name, operation)


def _about(clip, start, frame_rate_hz):
  return views.View(
    labels=clip.label,
    sample_index=clip.sample_index,
    epoch=clip.epoch,
    start_s=tf.cast(start, tf.float32) / frame_rate_hz,
  )
