"""Where views start, in frames of the clip; and how long a clip is."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.data import regular_views
from tfvssl.data import starts
from tfvssl.data import windows
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema

NARROW = views.RgbViewSpec(num_frames=4, frame_step=2, image_size=16)
SOUND = views.AudioViewSpec(seconds=0.4)
HEARD = views.WaveformViewSpec(seconds=0.4)


def _clip(num_frames=50, words=("rgb", "audio"), sample_index=0, **fields):
  encoded = record_fixture.make_clip(1, num_frames=num_frames, modalities=words)
  return schema.parse(
    tf.constant(
      encoded_clip.serialize(dataclasses.replace(encoded, **fields), "hash")
    ),
    {views.Modality(word) for word in words},
    tf.constant(sample_index, tf.int64),
    tf.constant(0, tf.int64),
  )


def test_broad_rgb_start_does_not_depend_on_narrow_unless_it_is_asked_to():
  spec = dataclasses.replace(NARROW, sync=views.Sync.INDEPENDENT)
  together = dataclasses.replace(NARROW, sync=views.Sync.START)
  found = []
  for index in range(40):
    clip = _clip(words=("rgb",), sample_index=index)
    narrow = starts.narrow_start(clip, NARROW, seed=7)
    broad = [
      int(
        starts.broad_start(clip, spec, NARROW, given, seed=7, name="broad_rgb")
      )
      for given in (narrow, tf.constant(0))
    ]
    assert broad[0] == broad[1]
    found.append((int(narrow), broad[0]))
    same = starts.broad_start(
      clip, together, NARROW, narrow, seed=7, name="broad_rgb"
    )
    assert int(same) == int(narrow)
  correlation = np.corrcoef(np.array(found).T)[0, 1]
  assert abs(correlation) < 0.45  # 40 independent pairs: 3 deviations
  assert max(start for _, start in found) > 43  # beyond the narrow range


def test_centred_broad_view_has_the_centre_of_the_narrow_one():
  spec = dataclasses.replace(SOUND, sync=views.Sync.CENTRE)
  clip = _clip(words=("rgb", "audio"))
  length = int(clip.num_frames)
  narrow_middle = NARROW.num_frames * NARROW.frame_step / 2
  broad_middle = spec.seconds * 25 / 2
  for start in (0, 7, 30):
    begin = starts.broad_start(
      clip, spec, NARROW, tf.constant(start), seed=7, name="broad_audio"
    )
    difference = (int(begin) + broad_middle) - (start + narrow_middle)
    assert difference % length == pytest.approx(0, abs=0.5)
    assert 0 <= int(begin) < length


def test_views_without_sound_track_time_by_the_sound_itself():
  clip = _clip(words=("audio",))
  assert int(clip.num_frames) == 50
  packed = _clip(words=("spectrogram",))
  assert int(packed.num_frames) == 50
  start = starts.narrow_start(clip, SOUND, seed=1)
  assert 0 <= int(start) <= 40


def test_length_of_a_clip_of_sound_alone_is_that_of_its_waveform():
  both = _clip(words=("audio", "spectrogram"))
  assert int(both.num_frames) == 50
  assert int(starts.narrow_start(both, HEARD, seed=1)) <= 40
  centred = dataclasses.replace(HEARD, sync=views.Sync.CENTRE)
  begin = starts.broad_start(
    _clip(), centred, NARROW, tf.constant(20), seed=7, name="audio"
  )
  assert int(begin) == 19  # 20 + 8 / 2 - 10 / 2


def test_starts_count_in_the_frames_of_the_record():
  clip = _clip(words=("rgb", "audio"), frame_rate_hz=30.0)
  assert float(clip.frame_rate_hz) == 30.0
  assert int(clip.num_frames) == 50
  assert int(starts.sound_frames(clip, 0.4)) == 12
  assert int(starts.sound_frames(clip, 0.4, windows.Playback(speed=2))) == 24
  assert float(starts.start_s(clip, tf.constant(15))) == 0.5
  assert float(starts.middle_s(clip, NARROW, tf.constant(11))) == 0.5
  assert float(starts.middle_s(clip, SOUND, tf.constant(9))) == 0.5
  alone = _clip(words=("audio",), frame_rate_hz=30.0)
  assert float(alone.frame_rate_hz) == 25.0  # it has no frames of its own


def test_frames_of_a_stretch_of_sound_are_rounded_as_python_does():
  clip = _clip(words=("audio",))
  for seconds in (0.02, 0.06, 0.1, 0.5, 1.3, 2.02, 2.06, 2.1, 5.0, 10.24):
    assert int(starts.sound_frames(clip, seconds)) == round(seconds * 25)


def test_a_view_that_is_played_faster_starts_earlier():
  # 4 frames 2 apart at speed 6 span 37 of 50 frames: 14 starts.
  found = {
    int(
      starts.narrow_start(
        _clip(words=("rgb",), sample_index=index),
        NARROW,
        seed=3,
        playback=windows.Playback(speed=6),
      )
    )
    for index in range(60)
  }
  assert min(found) >= 0 and max(found) <= 13
  assert len(found) > 9


def test_regular_starts_of_a_clip():
  clip = _clip(words=("rgb",))
  assert regular_views.regular_starts(clip, NARROW, 3).numpy().tolist() == [
    0,
    21,
    43,
  ]
  assert regular_views.regular_starts(clip, SOUND, 3).numpy().tolist() == [
    0,
    20,
    40,
  ]


def test_captions_start_with_the_narrow_view_however_they_are_synced():
  for sync in views.Sync:
    spec = views.TextViewSpec(sync=sync)
    start = starts.broad_start(
      _clip(), spec, NARROW, tf.constant(9), seed=7, name="text"
    )
    assert int(start) == 9


def test_a_kind_without_length_has_no_start():
  for spec in (views.ViewSpec(), views.TextViewSpec()):
    with pytest.raises(
      TypeError, match=f"must be RgbViewSpec, .*not {type(spec).__name__}"
    ):
      starts.narrow_start(_clip(), spec, seed=0)
