import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.config import sound
from tfvssl.data import clip_views
from tfvssl.data import regular_views
from tfvssl.data import spectrogram
from tfvssl.data import starts
from tfvssl.data import text
from tfvssl.data import windows
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema

NARROW = views.RgbViewSpec(num_frames=4, frame_step=2, image_size=16)
SOUND = views.AudioViewSpec(seconds=0.4)


def _clip(num_frames=50, words=("rgb", "audio"), sample_index=0, epoch=0):
  encoded = record_fixture.make_clip(1, num_frames=num_frames, modalities=words)
  return schema.parse(
    tf.constant(encoded_clip.serialize(encoded, "hash")),
    {views.Modality(word) for word in words},
    tf.constant(sample_index, tf.int64),
    tf.constant(epoch, tf.int64),
  )


def _audio(clip, spec, start):
  return clip_views.view(clip, spec, start, seed=0, name="audio")


def _seconds(waveform_view):
  """Returns which spectrogram frame of the clip the view begins with."""
  clip = _clip(words=("spectrogram",))
  distance = np.abs(clip.spectrogram - waveform_view[0]).max(axis=1)
  return int(distance.argmin()) / 300


def test_broad_audio_starts_with_narrow():
  for index in range(5):
    clip = _clip(sample_index=index)
    start = starts.narrow_start(clip, NARROW, seed=7)
    begin = starts.broad_start(
      clip, SOUND, NARROW, start, seed=7, name="broad_audio"
    )
    audio = clip_views.view(clip, SOUND, begin, seed=7, name="broad_audio")
    video = clip_views.view(clip, NARROW, start, seed=7, name="narrow")
    assert float(audio.start_s) == float(video.start_s)
    assert float(audio.start_s) == pytest.approx(int(start) / 25)
    assert _seconds(audio.audio) == pytest.approx(int(start) / 25, abs=0.002)


def test_packed_spectrogram_and_waveform_give_the_same_view():
  packed = _clip(words=("rgb", "spectrogram"))
  waves = _clip(words=("rgb", "audio"))
  for start in (0, 17, 40):  # 40 is exactly the last that does not loop
    begin = tf.constant(start)
    one = _audio(packed, SOUND, begin).audio
    other = _audio(waves, SOUND, begin).audio
    assert one.shape == other.shape == (120, 80)
    # float32 FFT of the same samples, batched in another way
    np.testing.assert_allclose(one, other, atol=3e-4)


def test_last_frame_of_a_cut_view_holds_real_samples():
  clip = _clip(words=("rgb", "audio"))
  audio = _audio(clip, SOUND, tf.constant(5)).audio
  whole = _clip(words=("spectrogram",)).spectrogram
  np.testing.assert_allclose(audio[-1], whole[5 * 12 + 119], atol=3e-4)


def test_sound_loops_with_the_frames():
  clip = _clip(num_frames=10, words=("rgb", "audio"))
  audio = _audio(clip, views.AudioViewSpec(seconds=0.8), tf.constant(0)).audio
  # 10 frames are 120 spectrogram frames; the last of a pass reaches over the
  # seam.
  np.testing.assert_allclose(audio[:119], audio[120:239], atol=3e-4)


def test_rgb_view_has_the_frames_of_its_start():
  clip = _clip(num_frames=50, words=("rgb",))
  view = clip_views.view(clip, NARROW, tf.constant(47), seed=0, name="narrow")
  frames = tf.gather(clip.frames, [47, 49, 1, 3])
  again = clip_views.view(
    clip._replace(frames=frames),
    dataclasses.replace(NARROW, frame_step=1),
    tf.constant(0),
    seed=0,
    name="narrow",
  )
  np.testing.assert_array_equal(view.video, again.video)
  assert len({frame.numpy().tobytes() for frame in view.video}) == 4


def test_draws_depend_on_epoch_sample_and_name_only():
  def video(name="narrow", **where):
    clip = _clip(num_frames=5, words=("rgb",), **where)
    return (
      clip_views.view(clip, NARROW, tf.constant(0), seed=0, name=name)
      .video.numpy()
      .tobytes()
    )

  base = video()
  assert base == video()
  others = {video(epoch=1), video(sample_index=1), video(name="broad_rgb")}
  assert len(others | {base}) == 4


def test_flow_view_is_uint8_and_loops():
  spec = views.FlowViewSpec(
    num_frames=6, frame_step=4, image_size=24, resize_short_side=48
  )
  clip = _clip(num_frames=8, words=("flow",))
  view = clip_views.view(clip, spec, tf.constant(2), seed=0, name="broad_flow")
  assert view.flow.dtype == tf.uint8
  assert view.flow.shape == (6, 24, 24, 2)
  np.testing.assert_array_equal(view.flow[0], view.flow[2])  # frames 2, 6, 2
  assert np.any(view.flow[0] != view.flow[1])


def test_view_carries_label_and_place():
  clip = _clip(sample_index=4, epoch=2)
  view = _audio(clip, SOUND, tf.constant(10))
  assert int(view.labels) == 1
  assert int(view.sample_index) == 4
  assert int(view.epoch) == 2
  assert float(view.start_s) == pytest.approx(0.4)


def _evaluation(clip, spec):
  return regular_views.evaluation_views(
    clip, spec, temporal_clips=3, spatial_crops=2, short_side=24
  )


def test_evaluation_views_of_rgb_go_through_time_then_place():
  clip = _clip(words=("rgb",))
  result = _evaluation(clip, NARROW)
  assert result.video.shape == (6, 4, 16, 16, 3)
  np.testing.assert_allclose(
    result.start_s, np.repeat([0, 21, 43], 2) / 25, rtol=1e-6
  )
  alone = regular_views.evaluation_views(
    clip._replace(frames=clip.frames[21:]),
    NARROW,
    temporal_clips=1,
    spatial_crops=2,
    short_side=24,
  )
  np.testing.assert_array_equal(result.video[2:4], alone.video)


def test_evaluation_views_of_sound_have_no_place():
  result = _evaluation(_clip(), SOUND)
  assert result.audio.shape == (3, 120, 80)
  np.testing.assert_allclose(result.start_s, [0, 0.8, 1.6], rtol=1e-6)
  again = _audio(_clip(), SOUND, tf.constant(20))
  np.testing.assert_array_equal(result.audio[1], again.audio)


def test_evaluation_views_of_flow():
  spec = views.FlowViewSpec(num_frames=3, image_size=16, resize_short_side=48)
  result = _evaluation(_clip(words=("flow",)), spec)
  assert result.flow.shape == (6, 3, 16, 16, 2)
  assert np.any(result.flow[0] != result.flow[1])


def test_view_of_unknown_kind_is_an_error():
  clip = _clip()
  with pytest.raises(TypeError, match="must be RgbViewSpec, FlowViewSpec or"):
    clip_views.view(clip, views.ViewSpec(), tf.constant(0), seed=0, name="x")
  with pytest.raises(TypeError, match="not ViewSpec"):
    starts.narrow_start(clip, views.ViewSpec(), seed=0)


def test_silence_gives_zeros():
  clip = _clip()
  silent = clip._replace(waveform=tf.zeros_like(clip.waveform))
  audio = _audio(silent, SOUND, tf.constant(0)).audio
  np.testing.assert_array_equal(audio, np.zeros((120, 80), np.float32))


HEARD = views.WaveformViewSpec(seconds=0.4)


def _waveform(clip, start, **fields):
  spec = dataclasses.replace(HEARD, **fields)
  return clip_views.view(clip, spec, tf.constant(start), seed=3, name="audio")


def test_waveform_view_has_the_samples_of_its_frames():
  clip = _clip()
  view = _waveform(clip, 7)
  expected = clip.waveform.numpy()[7 * 1920 :][:19_200] / 32768
  np.testing.assert_array_equal(view.waveform, expected.astype(np.float32))
  assert view.waveform.shape == [19_200]
  assert float(view.mask) == 1.0
  assert float(view.start_s) == pytest.approx(7 / 25)
  assert int(view.labels) == 1 and view.audio is None


def test_waveform_view_is_what_the_log_mel_view_is_made_of():
  clip = _clip()
  spec = dataclasses.replace(HEARD, spectrogram=sound.SpectrogramSpec())
  for start in (0, 17, 45):  # the last one loops
    waveform = clip_views.view(
      clip, spec, tf.constant(start), seed=3, name="audio"
    ).waveform
    audio = _audio(clip, spec.heard, tf.constant(start)).audio
    again = spectrogram.log_mel(waveform, spec.spectrogram)
    # But for the last frame, which reaches past the view's end.
    np.testing.assert_allclose(again[:-1], audio[:-1], atol=3e-4)


def test_waveform_view_loops_with_the_frames_and_else_ends_in_silence():
  clip = _clip(num_frames=10)
  sound = clip.waveform.numpy()
  looped = _waveform(clip, 8).waveform.numpy() * 32768
  expected = np.concatenate([sound[8 * 1920 :], sound[: 8 * 1920]])
  np.testing.assert_array_equal(looped, expected)
  # A sound of half the samples is taken to last as long as the pictures.
  short = clip._replace(waveform=clip.waveform[: 5 * 1920])
  ending = _waveform(short, 0).waveform.numpy() * 32768
  np.testing.assert_array_equal(ending[: 5 * 1920], sound[: 5 * 1920])
  assert not ending[5 * 1920 :].any()


def test_clip_without_sound_has_zeros_and_a_mask_of_0():
  clip = _clip(words=("rgb",))._replace(waveform=tf.zeros([0], tf.int16))
  alone = clip._replace(frames=None, num_frames=tf.constant(1))
  for silent, start in ((clip, 45), (alone, 0)):
    for jitter_s in (0.0, 0.5):
      view = _waveform(silent, start, temporal_jitter_s=jitter_s)
      np.testing.assert_array_equal(view.waveform, np.zeros(19_200))
      assert float(view.mask) == 0.0
  silence = _clip()._replace(waveform=tf.zeros([96_000], tf.int16))
  assert float(_waveform(silence, 0).mask) == 1.0


def test_jitter_moves_the_sound_and_not_the_start():
  rising = tf.cast(tf.range(-30_000, 30_000), tf.int16)
  clip = _clip()._replace(waveform=tf.repeat(rising[::2], 4)[:96_000])
  # Sample k is -30000 + 2 (k // 4), so that a view tells where it begins.
  moves = []
  for index in range(40):
    moved = clip._replace(sample_index=tf.constant(index, tf.int64))
    view = _waveform(moved, 20, temporal_jitter_s=0.2)
    first = (float(view.waveform[0]) * 32768 + 30_000) * 2
    moves.append((first - 20 * 1920) / 48_000)
    assert float(view.start_s) == pytest.approx(0.8)
    again = _waveform(moved, 20, temporal_jitter_s=0.2)
    np.testing.assert_array_equal(view.waveform, again.waveform)
  assert max(np.abs(moves)) <= 0.2
  assert max(moves) > 0.15 and min(moves) < -0.15
  # Uniform: the mean of 40 has a standard deviation of 0.018.
  assert abs(np.mean(moves)) < 0.06


def test_jitter_stays_in_the_clip():
  clip = _clip()  # 96000 samples
  inside = clip.waveform.numpy().astype(np.float32) / 32768
  beginnings, ends = set(), set()
  for index in range(12):
    moved = clip._replace(sample_index=tf.constant(index, tf.int64))
    early = _waveform(moved, 0, temporal_jitter_s=0.2).waveform.numpy()
    late = _waveform(moved, 40, temporal_jitter_s=0.2).waveform.numpy()
    beginnings.add(np.array_equal(early, inside[:19_200]))
    ends.add(np.array_equal(late, inside[-19_200:]))
  assert beginnings == ends == {True, False}  # half of them would leave it


@pytest.fixture(name="text_spec")
def _text_spec(tmp_path):
  (tmp_path / "words.txt").write_text("<pad>\n<bos>\n<eos>\n<unk>\na\nb\nc\n")
  return views.TextViewSpec(
    vocabulary=str(tmp_path / "words.txt"), max_words=2, num_captions=2
  )


def _read(clip, spec, start, narrow=NARROW):
  begin = starts.broad_start(
    clip, spec, narrow, tf.constant(start), seed=7, name="text"
  )
  return clip_views.view(
    clip,
    spec,
    begin,
    seed=7,
    name="text",
    narrow=narrow,
    tokenizer=text.Tokenizer(spec),
  )


def test_text_view_is_near_the_middle_of_the_narrow_view(text_spec):
  clip = _clip()._replace(
    captions=tf.constant(["a a a", "b", "c"]),
    caption_times_s=tf.constant([[0, 0.3], [0.3, 1.5], [1.5, 2.0]]),
  )
  # Middles: 0.15, 0.9 and 1.75 s. NARROW lasts 8 frames, 0.32 s.
  for start, expected in (
    (0, [[4, 4], [5, 0]]),  # 0.16 s
    (18, [[4, 4], [5, 0]]),  # 0.88 s: b, then a, from 0 to 1.5
    (30, [[5, 0], [6, 0]]),  # 1.36 s
    (42, [[5, 0], [6, 0]]),  # 1.84 s
  ):
    view = _read(clip, text_spec, start)
    assert view.text.numpy().tolist() == expected, start
    assert float(view.mask) == 1.0
    assert float(view.start_s) == pytest.approx(start / 25)
  assert view.text.dtype == tf.int32 and view.text.shape == [2, 2]
  longer = dataclasses.replace(NARROW, num_frames=20)  # 1.6 s, middle 0.8
  one = dataclasses.replace(text_spec, num_captions=1)
  assert _read(clip, one, 0).text.numpy().tolist() == [[4, 4]]
  assert _read(clip, one, 0, longer).text.numpy().tolist() == [[5, 0]]


def test_text_view_starts_with_the_narrow_view_however_it_is_synced(text_spec):
  clip = _clip()
  for sync in views.Sync:
    spec = dataclasses.replace(text_spec, sync=sync)
    begin = starts.broad_start(
      clip, spec, NARROW, tf.constant(9), seed=7, name="text"
    )
    assert int(begin) == 9


def test_clip_without_captions_has_no_ids_and_a_mask_of_0(text_spec):
  clip = _clip()._replace(
    captions=tf.zeros([0], tf.string), caption_times_s=tf.zeros([0, 2])
  )
  view = _read(clip, text_spec, 3)
  np.testing.assert_array_equal(view.text, np.zeros((2, 2)))
  assert float(view.mask) == 0.0


def test_text_view_needs_a_tokenizer_and_the_narrow_view(text_spec):
  for given in ({"narrow": NARROW}, {"tokenizer": text.Tokenizer(text_spec)}):
    with pytest.raises(
      ValueError,
      match=(
        "the text view `words` needs `narrow`, the spec of the narrow view,"
        " and `tokenizer`, .* give both.$"
      ),
    ):
      clip_views.view(
        _clip(), text_spec, tf.constant(0), seed=0, name="words", **given
      )


def test_views_that_may_be_absent_are_not_evaluated(text_spec):
  for spec in (HEARD, text_spec):
    with pytest.raises(TypeError, match=f"not {type(spec).__name__}"):
      _evaluation(_clip(), spec)
  with pytest.raises(
    TypeError, match="must be RgbViewSpec, .*not TextViewSpec"
  ):
    starts.narrow_start(_clip(), text_spec, seed=0)


def test_pictures_and_sound_are_played_alike():
  clip = _clip()
  playback = windows.Playback(speed=2, reversed=True)
  place = {"seed": 0, "name": "narrow"}
  video = clip_views.view(
    clip, NARROW, tf.constant(5), playback=playback, **place
  ).video
  frames = tf.gather(clip.frames, [17, 13, 9, 5])
  expected = clip_views.view(
    clip._replace(frames=frames),
    dataclasses.replace(NARROW, frame_step=1),
    tf.constant(0),
    **place,
  ).video
  np.testing.assert_array_equal(video, expected)
  heard = clip_views.view(
    clip, HEARD, tf.constant(5), playback=playback, **place
  ).waveform
  samples = clip.waveform.numpy()[5 * 1920 :][: 2 * 19_200 : 2][::-1]
  np.testing.assert_array_equal(heard, np.float32(samples / 32768))


def test_spectrogram_of_played_sound_is_made_of_its_samples():
  clip = _clip()
  samples = clip.waveform.numpy().astype(np.float32) / 32768
  extra = 160  # that the last frames reach on
  for playback, expected in (
    (windows.Playback(speed=2), samples[9600:][: 2 * (19_200 + extra) : 2]),
    (
      windows.Playback(speed=2, reversed=True),
      samples[9600 - 2 * extra :][: 2 * (19_200 + extra) : 2][::-1],
    ),
  ):
    audio = clip_views.view(
      clip, SOUND, tf.constant(5), seed=0, name="audio", playback=playback
    ).audio
    again = spectrogram.log_mel(tf.constant(expected), SOUND.spectrogram)
    np.testing.assert_allclose(audio, again[:120], atol=3e-4)


def test_jitter_of_faster_sound_stays_in_the_clip():
  clip = _clip()
  inside = clip.waveform.numpy()[-2 * 19_200 + 1 :: 2] / 32768
  spec = dataclasses.replace(HEARD, temporal_jitter_s=0.2)
  ends = set()
  for index in range(12):
    view = clip_views.view(
      clip._replace(sample_index=tf.constant(index, tf.int64)),
      spec,
      tf.constant(30),
      seed=3,
      name="audio",
      playback=windows.Playback(speed=2),
    )
    ends.add(np.array_equal(view.waveform, np.float32(inside)))
  assert ends == {True, False}  # half of them would leave it


def test_packed_spectrogram_is_not_played_otherwise():
  clip = _clip(words=("rgb", "spectrogram"))
  with pytest.raises(ValueError, match="only be played forward at speed 1"):
    clip_views.view(
      clip,
      SOUND,
      tf.constant(0),
      seed=0,
      name="audio",
      playback=windows.Playback(speed=2),
    )


def test_every_kind_may_be_absent_where_it_is_optional(text_spec):
  flow = views.FlowViewSpec(num_frames=3, image_size=16, resize_short_side=48)
  for spec, word in (
    (NARROW, "rgb"),
    (flow, "flow"),
    (SOUND, "audio"),
    (SOUND, "spectrogram"),
    (HEARD, "audio"),
  ):
    spec = dataclasses.replace(spec, optional=True)
    modalities = {views.Modality(word)}
    found = []
    for held in ((word,), ()):
      encoded = record_fixture.make_clip(1, modalities=held)
      clip = schema.parse(
        tf.constant(encoded_clip.serialize(encoded, "hash")),
        modalities,
        tf.constant(0, tf.int64),
        tf.constant(0, tf.int64),
        optional=frozenset(modalities),
      )
      found.append(
        clip_views.view(clip, spec, tf.constant(0), seed=0, name="x")
      )
    present, absent = (getattr(view, spec.piece).numpy() for view in found)
    assert [float(view.mask) for view in found] == [1.0, 0.0]
    assert present.shape == absent.shape == spec.shape
    assert present.dtype == absent.dtype == spec.dtype
    assert present.any() and not absent.any()


def test_needed_views_of_pictures_have_no_mask_and_those_of_samples_have():
  assert (
    clip_views.view(_clip(), NARROW, tf.constant(0), seed=0, name="x").mask
    is None
  )
  needed = dataclasses.replace(HEARD, optional=False)
  view = clip_views.view(_clip(), needed, tf.constant(0), seed=0, name="x")
  assert float(view.mask) == 1.0
