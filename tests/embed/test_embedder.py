"""Windows of files: where they start, what fills them, what short ones do."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.data import windows
from tfvssl.embed import embedder as embedding

VIDEO = {
  "num_frames": 3,
  "frame_step": 2,
  "record_frame_rate_hz": 25.0,
  "short_side": 8,
  "image_size": 8,
}
AUDIO = {"sample_rate_hz": 100, "num_samples": 50, "extra_samples": 0}


def _frames(count):
  return [np.full([8, 8, 3], index, np.uint8) for index in range(count)]


def _windows_of_frames(count, hop_s):
  windows = embedding.video_windows(_frames(count), VIDEO, hop_s)
  return [window[:, 0, 0, 0].tolist() for window in windows]


@pytest.mark.parametrize(
  ("count", "hop_s", "expected"),
  [
    (9, 0.08, [[0, 2, 4], [2, 4, 6], [4, 6, 8]]),
    (9, 0.2, [[0, 2, 4]]),  # the next would need frames 5, 7 and 9
    (10, 0.2, [[0, 2, 4], [5, 7, 9]]),
    (30, 0.8, [[0, 2, 4], [20, 22, 24]]),  # the hop is longer than a window
    (5, 9.0, [[0, 2, 4]]),
    (3, 0.08, [[0, 2, 1]]),  # loops
    (1, 0.08, [[0, 0, 0]]),
    (0, 0.08, []),
  ],
)
def test_video_windows_start_at_multiples_of_the_hop(count, hop_s, expected):
  assert _windows_of_frames(count, hop_s) == expected


def test_video_rows_keep_to_the_clock_where_the_hop_is_no_whole_frame():
  starts = [window[0] for window in _windows_of_frames(60, 0.1)]
  # 2.5 frames a hop, always from the beginning: no drift.
  np.testing.assert_allclose(starts, 2.5 * np.arange(23), atol=0.51)


def _windows_of_sound(total, hop_s, num_rows, chunk=7, extra_samples=0):
  samples = np.arange(total, dtype=np.int16)
  chunks = np.split(samples, range(chunk, total, chunk))
  lengths = []
  windows = list(
    embedding.sound_windows(
      chunks,
      AUDIO | {"extra_samples": extra_samples},
      hop_s,
      num_rows,
      lengths,
    )
  )
  return np.array(windows) * 32768, lengths


def test_sound_windows_start_with_the_video_rows_and_end_in_silence():
  windows, lengths = _windows_of_sound(130, 0.4, 5)
  assert lengths == [50, 50, 50, 10, 0]
  np.testing.assert_array_equal(windows[1], np.arange(40, 90))
  np.testing.assert_array_equal(windows[3][:10], np.arange(120, 130))
  np.testing.assert_array_equal(windows[3][10:], np.zeros(40))
  np.testing.assert_array_equal(windows[4], np.zeros(50))
  assert windows.dtype == np.float32


def test_sound_alone_gives_its_whole_windows():
  windows, lengths = _windows_of_sound(130, 0.4, None)
  assert lengths == [50, 50, 50]
  np.testing.assert_array_equal(windows[:, 0], [0, 40, 80])


def test_sound_that_is_shorter_than_a_window_loops():
  windows, lengths = _windows_of_sound(20, 0.4, None)
  assert lengths == [20]
  np.testing.assert_array_equal(windows[0], np.arange(50) % 20)


def test_sound_windows_further_apart_than_their_length():
  windows, lengths = _windows_of_sound(400, 1.7, None)
  assert lengths == [50, 50, 50]
  np.testing.assert_array_equal(windows[:, 0], [0, 170, 340])


def test_sound_windows_go_on_with_what_follows():
  windows, lengths = _windows_of_sound(110, 0.4, 4, extra_samples=20)
  assert lengths == [50, 50, 30, 0]
  np.testing.assert_array_equal(windows[0], np.arange(70))
  np.testing.assert_array_equal(windows[1], np.arange(40, 110))
  np.testing.assert_array_equal(windows[2][:30], np.arange(80, 110))
  assert not windows[2][30:].any()
  # The extra samples are not part of a whole window.
  windows, lengths = _windows_of_sound(95, 0.4, None, extra_samples=20)
  assert lengths == [50, 50]
  np.testing.assert_array_equal(windows[1][:55], np.arange(40, 95))
  assert not windows[1][55:].any()


@pytest.mark.parametrize("total", [20, 30, 49, 50, 60, 90])
def test_short_sound_loops_as_in_training(total):
  indices = windows.sound_indices(
    tf.constant(0),
    70,
    start_frame=tf.constant(0),
    view_frames=50,
    num_clip_frames=tf.constant(total),
    num_values=tf.constant(total),
  ).numpy()
  expected = np.where(indices >= 0, indices, 0)
  found, _ = _windows_of_sound(total, 0.4, 1, extra_samples=20)
  np.testing.assert_array_equal(found[0], expected)
