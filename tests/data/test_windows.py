import numpy as np
import tensorflow as tf

from tfvssl.data import windows
from tfvssl.runtime import randomness


def _keys():
  """Returns 2000 keys; a draw has one value for each."""
  index = tf.range(2000, dtype=tf.int64)
  return randomness.key(3, tf.zeros_like(index), index, "narrow", "start")


def test_narrow_view_stays_inside_the_clip_and_reaches_both_ends():
  starts = windows.narrow_start(tf.constant(40), 4, 3, _keys())
  assert set(starts.numpy()) == set(range(31))  # span 10, so 0 to 30


def test_narrow_view_of_a_short_clip_starts_at_its_beginning():
  starts = windows.narrow_start(tf.constant(9), 4, 3, _keys())
  assert set(starts.numpy()) == {0}


def test_independent_start_is_any_frame():
  starts = windows.independent_start(tf.constant(7), _keys())
  counts = np.bincount(starts, minlength=7)
  # Uniform: 2000 draws over 7 frames have a standard deviation near 16.
  assert len(counts) == 7
  assert np.all(np.abs(counts - 2000 / 7) < 80)


def test_frames_past_the_end_loop():
  frames = windows.frame_indices(tf.constant(3), 5, 2, tf.constant(6))
  assert frames.numpy().tolist() == [3, 5, 1, 3, 5]


def test_sound_starts_in_proportion_to_the_frames():
  start = windows.sound_start(tf.constant(5), tf.constant(10), tf.constant(35))
  assert float(start) == 17.5


def _sound(first, length, *, start_frame, view_frames):
  return (
    windows.sound_indices(
      tf.constant(first),
      length,
      start_frame=tf.constant(start_frame),
      view_frames=view_frames,
      num_clip_frames=tf.constant(5),
      num_values=tf.constant(10),
    )
    .numpy()
    .tolist()
  )


def test_sound_loops_where_the_frames_do():
  indices = _sound(6, 8, start_frame=3, view_frames=4)
  assert indices == [6, 7, 8, 9, 0, 1, 2, 3]


def test_sound_that_ends_before_its_frames_is_followed_by_silence():
  indices = _sound(6, 6, start_frame=3, view_frames=2)
  assert indices == [6, 7, 8, 9, -1, -1]


def test_sound_of_as_many_loops_as_the_frames_and_no_more():
  indices = _sound(8, 14, start_frame=4, view_frames=6)  # two passes
  assert indices == [8, 9, *range(10), -1, -1]


def test_take_sound_puts_zeros_into_silence():
  sound = tf.constant([[1, 2], [3, 4]])
  taken = windows.take_sound(sound, tf.constant([1, -1, 0]))
  assert taken.numpy().tolist() == [[3, 4], [0, 0], [1, 2]]


def test_test_clips_are_spaced_from_the_first_to_the_last_start():
  starts = windows.linspace_starts(tf.constant(20), 3, 4, 2)
  assert starts.numpy().tolist() == [0, 6, 13]  # 0, 6.5, 13


def test_test_clips_of_a_short_clip_all_start_at_its_beginning():
  starts = windows.linspace_starts(tf.constant(5), 3, 4, 2)
  assert starts.numpy().tolist() == [0, 0, 0]
