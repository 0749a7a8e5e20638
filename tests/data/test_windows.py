import numpy as np
import pytest
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


def test_frames_played_faster_and_backwards():
  def frames(speed, is_reversed):
    playback = windows.Playback(speed, is_reversed)
    found = windows.frame_indices(
      tf.constant(3), 4, 2, tf.constant(20), playback
    )
    return found.numpy().tolist()

  assert frames(1, False) == [3, 5, 7, 9]
  assert frames(2, False) == [3, 7, 11, 15]
  assert frames(2, True) == [15, 11, 7, 3]
  assert frames(1.25, False) == [3, 5, 8, 10]  # 2.5, 5.0, 7.5 are cut
  assert frames(4, True) == [7, 19, 11, 3]  # 27 is 7 of the next pass


def test_playback_may_differ_from_clip_to_clip():
  @tf.function(autograph=False)
  def frames(speed, is_reversed):
    playback = windows.Playback(speed, is_reversed)
    return windows.frame_indices(
      tf.constant(3), 4, 2, tf.constant(20), playback
    )

  found = frames(tf.constant(2), tf.constant(True))
  assert found.numpy().tolist() == [15, 11, 7, 3]
  found = frames(tf.constant(1), tf.constant(False))
  assert found.numpy().tolist() == [3, 5, 7, 9]


def test_steps_are_cut_where_python_cuts_them():
  for step in (1, 2, 2.5, 25 / 6, 1 / 3, 0.1, 25 / 29.97):
    found = windows.frame_indices(tf.constant(0), 300, step, tf.constant(10**6))
    assert found.numpy().tolist() == [int(n * step) for n in range(300)]
    bound = windows.narrow_start_bound(tf.constant(10**6), 300, step)
    assert int(bound) == 10**6 - int(299 * step)


def test_a_faster_view_spans_more_of_the_clip():
  # 4 frames 3 apart are 10 of 40 frames, at speed 2 they are 19.
  fast = windows.Playback(speed=2)
  starts = windows.narrow_start(tf.constant(40), 4, 3, _keys(), fast)
  assert set(starts.numpy()) == set(range(22))


def test_sound_played_faster_and_backwards():
  def values(first, **playback):
    return (
      windows.sound_indices(
        tf.constant(first),
        4,
        start_frame=tf.constant(1),
        view_frames=4,
        num_clip_frames=tf.constant(10),
        num_values=tf.constant(20),
        playback=windows.Playback(**playback),
      )
      .numpy()
      .tolist()
    )

  assert values(2) == [2, 3, 4, 5]
  assert values(2, speed=2) == [2, 4, 6, 8]
  assert values(2, speed=2, reversed=True) == [8, 6, 4, 2]
  assert values(16, speed=2) == [16, 18, -1, -1]  # past the end: silence
  assert values(-2, speed=2, reversed=True) == [4, 2, 0, -1]  # and before it


def test_slower_than_the_record_is_refused():
  with pytest.raises(ValueError, match=r"`speed` \(0.5\) must be at least 1"):
    windows.frame_indices(
      tf.constant(0), 4, 2, tf.constant(9), windows.Playback(speed=0.5)
    )


def test_what_is_known_to_be_plain():
  assert windows.Playback().is_plain and windows.Playback(1.0).is_plain
  assert not windows.Playback(speed=2).is_plain
  assert not windows.Playback(reversed=True).is_plain
  assert not windows.Playback(speed=tf.constant(1)).is_plain
