"""Where the views of a clip start: int32 scalars in frames of the clip.

Everything is unbatched. A clip of sound alone has frames, too: those of its
`frame_rate_hz`.
"""

import tensorflow as tf

from tfvssl import views
from tfvssl.data import windows
from tfvssl.runtime import randomness


def narrow_start(
  clip: views.Clip,
  spec: views.ViewSpec,
  *,
  seed: int | tf.Tensor,
  name: str = "narrow",
  playback: windows.Playback = windows.FORWARD,
) -> tf.Tensor:
  """Returns the start of a view inside its clip; see windows.narrow_start."""
  num_frames, frame_step = extent(clip, spec)
  return windows.narrow_start(
    clip.num_frames,
    num_frames,
    frame_step,
    key(clip, seed, name, "start"),
    playback,
  )


def broad_start(
  clip: views.Clip,
  spec: views.ViewSpec,
  narrow: views.ViewSpec,
  start: tf.Tensor,
  *,
  seed: int | tf.Tensor,
  name: str,
) -> tf.Tensor:
  """Returns the start of a broad view by `spec.sync`.

  Captions are those nearest to the narrow view, however they are synced.

  Args:
    clip: with the modality of `spec`.
    spec: of the broad view.
    narrow: of the narrow view.
    start: of the narrow view.
    seed: of the run.
    name: of the broad view, a part of its random key.
  """
  if spec.piece == "text" or spec.sync == views.Sync.START:
    return start
  if spec.sync == views.Sync.CENTRE:
    extents = extent(clip, narrow), extent(clip, spec)
    from tfvssl.data import centred  # of one ablation

    return centred.start(clip.num_frames, start, *extents)
  return windows.independent_start(
    clip.num_frames, key(clip, seed, name, "start")
  )


def extent(
  clip: views.Clip, spec: views.ViewSpec
) -> tuple[int | tf.Tensor, float]:
  """Returns (number of frames of the clip, step between them) of a view."""
  return spec.extent(lambda seconds: sound_frames(clip, seconds))


def sound_frames(
  clip: views.Clip,
  seconds: float,
  playback: windows.Playback = windows.FORWARD,
) -> tf.Tensor:
  """Returns the frames of the clip that last so long, rounded, int32 scalar.

  float64, and halves to the even, as Python has it.
  """
  rate_hz = tf.cast(clip.frame_rate_hz, tf.float64)
  speed = tf.cast(playback.speed, tf.float64)
  return tf.cast(tf.round(seconds * rate_hz * speed), tf.int32)


def middle_s(
  clip: views.Clip, spec: views.ViewSpec, start: tf.Tensor
) -> tf.Tensor:
  """Returns the time in the middle of a view, float32 scalar."""
  num_frames, frame_step = extent(clip, spec)
  half = tf.cast(num_frames * frame_step / 2, tf.float32)
  return (tf.cast(start, tf.float32) + half) / clip.frame_rate_hz


def start_s(clip: views.Clip, start: tf.Tensor) -> tf.Tensor:
  """Returns starts in seconds, float32 of the shape of `start`."""
  return tf.cast(start, tf.float32) / clip.frame_rate_hz


def key(
  clip: views.Clip, seed: int | tf.Tensor, name: str, operation: str
) -> tf.Tensor:
  """Returns the random key of one draw for a clip, uint32 [2]."""
  return randomness.key(seed, clip.epoch, clip.sample_index, name, operation)
