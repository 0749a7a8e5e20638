"""The estimate from headers, against its closed form."""

import pytest

from data_prep.prepare_records import estimate
from data_prep.prepare_records import settings
from data_prep.prepare_records import sources
from tfvssl.data.media import streams

FILM = streams.MediaInfo(True, True, 10.0, width=640, height=480)


def test_bytes_and_seconds_of_ten_seconds():
  found = estimate.of_media(
    FILM,
    10.0,
    settings.Settings(
      modalities=("audio", "flow", "rgb", "spectrogram"), short_side=240
    ),
  )
  frames, flow = 320 * 240, 171 * 128
  assert found.bytes == pytest.approx(
    250 * (frames * 0.15 + flow * 0.2) + 960_000 + 3000 * 80 * 2
  )
  assert found.core_s == pytest.approx(
    250 * (640 * 480 * 14e-9 + frames * 8e-9 + flow * 5e-6)
  )


def test_only_sound_decodes_no_picture():
  chosen = settings.Settings(modalities=("audio",))
  found = estimate.of_media(FILM, 2.5, chosen)
  assert (found.core_s, found.bytes) == (0.0, 240_000)


def test_sound_without_the_pictures_that_are_asked_for_is_nothing():
  sound = streams.MediaInfo(False, True, 10.0)
  found = estimate.of_media(sound, 10.0, settings.Settings())
  assert (found.core_s, found.bytes) == (0.0, 0.0)


def test_inputs_are_chosen_evenly():
  assert estimate.chosen([3, 5, 8]) == [3, 5, 8]
  assert estimate.chosen(list(range(64))) == list(range(2, 64, 4))


def test_stretches_and_files_that_cannot_be_read(tmp_path, make_clip):
  path = str(
    make_clip(tmp_path / "a.mkv", "-c:a", "pcm_s16le", audio="sine=duration=1")
  )
  (tmp_path / "b.mp4").write_bytes(b"no video")
  inputs = [
    sources.ClipSource(path, "a", "a", start_s=0.25, end_s=0.75),
    sources.ClipSource(path, "a", "b", start_s=0.9, end_s=0.5),
    sources.ClipSource(str(tmp_path / "b.mp4"), "b", "c"),
    sources.ClipSource(str(tmp_path / "gone.mp4"), "gone", "d"),
    sources.ClipSource(path, "a", "e", refused="a link"),
  ]
  chosen = settings.Settings(modalities=("audio",))
  assert estimate.of_inputs(inputs, [0, 1, 2, 3, 4], chosen).bytes == 48_000
  assert estimate.of_inputs(inputs, [0, 0, 0], chosen).bytes == 144_000


def test_pictures(tmp_path):
  inputs = [sources.ClipSource(str(tmp_path / "a.JPG"), "a.JPG", "a")]
  chosen = settings.Settings(modalities=("rgb",), short_side=30, images=True)
  found = estimate.of_inputs(inputs, [0, 0], chosen)
  assert (found.core_s, found.bytes) == pytest.approx((0.1, 2 * 1200 * 0.15))
