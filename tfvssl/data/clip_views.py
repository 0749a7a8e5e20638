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
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Place(NamedTuple):
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
  cut, held = of_kind(_TRAINING, spec)
  if spec.piece == "text" and (narrow is None or tokenizer is None):
    raise ValueError(
      f"the text view `{name}` needs `narrow`, the spec of the narrow view,"
      " and `tokenizer`, a text.Tokenizer of its own spec; give both."
    )
  place = Place(clip, start, seed, name, narrow, tokenizer, playback)
  result = about(clip, start)
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
    take_frames(place.clip.frames, spec, place.start, place.playback),
    spec.crop,
    spec.image_size,
    place.key("crop"),
  )


def _flow(place, spec):
  """Returns flow in one random window, uint8 [n, H, W, 2]."""
  from tfvssl.data import flow_images  # many methods have none

  return flow_images.decode_view(
    take_frames(place.clip.flow, spec, place.start, place.playback),
    spec.resize_short_side,
    spec.image_size,
    place.key("crop"),
  )


def audio(place: Place, spec: views.AudioViewSpec) -> tf.Tensor:
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

  It lies where that of `audio` does, but for `spec.temporal_jitter_s`, which
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


# Of each piece: what cuts it, and gets what a clip holds for it.
_TRAINING = {
  "video": (_rgb, operator.attrgetter("frames")),
  "flow": (_flow, operator.attrgetter("flow")),
  "audio": (audio, _sound_of),
  "waveform": (_waveform, operator.attrgetter("waveform")),
  "text": (_text, operator.attrgetter("captions")),
}


def of_kind(table: dict[str, Any], spec: views.ViewSpec) -> Any:
  """Returns what a table by pieces has for `spec`.

  Raises:
    TypeError: `spec` is of no known kind.
  """
  if spec.piece not in table:
    raise TypeError(view_kinds.unknown_kind(spec))
  return table[spec.piece]


def take_frames(
  images: tf.Tensor,
  spec: view_kinds.PictureViewSpec,
  start: tf.Tensor,
  playback: windows.Playback = windows.FORWARD,
) -> tf.Tensor:
  """Returns the encoded images that a view shows, string [n]."""
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


def about(clip: views.Clip, start: tf.Tensor) -> views.View:
  """Returns a View with what the clip says of itself, and without a piece."""
  return views.View(
    labels=clip.label,
    sample_index=clip.sample_index,
    epoch=clip.epoch,
    start_s=starts.start_s(clip, start),
  )
