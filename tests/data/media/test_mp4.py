"""The mp4 writer."""

import numpy as np
import pytest

from tfvssl.data.media import mp4
from tfvssl.data.media import streams


def test_silent_film_has_no_sound_track(tmp_path):
  frames = np.full([10, 32, 48, 3], 200, np.uint8)
  mp4.encode(frames, 12.5, tmp_path / "a.mp4")
  info = streams.probe(tmp_path / "a.mp4")
  assert not info.has_audio
  assert info.frame_rate_hz == pytest.approx(12.5)
  assert (info.width, info.height) == (48, 32)


def test_odd_sizes_are_refused(tmp_path):
  with pytest.raises(ValueError, match="33x32 pixels cannot be H.264"):
    mp4.encode(np.zeros([2, 32, 33, 3], np.uint8), 25, tmp_path / "a.mp4")


def test_failure_is_told_and_leaves_nothing(tmp_path):
  with pytest.raises(RuntimeError, match="ffmpeg could not write"):
    mp4.encode(
      np.zeros([2, 32, 32, 3], np.uint8), 25, tmp_path / "none" / "a.mp4"
    )
  assert not list(tmp_path.iterdir())
