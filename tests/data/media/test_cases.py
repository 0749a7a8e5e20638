"""Files that went wrong once, as they are, with the right values."""

import numpy as np
import pytest

from tests.data.media import films
from tfvssl.data.media import header
from tfvssl.data.media import streams


@pytest.fixture(scope="module", name="media")
def _media(cases_dir):
  return cases_dir / "media"


def _frames(path, **span):
  return streams.decode_frames(path, short_side=None, **span)


@pytest.mark.parametrize(
  ("name", "first", "count", "tolerance"),
  [
    # Its sound and its container go on for two pictures more.
    ("01_lossless_cut.mp4", 7, 100, 2),
    ("02_trimmed_by_edit_list.mp4", 5, 100, 0),
  ],
)
def test_hidden_packets_are_no_damage(media, name, first, count, tolerance):
  shown = films.seconds_shown(_frames(media / name), step=18)
  wanted = [first + k // 25 for k in range(count)]
  assert 0 <= len(shown) - count <= tolerance
  assert shown[:count] == wanted
  sound = streams.decode_audio(media / name)
  assert films.tones(sound) == [200 + 100 * (first + k) for k in range(4)]


def test_fields_are_halves_of_pictures(media):
  frames = _frames(media / "03_field_coded.ts")
  assert len(frames) == pytest.approx(100, abs=1)  # 12.5 pictures a second
  assert len(np.unique(frames[:, 0, 0, 0])) == 50


@pytest.mark.parametrize(
  "name", ["04_key_frame_every_10s.ts", "05_open_gop.mp4"]
)
def test_stretch_between_key_frames(media, name):
  frames, sound, remarks = films.read(media / name, 7.3, 4.0)
  assert len(frames) == 100
  films.assert_shows(frames, films.expected(7.3, 11.3))
  assert films.tones(sound[round(0.7 * 48_000) :]) == [1000, 1100, 1200]
  assert len(sound) == 4 * 48_000
  assert remarks == []


def test_change_of_channels_moves_nothing(media):
  remarks = []
  path = media / "06_stereo_surround_stereo.ts"
  sound = np.concatenate(
    list(streams.stream_audio(path, header.probe(path), remarks=remarks))
  )
  assert films.tones(sound) == [440, 440, 880, 880, 440, 440]
  assert len(sound) / 48_000 == pytest.approx(6.0, abs=0.05)
  assert remarks == [
    "sound changes at 2.02 s from 48000 Hz stereo to 48000 Hz 5.1(side)",
    "sound changes at 4.03 s from 48000 Hz 5.1(side) to 48000 Hz stereo",
  ]


@pytest.mark.parametrize(
  ("name", "least", "most"),
  [("08_theora_repeats.ogv", 97, 100), ("12_dropped_pictures.avi", 49, 49)],
)
def test_empty_packets_repeat_a_picture(media, name, least, most):
  assert least <= len(_frames(media / name)) <= most


def test_stretches_behind_the_end_say_so(media):
  path = media / "01_lossless_cut.mp4"
  assert len(_frames(path, duration_s=1.0)) == 25
  for start_s in (100.0, 200.0):
    with pytest.raises(
      streams.MediaError, match=r"starts behind the end \(4.0 s\)"
    ):
      _frames(path, start_s=start_s, duration_s=10.0)


def test_damaged_header_of_a_video_with_sound_is_found(media):
  path = media / "16_damaged_header_8_of_25.mp4"
  try:
    count = len(_frames(path))
  except streams.MediaError as error:
    assert error.reason == "truncated"
    assert error.detail == "0.32 s of the 1.00 s that the file claims"
  else:
    assert count == 25  # some versions of ffmpeg read on
