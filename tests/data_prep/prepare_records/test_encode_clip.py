"""From a file to clips: lengths, ids, sound beside pictures, flow, log-mel."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import optical_flow
from data_prep.prepare_records import settings
from data_prep.prepare_records import sources
from tfvssl import views
from tfvssl.config import sound
from tfvssl.data import spectrogram
from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema


def _encode(path, notes=None, *, source=None, **choices):
  choices = {"short_side": 32, **choices}
  source = source or sources.ClipSource(
    str(path), path.name, path.name, labels=("x",), caption="words"
  )
  return list(
    encode_clip.encode(
      source, (3,), settings.Settings(**choices), notes or encode_clip.Notes()
    )
  )


def _video(seconds):
  return f"testsrc2=size=64x48:rate=25:duration={seconds}"


def test_short_video_is_one_clip(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4", video=_video(2), audio="sine=duration=2")
  (clip,) = _encode(path)
  assert (clip.clip_id, clip.start_s, clip.duration_s) == ("a.mp4", 0.0, 2.0)
  assert (clip.label_index, clip.label_text) == (3, "x")
  assert clip.other_label_indices == ()
  assert clip.captions == (encoded_clip.Caption("words", 0.0, 2.0),)
  assert (clip.height, clip.width) == (32, 43)
  assert len(clip.frames) == 50
  assert tf.io.decode_jpeg(clip.frames[0]).shape == (32, 43, 3)
  assert len(clip.waveform) == 96_000
  assert clip.flow is None and clip.spectrogram is None


def test_jpeg_shows_the_decoded_frame(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4")
  (clip,) = _encode(path, modalities=("rgb",), short_side=48, jpeg_quality=100)
  frames = streams.decode_frames(path, short_side=48)
  shown = tf.io.decode_jpeg(clip.frames[7]).numpy().astype(int)
  assert np.abs(shown - frames[7]).mean() < 6  # chroma is halved


def test_long_video_becomes_consecutive_clips(tmp_path, make_clip):
  path = make_clip(
    tmp_path / "a.mp4",
    video=_video(5.4),
    audio="aevalsrc='0.1+0.1*floor(t/2)':s=48000:d=5.4",
  )
  notes = encode_clip.Notes()
  clips = _encode(path, notes, clip_seconds=2.0)
  assert [clip.clip_id for clip in clips] == ["a.mp4#0", "a.mp4#2", "a.mp4#4"]
  assert [clip.start_s for clip in clips] == [0.0, 2.0, 4.0]
  assert [len(clip.frames) for clip in clips] == [50, 50, 35]
  assert [len(clip.waveform) for clip in clips] == [96_000, 96_000, 67_200]
  # Each clip has the sound of its own stretch.
  levels = [np.median(clip.waveform) / 32768 for clip in clips]
  np.testing.assert_allclose(levels, [0.1, 0.2, 0.3], atol=0.02)
  whole = streams.decode_frames(path, short_side=32)
  for clip, first in zip(clips, (0, 50, 100), strict=True):
    shown = tf.io.decode_jpeg(clip.frames[0]).numpy().astype(int)
    distances = np.abs(shown - whole).mean(axis=(1, 2, 3))
    assert np.argmin(distances) == first
  assert notes.tail_s == 0


def test_captions_go_to_the_clips_that_they_overlap(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4", video=_video(4.4))
  source = sources.ClipSource(
    str(path),
    "a.mp4",
    "a.mp4",
    caption="of all",
    captions=(
      encoded_clip.Caption("one", 0.5, 1.0),
      encoded_clip.Caption("both", 1.5, 3.0),
      encoded_clip.Caption("in the rest", 4.0, 4.4),
    ),
    start_s=0.4,
  )
  first, second = _encode(path, source=source, clip_seconds=2.0)
  assert (first.start_s, second.start_s) == (0.4, 2.4)
  for clip, expected in (
    (first, [("of all", 0, 2), ("one", 0.1, 0.6), ("both", 1.1, 2.0)]),
    (second, [("of all", 0, 2), ("both", 0, 0.6), ("in the rest", 1.6, 2)]),
  ):
    assert [caption.text for caption in clip.captions] == [
      text for text, *_ in expected
    ]
    np.testing.assert_allclose(
      [caption[1:] for caption in clip.captions],
      [times for _, *times in expected],
      rtol=1e-6,
    )
    assert clip.modalities() == ["rgb", "text"]


def test_short_rest_is_left_out_and_counted(tmp_path, make_clip):
  path = make_clip(
    tmp_path / "a.mp4", video=_video(2.4), audio="sine=duration=2.4"
  )
  notes = encode_clip.Notes()
  (clip,) = _encode(path, notes, clip_seconds=2.0)
  assert (clip.clip_id, len(clip.frames)) == ("a.mp4", 50)
  assert notes.tail_s == pytest.approx(0.4)
  notes = encode_clip.Notes()
  (clip,) = _encode(path, notes, clip_seconds=2.0, modalities=("audio",))
  assert len(clip.waveform) == 96_000
  assert notes.tail_s == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize(
  ("clip_seconds", "per_clip", "starts", "ids"),
  [
    (2.5, 62, [0.0, 2.48], ["0", "2.48"]),
    (
      0.5,
      12,
      [0.48 * k for k in range(10)],
      "0 0.48 0.96 1.44 1.92 2.4 2.88 3.36 3.84 4.32".split(),
    ),
  ],
)
def test_sound_stays_with_the_pictures_of_a_fraction_of_a_frame(
  tmp_path, make_clip, clip_seconds, per_clip, starts, ids
):
  """2.5 s are 62.5 frames: clips have 62, and the sound of just these."""
  path = make_clip(
    tmp_path / "a.mkv",
    "-c:a",
    "pcm_s16le",
    video=_video(4.96),
    audio="aevalsrc='0.1*t':s=48000:d=4.96",
  )
  choices = {"clip_seconds": clip_seconds, "min_tail_seconds": 0.2}
  clips = _encode(path, **choices)
  assert [len(clip.frames) for clip in clips[:-1]] == (
    [per_clip] * (len(starts) - 1)
  )
  assert [clip.start_s for clip in clips] == pytest.approx(starts)
  assert [clip.clip_id for clip in clips] == [f"a.mkv#{i}" for i in ids]
  for clip in clips:
    assert len(clip.waveform) == clip.valid_samples == 1920 * len(clip.frames)
    # The level at the clip's first sample tells when it was heard.
    assert clip.waveform[0] / 3276.8 == pytest.approx(clip.start_s, abs=1e-3)
  sounds = _encode(path, modalities=("audio",), **choices)
  assert [clip.clip_id for clip in sounds] == [clip.clip_id for clip in clips]
  for alone, clip in zip(sounds, clips, strict=True):
    np.testing.assert_array_equal(alone.waveform, clip.waveform)


@pytest.mark.parametrize("words", [("rgb",), ("audio",)])
def test_whole_clips_shorter_than_the_least_tail_are_kept(
  tmp_path, make_clip, words
):
  path = make_clip(
    tmp_path / "a.mkv",
    "-c:a",
    "pcm_s16le",
    video=_video(2.6),
    audio="sine=duration=2.6:sample_rate=48000",
  )
  notes = encode_clip.Notes()
  clips = _encode(
    path, notes, clip_seconds=0.8, min_tail_seconds=1.0, modalities=words
  )
  assert [clip.start_s for clip in clips] == pytest.approx([0, 0.8, 1.6])
  assert notes.tail_s == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("words", [("rgb",), ("audio",)])
def test_damage_behind_the_first_of_short_clips_is_found(
  tmp_path, make_clip, words
):
  path = make_clip(
    tmp_path / "a.mkv",
    "-c:a",
    "pcm_s16le",
    video=_video(3),
    audio="sine=duration=3:sample_rate=48000",
  )
  content = path.read_bytes()
  path.write_bytes(content[: len(content) * 2 // 3])
  with pytest.raises(streams.MediaError, match="truncated"):
    _encode(path, clip_seconds=0.8, min_tail_seconds=1.0, modalities=words)


def test_stretch_of_a_csv_row(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4", video=_video(3))
  source = sources.ClipSource(
    str(path), "a.mp4", "a.mp4#0.8", start_s=0.8, end_s=2.0
  )
  (clip,) = _encode(path, source=source)
  assert (clip.clip_id, clip.start_s) == ("a.mp4#0.8", 0.8)
  assert len(clip.frames) == 30


def test_clips_with_own_ids_keep_the_path_of_their_file(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4", video=_video(1))
  for number in range(2):
    source = sources.ClipSource(
      str(path),
      ("./" * number) + "films/a.mp4",
      f"piece{number}",
      start_s=number / 2,
      end_s=(number + 1) / 2,
    )
    (clip,) = _encode(path, source=source, modalities=("rgb",))
    record = tf.train.SequenceExample.FromString(
      encoded_clip.serialize(clip, "")
    )
    context = record.context.feature
    assert context["clip/id"].bytes_list.value == [b"piece%d" % number]
    assert context["clip/path"].bytes_list.value == [b"films/a.mp4"]


def test_sound_is_absent_where_the_file_has_none(tmp_path, make_clip):
  (clip,) = _encode(make_clip(tmp_path / "a.mp4"))
  assert clip.waveform is None
  assert clip.modalities() == ["rgb", "text"]


def test_short_sound_is_filled_up_and_noted(tmp_path, make_clip):
  path = make_clip(
    tmp_path / "a.mkv",
    "-c:a",
    "pcm_s16le",
    video=_video(2),
    audio="aevalsrc=0.5:s=48000:d=1.2",
  )
  notes = encode_clip.Notes()
  (clip,) = _encode(path, notes)
  assert len(clip.waveform) == 96_000
  assert clip.valid_samples == 57_600
  assert not clip.waveform[57_600:].any() and clip.waveform[57_599]
  assert notes.padded == ["a.mkv"]
  record = tf.train.SequenceExample.FromString(encoded_clip.serialize(clip, ""))
  feature = record.context.feature["WAVEFORM/valid_samples"]
  assert feature.int64_list.value[0] == 57_600


def test_sound_that_ends_before_a_clip_is_absent_there(tmp_path, make_clip):
  path = make_clip(
    tmp_path / "a.mkv",
    "-c:a",
    "pcm_s16le",
    video=_video(4),
    audio="aevalsrc=0.5:s=48000:d=2",
  )
  first, second = _encode(path, clip_seconds=2.0)
  assert first.waveform is not None
  assert second.waveform is None


def test_digital_silence_is_kept_and_noted(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4", "-c:v", "libx264", audio="anullsrc=d=1")
  notes = encode_clip.Notes()
  (clip,) = _encode(path, notes)
  assert clip.waveform is not None
  assert notes.silent == ["a.mp4"]


def test_only_sound(tmp_path, make_clip):
  path = make_clip(
    tmp_path / "a.ogg",
    "-c:a",
    "libvorbis",
    video=None,
    audio="sine=duration=4.5",
  )
  clips = _encode(path, clip_seconds=2.0, modalities=("audio",))
  assert [clip.clip_id for clip in clips] == ["a.ogg#0", "a.ogg#2"]
  assert clips[0].frames is None
  with pytest.raises(streams.MediaError, match="no_video"):
    _encode(path)


def test_inputs_that_are_never_opened(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4")
  refused = sources.ClipSource(str(path), "a", "a", refused="a link")
  with pytest.raises(streams.MediaError, match="outside_input: a link"):
    _encode(path, source=refused)
  with pytest.raises(streams.MediaError, match="missing: the file is gone"):
    _encode(tmp_path / "gone.mp4")
  with pytest.raises(streams.MediaError, match="no_audio"):
    _encode(path, modalities=("audio",))


@pytest.mark.parametrize(("dtype", "atol"), [("float16", 5e-3), ("float32", 0)])
def test_packed_spectrogram_is_that_of_the_packed_waveform(
  tmp_path, make_clip, dtype, atol
):
  path = make_clip(
    tmp_path / "a.mp4", audio="anoisesrc=d=1:amplitude=0.9:seed=1"
  )
  (clip,) = _encode(
    path,
    modalities=("audio", "rgb", "spectrogram"),
    spectrogram_dtype=dtype,
  )
  record = encoded_clip.serialize(clip, "")
  parsed = schema.parse(
    tf.constant(record),
    {views.Modality.AUDIO, views.Modality.SPECTROGRAM},
    tf.constant(0, tf.int64),
    tf.constant(0, tf.int64),
  )
  expected = spectrogram.log_mel(
    spectrogram.from_pcm16(parsed.waveform), sound.SpectrogramSpec()
  )
  assert parsed.spectrogram.shape == expected.shape == (300, 80)
  np.testing.assert_allclose(parsed.spectrogram, expected, atol=atol, rtol=0)
  assert np.asarray(expected).max() > 8  # where float16 is coarsest


def test_spectrogram_without_waveform(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4", audio="sine=duration=1")
  (clip,) = _encode(path, modalities=("spectrogram",))
  assert clip.modalities() == ["spectrogram", "text"]
  assert clip.spectrogram.dtype == np.float16


def test_flow_of_a_moving_texture_through_a_record(tmp_path, make_clip):
  """The texture moves 4 px right and 2 px up a frame at twice the size."""
  path = make_clip(
    tmp_path / "a.mp4",
    "-vf",
    "geq=lum='128+50*sin((X-4*N)*0.09)+50*cos((Y+2*N)*0.08+(X-4*N)*0.05)'"
    ":cb=128:cr=128",
    "-qp",
    "0",
    video="color=size=160x128:rate=25:duration=0.16",
  )
  (clip,) = _encode(
    path,
    modalities=("flow", "rgb"),
    short_side=128,
    flow=optical_flow.FlowSettings(short_side=64),
  )
  record = encoded_clip.serialize(clip, "")
  parsed = schema.parse(
    tf.constant(record),
    {views.Modality.FLOW},
    tf.constant(0, tf.int64),
    tf.constant(0, tf.int64),
  )
  assert len(parsed.flow) == len(clip.frames) == 4
  for image in parsed.flow:
    packed = tf.io.decode_png(image)[..., 0].numpy()
    assert packed.shape == (128, 80)
    flow = optical_flow.unpack(packed, clip.flow_bound_px)
    mean = flow[10:-10, 10:-10].mean(axis=(0, 1))
    np.testing.assert_allclose(mean, [2.0, -1.0], atol=0.1)
  context = tf.train.SequenceExample.FromString(record).context.feature
  assert context["flow/short_side_px"].int64_list.value == [64]


def test_several_labels_and_none(tmp_path, make_clip):
  path = make_clip(tmp_path / "a.mp4")
  source = sources.ClipSource(str(path), "a.mp4", "a", labels=("y", "x"))
  choices = settings.Settings(short_side=32)
  found = [
    next(encode_clip.encode(source, labels, choices, encode_clip.Notes()))
    for labels in ((4, 0, 2), ())
  ]
  assert [(c.label_index, c.other_label_indices) for c in found] == [
    (4, (0, 2)),
    (-1, ()),
  ]
  assert found[0].label_text == "y|x"


@pytest.mark.parametrize(
  ("file_s", "expected"), [(1.4, (0.0, 35)), (2.0, (0.4, 25))]
)
def test_file_no_longer_than_its_stretch_is_that_stretch(
  tmp_path, make_clip, file_s, expected
):
  path = make_clip(tmp_path / "a.mp4", video=_video(file_s))
  source = sources.ClipSource(
    str(path), "a.mp4", "a", start_s=0.4, end_s=1.4, may_be_cut=True
  )
  (clip,) = _encode(path, source=source, modalities=("rgb",))
  assert (pytest.approx(clip.start_s), len(clip.frames)) == expected
