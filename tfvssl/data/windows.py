"""Which frames and which sound of a clip a view sees: scalars in, indices out.

Clips that are shorter than a view loop. Frames and sound loop together.
"""

from typing import NamedTuple

import tensorflow as tf

from tfvssl.runtime import randomness


class Playback(NamedTuple):
  """How a clip is played where it is cut: pictures and sound alike.

  Attributes:
    speed: at least 1; so many frames or samples are one step. A scalar tensor
      where clips differ.
    reversed: from the end of the view to its start; bool, or a scalar tensor.
  """

  speed: "float | tf.Tensor" = 1
  reversed: "bool | tf.Tensor" = False

  @property
  def is_plain(self) -> bool:
    """Whether it is known to be that of the record."""
    is_known = isinstance(self.speed, (int, float))
    return is_known and self.speed == 1 and self.reversed is False

  def validate(self) -> None:
    """Raises ValueError for a speed below 1."""
    if isinstance(self.speed, (int, float)) and self.speed < 1:
      raise ValueError(f"`speed` ({self.speed}) must be at least 1.")


FORWARD = Playback()


def narrow_start(
  num_clip_frames: tf.Tensor,
  num_frames: int | tf.Tensor,
  frame_step: float,
  key: tf.Tensor,
  playback: Playback = FORWARD,
) -> tf.Tensor:
  """Returns the first frame of a view that stays inside its clip.

  Args:
    num_clip_frames: int32 scalar T.
    num_frames: frames of the view.
    frame_step: distance between them, in clip frames.
    key: uint32 [2], see randomness.key.
    playback: of the view.

  Returns:
    int32 scalar, uniform in [0, max(T, span) - span].
  Source: released datasets/time_sampling.
  """
  bound = narrow_start_bound(num_clip_frames, num_frames, frame_step, playback)
  return randomness.uniform_int(key, bound)


def narrow_start_bound(
  num_clip_frames: tf.Tensor,
  num_frames: int | tf.Tensor,
  frame_step: float,
  playback: Playback = FORWARD,
) -> tf.Tensor:
  """Returns the exclusive upper bound of `narrow_start`, int32 scalar."""
  length = span(num_frames, frame_step, playback)
  return tf.maximum(num_clip_frames, length) - length + 1


def span(
  count: int | tf.Tensor, step: float, playback: Playback = FORWARD
) -> tf.Tensor:
  """Returns from how many frames or samples of a clip `count` are taken."""
  return _distance(count - 1, step, playback) + 1


def _distance(
  numbers: int | tf.Tensor, step: float, playback: Playback
) -> tf.Tensor:
  """Returns how far from the first a frame or sample lies, whole, int32.

  float64, as Python has it, so that steps of 2.5 are cut where it cuts them.
  """
  playback.validate()
  exact = product(product(numbers, step), playback.speed)
  return tf.cast(exact, tf.int32)


def independent_start(num_clip_frames: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
  """Returns an int32 scalar uniform in [0, T); source: paper Sec. 3.2."""
  return randomness.uniform_int(key, num_clip_frames)


def product(count: int | tf.Tensor, step: float | tf.Tensor) -> tf.Tensor:
  """Returns count * step as Python has it, float64."""
  # tf.cast would make a float32 of a number of Python first.
  exact = step if tf.is_tensor(step) else tf.constant(step, tf.float64)
  return tf.cast(count, tf.float64) * tf.cast(exact, tf.float64)


def frame_indices(
  start: tf.Tensor,
  num_frames: int,
  frame_step: float,
  num_clip_frames: tf.Tensor,
  playback: Playback = FORWARD,
) -> tf.Tensor:
  """Returns the view's clip frames, int32 [num_frames]; past the end: loop."""
  steps = _distance(tf.range(num_frames), frame_step, playback)
  positions = start + _in_order(steps, playback)
  return tf.math.floormod(positions, num_clip_frames)


def _in_order(values, playback):
  if playback.reversed is False:
    return values
  return tf.where(playback.reversed, tf.reverse(values, [0]), values)


def sound_start(
  start_frame: tf.Tensor, num_clip_frames: tf.Tensor, num_values: tf.Tensor
) -> tf.Tensor:
  """Returns where in the sound the frame lies, in values, float32 scalar.

  The sound is taken to last as long as the pictures (released
  datasets/time_sampling).

  Args:
    start_frame: int32 scalar, frame of the clip.
    num_clip_frames: int32 scalar.
    num_values: int32 scalar, samples or spectrogram frames of the clip.
  """
  ratio = tf.cast(num_values / num_clip_frames, tf.float32)
  return tf.cast(start_frame, tf.float32) * ratio


def sound_indices(
  first: tf.Tensor,
  length: int,
  *,
  start_frame: tf.Tensor,
  view_frames: int | tf.Tensor,
  num_clip_frames: tf.Tensor,
  num_values: tf.Tensor,
  playback: Playback = FORWARD,
) -> tf.Tensor:
  """Returns which values of the clip's sound a view holds; -1 is silence.

  The clip is tiled only if the view's pictures run past its end; else what
  the sound lacks is silence at the end, and before its start.
  Source: released datasets/time_sampling.

  Args:
    first: int32 scalar, first value of the view.
    length: values of the view.
    start_frame: int32 scalar, first frame of the view.
    view_frames: frames that last as long as the view, at its speed.
    num_clip_frames: int32 scalar.
    num_values: int32 scalar, values of the clip.
    playback: of the view; `first` is its first value forward, at any speed.

  Returns:
    int32 [length].
  """
  end_frame = start_frame + view_frames
  tiles = tf.maximum(1, -tf.math.floordiv(-end_frame, num_clip_frames))
  steps = _distance(tf.range(length), 1, playback)
  positions = first + _in_order(steps, playback)
  return tf.where(
    (positions >= 0) & (positions < tiles * num_values),
    tf.math.floormod(positions, num_values),
    -1,
  )


def take_sound(sound: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
  """Returns sound[indices] with zeros at -1, [length, ...] for [N, ...]."""
  values = tf.gather(sound, tf.maximum(indices, 0))
  present = tf.reshape(indices >= 0, [-1] + [1] * (len(sound.shape) - 1))
  return tf.where(present, values, tf.zeros([], sound.dtype))
