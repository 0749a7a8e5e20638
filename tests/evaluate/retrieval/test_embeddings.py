"""Embeddings of test clips against the same ones made step by step."""

import dataclasses
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl import views
from tfvssl.config import protocols
from tfvssl.data import crops
from tfvssl.data import one_pass
from tfvssl.data import spectrogram
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.evaluate.retrieval import embeddings
from tfvssl.evaluate.retrieval import measuring
from tfvssl.evaluate.samples import random_network
from tfvssl.methods import base
from tfvssl.methods import mmv
from tfvssl.methods.parts import embedding_graph
from tfvssl.runtime import exit_codes
from tfvssl.train import weights

# 3 windows, of which a pass takes 2: the last pass is filled up.
_SETTINGS = protocols.Retrieval(
  temporal_clips=3, test_short_side=20, batch_size=2
)
_SENTENCES = (
  ("Red disc.", "the disc hums"),
  ("blue disc",),
  ("a blue disc hums", "red", "red disc"),
  ("blue!",),
)
_LENGTHS = (20, 30, 26, 40)  # frames of the clips, at 25 a second


def _clip(number, *, words=("rgb", "audio"), sentences=None):
  clip = record_fixture.make_clip(
    number,
    num_frames=_LENGTHS[number % 4],
    modalities=words,
    height=32,
    width=40,
  )
  if sentences is None:
    sentences = _SENTENCES[number % 4]
  captions = tuple(encoded_clip.Caption(line, 0.0, 0.5) for line in sentences)
  return dataclasses.replace(clip, captions=captions)


def _clips():
  """Returns clips that hold everything but what their number says."""
  return [
    _clip(0),
    _clip(1),
    _clip(2, words=("rgb",)),
    _clip(3, sentences=()),
    _clip(4, words=("rgb",), sentences=()),  # left out
    _clip(5, words=("audio",)),
    _clip(6, words=("audio",), sentences=()),  # left out
    _clip(7),
  ]


# Records alternate between 3 shards: 0 3 6 | 1 4 7 | 2 5 by clip.
_NUMBERS = [0, 3, 6, 1, 4, 7, 2, 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  return record_fixture.write_records(
    tmp_path_factory.mktemp("records"), _clips(), num_shards=3
  )


@pytest.fixture(scope="module")
def words(tmp_path_factory):
  return tiny_mmv_runs.vocabulary(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def method(words):
  """Untrained, but with its weights."""
  tf.keras.utils.set_random_seed(3)
  method = tiny_mmv_runs.method_config(words).build()
  weights.build_weights(method)
  return method


def _open(folder, method):
  known = measuring.directions(method.encoders())
  return embeddings.open_clips(folder, method, known)


@pytest.fixture(scope="module")
def clips(folder, method):
  return _open(folder, method)


@pytest.fixture(scope="module")
def counted(method, clips):
  """What the method makes of the clips; what is read, what is traced for it."""
  read, traced = [], []
  dataset, call = one_pass.dataset, mmv.MmvEncoder.call

  def count_read(records, *args, **kwargs):
    read.append(np.flatnonzero(records.usable).tolist())
    return dataset(records, *args, **kwargs)

  def count_traced(self, inputs, training=False):
    traced.append((self.modality, *inputs.shape))
    return call(self, inputs, training)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(one_pass, "dataset", count_read)
    patch.setattr(mmv.MmvEncoder, "call", count_traced)
    return embeddings.embed(method, clips, _SETTINGS), read, traced


@pytest.fixture(scope="module")
def found(counted):
  """What the method makes of the clips."""
  return counted[0]


def test_clips_that_hold_two_modalities_are_used(clips, found):
  usable = [_NUMBERS[i] for i in np.flatnonzero(clips.records.usable)]
  assert sorted(usable) == [0, 1, 2, 3, 5, 7]
  held = {name: [_NUMBERS[i] for i in one.clips] for name, one in found.items()}
  # In the order of the shards; that without pictures comes last.
  assert held == {
    "video": [0, 3, 1, 7, 2],
    "audio": [0, 3, 1, 7, 5],
    "text": [0, 0, 1, 7, 2, 2, 2, 5],
  }


def test_silent_sound_is_no_modality(folder, method, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "records")
  manifest = manifest_lib.load_manifest(copy)
  silent = iter(number in (1, 3, 5) for number in _NUMBERS)
  for shard in manifest.shards:
    shard.digests = [f"audio:0{'=' * next(silent)}" for _ in shard.modalities]
  manifest.save(copy / manifest_lib.MANIFEST_NAME)
  known = measuring.directions(method.encoders())
  clips = embeddings.open_clips(copy, method, known, use_silent_sound=False)
  numbers = np.array(_NUMBERS)
  # 3 and 5 hold nothing else that is compared.
  assert sorted(numbers[clips.records.usable]) == [0, 1, 2, 7]
  assert sorted(numbers[clips.held["audio"]]) == [0, 6, 7]
  assert sorted(numbers[clips.records.muted]) == [1, 3, 5]
  clips.records.usable &= numbers <= 1
  found = embeddings.embed(method, clips, _SETTINGS)
  assert {name: [*numbers[one.clips]] for name, one in found.items()} == {
    "video": [0, 1],
    "audio": [0],
    "text": [0, 0, 1],
  }


def _unit(rows):
  return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _mean_by_hand(encoder, inputs, space):
  """Averages the windows, then normalises."""
  return _unit(np.mean(encoder(inputs)[space].numpy(), axis=0))


def _starts(num_frames):
  """4 frames, every second one, span 7: 3 starts over what is left."""
  return [0, (num_frames - 7) // 2, num_frames - 7]


def test_pictures_are_regular_centre_crops(method, found):
  encoder = method.encoders()["video"]
  for row, number in enumerate([0, 3, 1, 7, 2]):
    clip = _clips()[number]
    squares = [
      crops.decode_crops(
        tf.constant([clip.frames[start + step] for step in (0, 2, 4, 6)]),
        short_side=20,
        size=16,
        num_crops=1,
      )[0]
      for start in _starts(len(clip.frames))
    ]
    pixels = tf.cast(tf.stack(squares), tf.float32) / 255.0
    for space in ("va", "vat"):
      np.testing.assert_allclose(
        found["video"].spaces[space][row],
        _mean_by_hand(encoder, pixels, space),
        atol=2e-5,  # float32 in batches of another size
      )


def test_sound_is_that_of_the_same_windows(method, found):
  encoder = method.encoders()["audio"]
  spec = method.config.partners["audio"].view
  for row, number in enumerate([0, 3, 1, 7, 5]):
    waveform = _clips()[number].waveform
    num_frames = len(waveform) // 1920
    windows = np.zeros([3, 12_000], np.float32)
    for window, start in zip(windows, _starts(num_frames), strict=True):
      samples = waveform[start * 1920 :][:12_000] / 32768.0
      window[: len(samples)] = samples
    if num_frames - 7 + round(0.25 * 25) > num_frames:
      pytest.fail("the last window would loop")
    log_mel = spectrogram.log_mel(tf.constant(windows), spec.spectrogram)
    for space in ("va", "vat"):
      np.testing.assert_allclose(
        found["audio"].spaces[space][row],
        _mean_by_hand(encoder, log_mel, space),
        atol=2e-4,  # of log-mels of other FFT batches, 3e-4
      )


def test_every_caption_is_embedded(method, found):
  encoder = method.encoders()["text"]
  _, _, _, unknown, red, blue, disc, hums = range(8)
  expected = np.array(
    [
      [red, disc, 0, 0],
      [unknown, disc, hums, 0],
      [blue, disc, 0, 0],
      [blue, 0, 0, 0],
      [unknown, blue, disc, hums],
      [red, 0, 0, 0],
      [red, disc, 0, 0],
      [blue, disc, 0, 0],
    ]
  )
  np.testing.assert_array_equal(found["text"].word_ids, expected)
  alone = encoder(tf.constant(expected, tf.int32))["vat"].numpy()
  np.testing.assert_allclose(
    found["text"].spaces["vat"], _unit(alone), atol=1e-5
  )
  assert list(found["text"].spaces) == ["vat"]


def test_plain_encoders_of_one_space_are_embedded(folder):
  """Of a method of which the protocol knows nothing else."""
  tf.keras.utils.set_random_seed(1)
  settings = tiny_runs.method_config()
  settings.broad["audio"].view.seconds = 0.25
  encoders = {
    name: base.Encoder(one.spec, one.backbone, one.heads, space="joint")
    for name, one in settings.build().encoders().items()
  }
  method = base.Method()
  method.encoders = lambda: encoders
  clips = _open(folder, method)
  assert measuring.directions(encoders) == [
    embeddings.Direction("audio", "video", "joint"),
    embeddings.Direction("video", "audio", "joint"),
  ]
  # Captions are not a modality of it: a clip of pictures and words is left out.
  usable = [_NUMBERS[i] for i in np.flatnonzero(clips.records.usable)]
  assert sorted(usable) == [0, 1, 3, 7]
  found = embeddings.embed(method, clips, _SETTINGS)
  assert {n: list(one.spaces) for n, one in found.items()} == {
    "video": ["joint"],
    "audio": ["joint"],
  }
  clip = _clips()[0]
  samples = np.stack(
    [clip.waveform[start * 1920 :][:12_000] for start in _starts(20)]
  )
  spec = encoders["audio"].spec
  log_mel = spectrogram.log_mel(
    tf.constant(samples / 32768.0, tf.float32), spec.spectrogram
  )
  np.testing.assert_allclose(
    found["audio"].spaces["joint"][0],
    _mean_by_hand(encoders["audio"], log_mel, "joint"),
    atol=2e-4,  # of log-mels of other FFT batches, 3e-4
  )


@pytest.mark.slow
def test_jitter_of_the_training_moves_nothing(
  method, clips, found, monkeypatch
):
  view = method.config.partners["audio"].view
  monkeypatch.setattr(view, "temporal_jitter_s", 0.4)
  again = embeddings.embed(method, clips, _SETTINGS)
  np.testing.assert_array_equal(
    again["audio"].spaces["va"], found["audio"].spaces["va"]
  )


def test_every_record_is_parsed_once_and_every_network_traced_once(
  clips, counted
):
  _, read, traced = counted
  assert sorted(sum(read, [])) == np.flatnonzero(clips.records.usable).tolist()
  assert sorted(traced) == [
    ("audio", 2, 13, 40),
    ("text", 2, 4),
    ("video", 2, 4, 16, 16, 3),
  ]


def test_captions_without_words_are_no_query(tmp_path, method):
  clips = [_clip(0), _clip(1, sentences=("",))]
  folder = record_fixture.write_records(tmp_path, clips, num_shards=1)
  found = embeddings.embed(method, _open(folder, method), _SETTINGS)
  assert found["text"].clips.tolist() == [0, 0]
  assert found["video"].clips.tolist() == [0, 1]


def test_sound_and_text_need_a_common_space(folder, words):
  graph = embedding_graph.Graph.DISJOINT
  method = tiny_mmv_runs.method_config(words, graph=graph).build()
  usable = _open(folder, method).records.usable
  assert sorted(_NUMBERS[i] for i in np.flatnonzero(usable)) == [0, 1, 2, 3, 7]


def test_records_with_nothing_to_compare(tmp_path, method):
  clips = [
    _clip(0, words=("rgb",), sentences=()),
    _clip(1, words=("rgb",), sentences=()),
    _clip(2, words=("audio",), sentences=()),
  ]
  record_fixture.write_records(tmp_path, clips, num_shards=1)
  with pytest.raises(
    ValueError,
    match="no clip of .* of 3 clips 2 hold video, 1 hold audio, 0 hold text."
    r" Prepare the videos with captions \(--captions",
  ):
    _open(tmp_path, method)


@pytest.mark.parametrize(
  ("change", "name"),
  [
    ({"frame_rate_hz": 30.0}, "image/frame_rate_hz"),
    ({"sample_rate_hz": 16_000}, "WAVEFORM/sample_rate_hz"),
  ],
)
def test_records_of_another_rate(tmp_path, method, change, name):
  clips = [dataclasses.replace(_clip(0), **change)]
  record_fixture.write_records(tmp_path, clips, num_shards=1)
  with pytest.raises(ValueError, match=f"have `{name}`"):
    _open(tmp_path, method)


def test_embeddings_that_are_not_finite_are_named(method, clips):
  bias = method.graph.partner_heads["audio"].linear.bias
  before = bias.numpy()
  bias.assign(tf.fill(bias.shape, np.nan))
  with pytest.raises(ValueError, match="`audio` must be finite, but 15 of 15"):
    embeddings.embed(method, clips, _SETTINGS)
  bias.assign(before)


def test_damaged_picture_is_named(tmp_path, method):
  clips = [_clip(0), _clip(1)]
  clips[1].frames[0] = b"no picture"
  record_fixture.write_records(tmp_path, clips, num_shards=1)
  with pytest.raises(exit_codes.UserError, match="record 1 at byte"):
    embeddings.embed(method, _open(tmp_path, method), _SETTINGS)


def test_calibration_sees_every_modality_alone(
  method, clips, found, monkeypatch
):
  calls = {}

  def calibrate(encoder, records, settings):
    assert settings.batch_size == 2
    assert settings.seed == 5
    numbers = [_NUMBERS[i] for i in np.flatnonzero(records.usable)]
    calls[encoder.modality] = (sorted(numbers), records.modalities)
    assert settings.spec == encoder.spec or encoder.modality == "video"

  monkeypatch.setattr(random_network, "calibrate", calibrate)
  word_ids = found["text"].word_ids
  embeddings.calibrate(method, clips, word_ids, _SETTINGS, seed=5)
  assert calls == {
    "video": ([0, 1, 2, 3, 7], {views.Modality.RGB}),
    "audio": ([0, 1, 3, 5, 7], {views.Modality.AUDIO}),
  }


def test_statistics_of_text_become_those_of_the_captions(words, monkeypatch):
  """Only a non-linear head has some."""
  settings = tiny_mmv_runs.method_config(words)
  settings.partners["text"].head = embedding_graph.Head.NON_LINEAR
  method = settings.build()
  encoder = method.encoders()["text"]
  monkeypatch.setattr(method, "encoders", lambda: {"text": encoder})
  word_ids = np.array([[4, 0, 0, 0], [5, 6, 0, 0], [6, 7, 0, 0]], np.int32)
  encoder(word_ids)  # makes the weights
  head = method.graph.partner_heads["text"]
  before = [variable.numpy() for variable in head.trainable_variables]
  clips = embeddings.Clips(
    types.SimpleNamespace(usable=np.ones(3, bool)), {"text": np.ones(3, bool)}
  )
  embeddings.calibrate(
    method, clips, word_ids, protocols.Retrieval(batch_size=256), seed=0
  )
  hidden = head.hidden(method.partner_backbones["text"](word_ids)).numpy()
  norm = head.norms[0]
  # Draws of 256 of three captions: the shares differ by some hundredths.
  spread = np.ptp(hidden, axis=0).max()
  np.testing.assert_allclose(
    norm.moving_mean, hidden.mean(0), atol=0.1 * spread
  )
  np.testing.assert_allclose(
    norm.moving_variance, hidden.var(0), atol=0.1 * spread**2
  )
  for variable, value in zip(head.trainable_variables, before, strict=True):
    np.testing.assert_array_equal(variable, value)
