"""The exported model's answers: what it gives, and what it refuses."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf

from tests import exported_runs
from tests import tiny_runs
from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import spectrogram
from tfvssl.export import module as serving
from tfvssl.methods import base


@pytest.fixture(scope="module")
def model(folder):
  return tf.saved_model.load(str(folder))


def _video(clips=2, seed=0):
  generator = np.random.default_rng(seed)
  return generator.integers(0, 256, [clips, 4, 16, 16, 3], np.uint8)


def _waveform(clips=2, seed=0):
  generator = np.random.default_rng(seed)
  return generator.uniform(-1, 1, [clips, 24_000]).astype(np.float32)


def _assert_same(outputs, expected):
  assert set(outputs) == {"backbone", "embedding"}
  for name, value in expected.items():
    # 1e-5 of the largest value: batch norm is folded into convolutions.
    scale = max(1.0, float(np.max(np.abs(value))))
    np.testing.assert_allclose(outputs[name], value, atol=1e-5 * scale, rtol=0)


def test_reloaded_outputs_equal_in_process_ones(method, model):
  encoders = method.encoders()
  video = _video()
  expected = encoders["video"](video.astype(np.float32) / 255)
  assert float(np.std(expected["backbone"])) > 1e-3
  _assert_same(
    model.signatures["video_uint8"](video=tf.constant(video)), expected
  )
  _assert_same(
    model.signatures["serving_default"](
      video=tf.constant(video.astype(np.float32) / 255)
    ),
    expected,
  )
  _assert_same(
    model.signatures["video"](
      video=tf.constant(video.astype(np.float32) / 255)
    ),
    expected,
  )
  waveform = _waveform()
  log_mel = spectrogram.log_mel(tf.constant(waveform), tiny_runs.SOUND)
  _assert_same(
    model.signatures["audio"](waveform=tf.constant(waveform)),
    encoders["audio"](log_mel),
  )


def test_sound_that_goes_on_gives_the_features_of_the_evaluation(method, model):
  """Training and evaluation hear past the view's end; so does the model."""
  waveform = _waveform(1)[0]
  generator = np.random.default_rng(9)
  after = generator.uniform(-1, 1, [6000]).astype(np.float32)
  samples = np.round(np.concatenate([waveform, after]) * 32767)
  clip = views.Clip(
    clip_id=tf.constant("a"),
    sample_index=tf.constant(0, tf.int64),
    epoch=tf.constant(0, tf.int64),
    label=tf.constant(0, tf.int64),
    num_frames=tf.constant(round(25 * len(samples) / 48_000)),
    waveform=tf.constant(samples, tf.int16),
  )
  encoder = method.encoders()["audio"]
  view = clip_views.view(
    clip, encoder.spec, tf.constant(0), seed=0, name="audio"
  )
  expected = encoder(view.audio[tf.newaxis])
  request = (samples / 32768).astype(np.float32)[np.newaxis]
  audio = model.signatures["audio"]
  _assert_same(audio(waveform=tf.constant(request[:, :24_960])), expected)
  short = audio(waveform=tf.constant(request[:, :24_000]))
  assert np.max(np.abs(short["backbone"] - expected["backbone"])) > 1e-3
  silent = np.pad(request[:, :24_000], [(0, 0), (0, 960)])
  _assert_same(audio(waveform=tf.constant(silent)), short)


def test_model_itself_chooses_the_video_signature_by_dtype(model):
  video = _video()
  expected = model.signatures["video_uint8"](video=tf.constant(video))
  _assert_same(model(video), expected)
  _assert_same(model(video.astype(np.float32) / 255), expected)
  with pytest.raises(ValueError, match="Could not find matching"):
    model(video.astype(np.float64))


def test_clip_has_one_embedding_in_any_batch(model):
  video = _video(4)
  together = model(video)
  for row in range(4):
    alone = model(video[row : row + 1])
    for name in alone:
      np.testing.assert_allclose(
        alone[name][0], together[name][row], rtol=1e-5, atol=1e-5
      )


@pytest.mark.parametrize("signature", ["video_uint8", "video", "audio"])
def test_empty_batch_gives_no_rows(model, signature):
  empty = {
    "video_uint8": {"video": tf.constant(_video(0))},
    "video": {"video": tf.zeros([0, 4, 16, 16, 3])},
    "audio": {"waveform": tf.zeros([0, 24_000])},
  }[signature]
  outputs = model.signatures[signature](**empty)
  assert outputs["embedding"].shape == (0, 8)
  assert outputs["backbone"].shape[0] == 0
  assert outputs["backbone"].shape[1] > 8


def _with(value, where, clips=2):
  video = np.full([clips, 4, 16, 16, 3], 0.5, np.float32)
  video[where] = value
  return video


_BAD_VIDEO = {
  "rank 4": (
    np.zeros([4, 16, 16, 3], np.float32),
    r"`video` must have rank 5 \[batch, 4, 16, 16, 3\]; got shape"
    r" \[4 16 16 3\]",
  ),
  "rank 6": (np.zeros([1, 2, 4, 16, 16, 3], np.float32), "must have rank 5"),
  "scalar": (np.float32(0.5), r"must have rank 5 .* got shape \[\]"),
  "vector": (np.zeros([5], np.float32), r"must have rank 5 .* shape \[5\]"),
  "frames": (
    np.zeros([2, 5, 16, 16, 3], np.float32),
    r"`video` must have shape \[batch, 4, 16, 16, 3\]; got"
    r" \[2 5 16 16 3\]",
  ),
  "height": (np.zeros([2, 4, 17, 16, 3], np.float32), r"got \[2 4 17 16 3\]"),
  "width": (np.zeros([2, 4, 16, 8, 3], np.float32), r"got \[2 4 16 8 3\]"),
  "swapped": (np.zeros([2, 16, 4, 16, 3], np.float32), "must have shape"),
  "grey": (np.zeros([2, 4, 16, 16, 1], np.float32), r"got \[2 4 16 16 1\]"),
  "alpha": (np.zeros([2, 4, 16, 16, 4], np.float32), r"got \[2 4 16 16 4\]"),
  "empty, wrong frames": (
    np.zeros([0, 5, 16, 16, 3], np.float32),
    r"got \[0 5 16 16 3\]",
  ),
  "too many": (
    np.zeros([5, 4, 16, 16, 3], np.float32),
    r"`video` must hold at most 4 clips; got \[?5\]?; send several",
  ),
  "nan": (
    _with(np.nan, (1, 2, 3, 4, 0)),
    "`video` must be finite; 1 values are NaN or infinite",
  ),
  "infinity": (_with(np.inf, (0, 0)), "768 values are NaN or infinite"),
  "0..255": (
    _with(254.0, (1, 2)),
    r"`video` must lie in \[0, 1\]; got 0.5 to 254; divide pixel values by"
    " 255 or use the signature `video_uint8`",
  ),
  "-1..1": (_with(-1.0, (0, 0, 0, 0, 0)), r"must lie in \[0, 1\]; got -1 to"),
}


@pytest.mark.parametrize("case", _BAD_VIDEO)
def test_malformed_video_is_refused_by_name(model, case):
  video, message = _BAD_VIDEO[case]
  for function in (
    lambda: model.signatures["video"](video=tf.constant(video)),
    lambda: model(tf.constant(video)),
  ):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      function()


@pytest.mark.parametrize(
  "case",
  [
    name
    for name, (video, _) in _BAD_VIDEO.items()
    if np.asarray(video).max(initial=0) == 0 or name == "scalar"
  ],
)
def test_malformed_bytes_are_refused_by_name(model, case):
  video, message = _BAD_VIDEO[case]
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    model.signatures["video_uint8"](
      video=tf.constant(np.asarray(video).astype(np.uint8))
    )


@pytest.mark.parametrize(
  ("waveform", "message"),
  [
    (
      np.zeros([24_000]),
      r"must have rank 2 \[batch, 24000\] or \[batch, 24960\]; got shape",
    ),
    (np.zeros([2, 24_000, 1]), "must have rank 2"),
    (
      np.zeros([2, 23_999]),
      r"must have shape \[batch, 24000\] or \[batch, 24960\]; got"
      r" \[2 23999\]",
    ),
    (np.zeros([2, 24_001]), r"got \[2 24001\]"),
    (np.zeros([2, 24_961]), r"got \[2 24961\]"),
    (np.zeros([5, 24_000]), "at most 4 clips"),
    (np.full([1, 24_000], np.nan), "24000 values are NaN"),
    (np.full([1, 24_000], 12_000.0), "divide 16-bit samples by 32768"),
  ],
)
def test_malformed_sound_is_refused_by_name(model, waveform, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    model.signatures["audio"](waveform=tf.constant(waveform, tf.float32))


def test_tensors_of_another_dtype_are_refused(model):
  with pytest.raises((tf.errors.InvalidArgumentError, TypeError, ValueError)):
    model.signatures["video"](video=tf.constant(_video()))
  with pytest.raises((tf.errors.InvalidArgumentError, TypeError, ValueError)):
    model.signatures["video_uint8"](video=tf.zeros([2, 4, 16, 16, 3]))


def test_random_requests_never_get_a_finite_wrong_answer(model):
  generator = np.random.default_rng(5)
  for _ in range(40):
    shape = generator.choice([0, 1, 3, 4, 16], generator.integers(0, 7))
    video = generator.uniform(0, 1, shape).astype(np.float32)
    if list(shape[1:]) == [4, 16, 16, 3] and shape[0] <= 4:
      continue
    with pytest.raises(tf.errors.InvalidArgumentError, match="`video` must"):
      model.signatures["video"](video=tf.constant(video))


def test_parallel_requests_get_the_same_answers(model):
  video = tf.constant(_video())
  expected = model.signatures["video_uint8"](video=video)["embedding"].numpy()
  with concurrent.futures.ThreadPoolExecutor(4) as pool:
    answers = pool.map(
      lambda _: model.signatures["video_uint8"](video=video)["embedding"],
      range(20),
    )
    for answer in answers:
      np.testing.assert_array_equal(answer, expected)


def test_sound_alone_is_served_by_default(method, tmp_path):
  folder = exported_runs.export(
    exported_runs.brave_experiment(),
    {"audio": method.encoders()["audio"]},
    tmp_path / "model",
  )
  model = tf.saved_model.load(str(folder))
  waveform = _waveform()
  _assert_same(
    model(waveform),
    model.signatures["serving_default"](waveform=tf.constant(waveform)),
  )


def test_run_without_sight_or_sound_is_not_served():
  with pytest.raises(
    ValueError, match="has no encoder of video, audio or text; found: "
  ):
    serving.ServingModule({})


def test_request_limit_must_allow_a_clip(method):
  with pytest.raises(ValueError, match=r"`max_batch_size` \(0\) must be"):
    serving.ServingModule(method.encoders(), 0)


def test_view_decides_what_an_encoder_is_served_as(method, caplog):
  encoders = method.encoders()
  flow = base.Encoder(views.FlowViewSpec(), tf.keras.Sequential(), [])
  chosen = serving.choose(
    {"sound": encoders["audio"], "motion": flow, "narrow": encoders["video"]}
  )
  assert chosen == {"video": encoders["video"], "audio": encoders["audio"]}
  assert list(chosen) == ["video", "audio"]
  assert [record.getMessage() for record in caplog.records] == [
    "The encoder `motion` (FlowViewSpec) is not exported: an export holds one"
    " encoder of RGB video, one of sound and one of text."
  ]
  module = serving.ServingModule(
    {"sound": encoders["audio"], "motion": flow}, 4
  )
  assert list(module.inputs) == ["audio"]
  with pytest.raises(ValueError, match="video, audio or text; found: motion"):
    serving.ServingModule({"motion": flow})


def test_of_two_encoders_of_a_kind_the_one_of_the_name_is_served(
  method, caplog
):
  video, audio = method.encoders().values()
  second = base.Encoder(audio.spec, tf.keras.Sequential(), [])
  assert serving.choose({"far": second, "audio": audio}) == {"audio": audio}
  assert "`far` (AudioViewSpec) is not exported" in caplog.text
  assert serving.choose({"far": second, "near": audio}) == {"audio": second}
  assert serving.choose({"x": video}) == {"video": video}
