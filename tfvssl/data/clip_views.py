"""What methods call to make views of a clip: a start of data.starts, then this.

  start = starts.narrow_start(clip, narrow, seed=seed)
  result = {"narrow": clip_views.view(
      clip, narrow, start, seed=seed, name="narrow")}
  for name, spec in broad.items():
    begin = starts.broad_start(
        clip, spec, narrow, start, seed=seed, name=name)
    result[name] = clip_views.view(
        clip, spec, begin, seed=seed, name=name, narrow=narrow)

Everything is unbatched. Starts are int32 scalars in frames of the clip.
"""

import operator
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from tfvssl import views
from tfvssl.config import view as view_kinds
from tfvssl.data import decode
from tfvssl.data import spectrogram
from tfvssl.data import starts
from tfvssl.data import windows
from tfvssl.runtime import randomness

if TYPE_CHECKING:
  from tfvssl.data import text


class _Place(NamedTuple):
  """Where in a clip a piece is cut, and by whose draws; see `view`."""

  clip: views.Clip
  start: tf.Tensor
  seed: int | tf.Tensor = 0
  name: str = ""
  narrow: views.ViewSpec | None = None
  tokenizer: "text.Tokenizer | None" = None
  playback: windows.Playback = windows.FORWARD

  def key(self, operation):
    return starts.key(self.clip, self.seed, self.name, operation)


def view(
  clip: views.Clip,
  spec: views.ViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
  narrow: views.ViewSpec | None = None,
  tokenizer: "text.Tokenizer | None" = None,
  playback: windows.Playback = windows.FORWARD,
) -> views.View:
  """Returns one training view of any kind; random windows by `name`'s key.

  Args:
    clip: with the modality of `spec`, which may be empty where it is optional.
    spec: of the view.
    start: where it starts.
    seed: of the run.
    name: of the view, a part of its random keys.
    narrow: of the narrow view, whose `start` it takes; only for text.
    tokenizer: made from `spec`; only for text.
    playback: of pictures and sound; captions have none.

  Returns:
    a View with the piece of `spec`: video uint8 [n, H, W, 3], flow uint8
    [n, H, W, 2], audio float32 [S, M], waveform float32 [N] or text int32
    [K, L]; its mask, where it has one; and the scalars labels, sample_index,
    epoch, start_s.

  Raises:
    TypeError: `spec` is of no known kind.
    ValueError: `narrow` or `tokenizer` is missing, `playback` has a speed
      below 1, or a packed spectrogram cannot be played so.
  """
  cut, held = _of_kind(_TRAINING, spec)
  if spec.piece == "text" and (narrow is None or tokenizer is None):
    raise ValueError(
      f"the text view `{name}` needs `narrow`, the spec of the narrow view,"
      " and `tokenizer`, a text.Tokenizer of its own spec; give both."
    )
  place = _Place(clip, start, seed, name, narrow, tokenizer, playback)
  result = _about(clip, start)
  if not spec.has_mask:
    return result._replace(**{spec.piece: cut(place, spec)})
  is_there = tf.size(held(clip)) > 0
  piece = tf.cond(
    is_there,
    lambda: cut(place, spec),
    lambda: tf.zeros(spec.shape, spec.dtype),
  )
  if spec.piece == "text":
    is_there &= tf.reduce_any(tokenizer.is_word(piece))
  mask = tf.cast(is_there, tf.float32)
  return result._replace(mask=mask, **{spec.piece: piece})


def _rgb(place, spec):
  """Returns frames in one random window, uint8 [n, H, W, 3]."""
  return decode.decode_view(
    _take(place.clip.frames, spec, place.start, place.playback),
    spec.crop,
    spec.image_size,
    place.key("crop"),
  )


def _flow(place, spec):
  """Returns flow in one random window, uint8 [n, H, W, 2]."""
  return decode.decode_flow_view(
    _take(place.clip.flow, spec, place.start, place.playback),
    spec.resize_short_side,
    spec.image_size,
    place.key("crop"),
  )


def _audio(place, spec):
  """Returns the spectrogram of sound from the start on, float32 [S, M].

  A clip that holds a spectrogram is sliced; else it is computed from the
  samples and those that the last frames reach past the view's end, so both
  give the same. At the seam of a loop they differ.
  """
  kind, playback = spec.spectrogram, place.playback
  packed = place.clip.spectrogram
  if packed is not None:
    if not playback.is_plain:
      raise ValueError(
        "a packed spectrogram can only be played forward at speed 1; prepare"
        " the records with audio instead of spectrogram."
      )
    first = tf.round(_first(place, packed))
    values = _take_sound(place, spec, packed, first, spec.num_frames)
    return tf.ensure_shape(values, spec.shape)
  first = _first(place, place.clip.waveform)
  if playback.reversed is not False:  # what follows lies before the start
    reach = tf.cast(kind.extra_samples * playback.speed, tf.float32)
    first -= tf.where(playback.reversed, reach, 0.0)
  length = spec.num_samples + kind.extra_samples
  samples = _take_sound(place, spec, place.clip.waveform, first, length)
  waveform = spectrogram.from_pcm16(samples)
  return spectrogram.of_waveform(waveform, kind)[: spec.num_frames]


def _waveform(place, spec):
  """Returns sound from the start on, float32 [N] in [-1, 1].

  It lies where that of `_audio` does, but for `spec.temporal_jitter_s`, which
  moves it neither before the clip nor further past its end.
  """
  sound = place.clip.waveform
  first = _first(place, sound)
  if spec.temporal_jitter_s:
    reach = spec.temporal_jitter_s * spec.sample_rate_hz
    moved = first + randomness.uniform(
      place.key("jitter"), low=-reach, high=reach
    )
    span = windows.span(spec.num_samples, 1, place.playback)
    latest = tf.cast(tf.size(sound) - span, tf.float32)
    first = tf.clip_by_value(moved, 0.0, tf.maximum(first, latest))
  samples = _take_sound(place, spec, sound, first, spec.num_samples)
  return spectrogram.from_pcm16(samples)


def _text(place, spec):
  """Returns the captions nearest to the middle of the narrow view, [K, L]."""
  from tfvssl.data import text  # many methods have none

  clip = place.clip
  middle_s = starts.middle_s(clip, place.narrow, place.start)
  return text.caption_ids(
    clip.captions, clip.caption_times_s, middle_s, spec, place.tokenizer
  )


def _sound_of(clip):
  return clip.waveform if clip.spectrogram is None else clip.spectrogram


# Of each kind: what cuts its piece, and gets what a clip holds for it.
_TRAINING = {
  views.RgbViewSpec: (_rgb, operator.attrgetter("frames")),
  views.FlowViewSpec: (_flow, operator.attrgetter("flow")),
  views.AudioViewSpec: (_audio, _sound_of),
  views.WaveformViewSpec: (_waveform, operator.attrgetter("waveform")),
  views.TextViewSpec: (_text, operator.attrgetter("captions")),
}


def evaluation_views(
  clip: views.Clip,
  spec: views.ViewSpec,
  *,
  temporal_clips: int,
  spatial_crops: int,
  short_side: int,
) -> views.View:
  """Returns regularly spaced views of the clip, nothing random.

  Args:
    clip: with the modality of `spec`.
    spec: of one view; RGB, flow or log-mel, others are a TypeError.
    temporal_clips: starts spaced over the clip.
    spatial_crops: squares along the longer side; not used for sound.
    short_side: to which RGB frames are resized before the crop.

  Returns:
    a View with one more axis in front, [temporal_clips * spatial_crops] (or
    [temporal_clips] for sound), start_s included, time outermost; labels,
    sample_index and epoch stay scalar.
  Source: paper appendix B.
  """
  crops = _of_kind(_EVALUATION, spec)
  all_starts = starts.linspace_starts(clip, spec, temporal_clips)
  pieces = [
    crops(_Place(clip, start), spec, short_side, spatial_crops)
    for start in tf.unstack(all_starts)
  ]
  repeats = pieces[0].shape[0]
  starts_s = tf.repeat(starts.start_s(clip, all_starts), repeats)
  starts_s = tf.ensure_shape(starts_s, [temporal_clips * repeats])
  return _about(clip, all_starts[0])._replace(
    start_s=starts_s, **{spec.piece: tf.concat(pieces, 0)}
  )


def _rgb_crops(place, spec, short_side, num_crops):
  """Returns uint8 [num_crops, n, H, W, 3]."""
  return decode.decode_crops(
    _take(place.clip.frames, spec, place.start),
    short_side=short_side,
    size=spec.image_size,
    num_crops=num_crops,
  )


def _flow_crops(place, spec, short_side, num_crops):
  """Returns uint8 [num_crops, n, H, W, 2]; fields keep their size."""
  del short_side
  return decode.decode_flow_crops(
    _take(place.clip.flow, spec, place.start),
    short_side=spec.resize_short_side,
    size=spec.image_size,
    num_crops=num_crops,
  )


def _all_audio(place, spec, short_side, num_crops):
  """Returns float32 [1, S, M]: sound has no place."""
  del short_side, num_crops
  return _audio(place, spec)[tf.newaxis]


_EVALUATION = {
  views.RgbViewSpec: _rgb_crops,
  views.FlowViewSpec: _flow_crops,
  views.AudioViewSpec: _all_audio,
}


def _of_kind(table, spec):
  for kind, found in table.items():
    if isinstance(spec, kind):
      return found
  raise TypeError(view_kinds.unknown_kind(spec))


def _take(images, spec, start, playback=windows.FORWARD):
  indices = windows.frame_indices(
    start, spec.num_frames, spec.frame_step, tf.size(images), playback
  )
  return tf.ensure_shape(tf.gather(images, indices), [spec.num_frames])


def _first(place, sound):
  """Returns where the view starts in the sound, float32 scalar."""
  num_values = tf.shape(sound)[0]
  return windows.sound_start(place.start, place.clip.num_frames, num_values)


def _take_sound(place, spec, sound, first, length):
  """Returns `length` values of the sound, as windows.sound_indices says."""
  indices = windows.sound_indices(
    tf.cast(first, tf.int32),
    length,
    start_frame=place.start,
    view_frames=starts.sound_frames(place.clip, spec.seconds, place.playback),
    num_clip_frames=place.clip.num_frames,
    num_values=tf.shape(sound)[0],
    playback=place.playback,
  )
  return windows.take_sound(sound, indices)


def _about(clip, start):
  return views.View(
    labels=clip.label,
    sample_index=clip.sample_index,
    epoch=clip.epoch,
    start_s=starts.start_s(clip, start),
  )
