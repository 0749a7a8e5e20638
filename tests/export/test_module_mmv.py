"""The exported MMV: sentences, spaces, still images, and their rules."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests import exported_runs
from tests import tiny_mmv_runs
from tfvssl import views
from tfvssl.backbones import r3d
from tfvssl.backbones import tsm_resnet
from tfvssl.deflate import networks
from tfvssl.export import description as export_format
from tfvssl.export import inputs as serving_inputs
from tfvssl.export import module as serving
from tfvssl.methods import base

# By the ids of tiny_mmv_runs.WORDS; <unk> is 3, padding 0, of 4 words.
_SENTENCES = {
  "Red disc!": ([4, 6, 0, 0], 2),
  "the disc hums": ([3, 6, 7, 0], 2),
  "blue  blue\tdisc hums red": ([5, 5, 6, 7], 4),
  "nothing of it": ([3, 3, 3, 0], 0),
}
_SPACES = {
  "video": {"va": 12, "vat": 8},
  "audio": {"va": 12, "vat": 8},
  "text": {"vat": 8},
}


@pytest.fixture(scope="module")
def words(tmp_path_factory):
  return tiny_mmv_runs.vocabulary(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def method(words):
  return exported_runs.method(exported_runs.mmv_experiment(words))


@pytest.fixture(scope="module")
def folder(words, method, tmp_path_factory):
  return exported_runs.export(
    exported_runs.mmv_experiment(words),
    method.encoders(),
    tmp_path_factory.mktemp("export") / "model",
    networks.Image.NAIVE,
  )


@pytest.fixture(scope="module")
def model(words, folder):
  """The reloaded export; its vocabulary file is away meanwhile."""
  path = pathlib.Path(words)
  hidden = path.rename(path.with_name("hidden.txt"))
  try:
    return tf.saved_model.load(str(folder))
  finally:
    hidden.rename(path)


def _images(count=2):
  generator = np.random.default_rng(1)
  return generator.integers(0, 256, [count, 16, 16, 3], np.uint8)


def _assert_same(outputs, expected):
  assert set(expected) <= set(outputs)
  for name, value in expected.items():
    # 1e-5 of the largest value: batch norm is folded into convolutions.
    scale = max(1.0, float(np.max(np.abs(value))))
    np.testing.assert_allclose(outputs[name], value, atol=1e-5 * scale, rtol=0)


def test_sentences_give_the_embeddings_of_their_words(method, model):
  ids, known_words = zip(*_SENTENCES.values())
  expected = method.encoders()["text"](tf.constant(ids, tf.int32))
  assert float(np.std(expected["vat"])) > 1e-3
  sentences = tf.constant(list(_SENTENCES))
  # A call without a name and one of the model itself, too.
  for outputs in (
    model.signatures["text"](sentences=sentences),
    model.signatures["text"](sentences),
    model(sentences),
  ):
    _assert_same(outputs, expected)
    np.testing.assert_array_equal(outputs["known_words"], known_words)
    assert outputs["known_words"].dtype == tf.int32
    np.testing.assert_array_equal(outputs["before_head"], outputs["backbone"])
    np.testing.assert_array_equal(outputs["embedding"], outputs["vat"])


def test_every_space_is_an_output_of_its_name(method, model):
  generator = np.random.default_rng(0)
  video = generator.uniform(0, 1, [2, 4, 16, 16, 3]).astype(np.float32)
  expected = method.encoders()["video"](video)
  outputs = model.signatures["video"](video=tf.constant(video))
  _assert_same(outputs, expected)
  np.testing.assert_array_equal(outputs["before_head"], outputs["backbone"])
  for signature in ("video_uint8", "video", "audio", "text", "image"):
    modality = serving_inputs.modality_of(signature)
    spaces = _SPACES["video" if modality == "image" else modality]
    found = model.signatures[signature].structured_outputs
    common = {"backbone", "embedding", "before_head"}
    counts = {"known_words"} if signature == "text" else set()
    assert set(found) == common | counts | set(spaces)
  assert set(model.signatures) == {
    "serving_default",
    "video_uint8",
    "video",
    "frames_jpeg",
    "audio",
    "text",
    "image_uint8",
    "image",
  }


def test_vocabulary_of_another_kind_counts_what_is_left(tmp_path):
  np.save(tmp_path / "dict.npy", np.array(["red", "disc", "the"]))
  (tmp_path / "stop.txt").write_text("the\n")
  spec = views.TextViewSpec(
    vocabulary=str(tmp_path / "dict.npy"),
    vocabulary_format=views.Vocabulary.MIL_NCE,
    stop_words=str(tmp_path / "stop.txt"),
    max_words=3,
  )
  tokens = serving.Tokens(spec)
  ids, known_words = tokens(tf.constant(["The red, red disc disc", "a b", ""]))
  assert ids.numpy().tolist() == [[1, 1, 2], [0, 0, 0], [0, 0, 0]]
  assert known_words.numpy().tolist() == [3, 0, 0]
  assert tokens.vocabulary() == ["red", "disc"]


@pytest.mark.parametrize(
  ("sentences", "message"),
  [
    ("red", r"`sentences` must have rank 1 \[batch\]; got shape \[\]"),
    ([["red"], ["disc"]], r"must have rank 1 \[batch\]; got shape \[2 1\]"),
    (["red"] * 5, r"must hold at most 4 sentences; got \[?5\]?; send several"),
  ],
)
def test_malformed_text_is_refused_by_name(model, sentences, message):
  for function in (
    lambda: model.signatures["text"](sentences=tf.constant(sentences)),
    lambda: model(tf.constant(sentences)),
  ):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      function()


def test_no_sentence_gives_no_rows(model):
  outputs = model.signatures["text"](sentences=tf.constant([], tf.string))
  assert outputs["vat"].shape == (0, 8)
  assert outputs["known_words"].shape == (0,)


def test_text_that_is_no_utf8_has_no_known_word(model):
  outputs = model.signatures["text"](sentences=tf.constant([b"\xff\xfe", b""]))
  assert outputs["known_words"].numpy().tolist() == [0, 0]
  assert np.isfinite(outputs["vat"]).all()


def test_naive_image_goes_through_the_network_without_shifts(method, model):
  images = _images()
  pixels = images.astype(np.float32) / 255
  twin = tsm_resnet.TSMResNetConfig(
    blocks=(1,), width=0.125, shift_fraction=0.0
  ).build("twin")
  twin(tf.zeros([1, 1, 16, 16, 3]))
  twin.set_weights(method.video_backbone.get_weights())
  features = twin(pixels[:, np.newaxis])
  expected = {"backbone": features, **method.graph.video(features)}
  _assert_same(
    model.signatures["image_uint8"](image=tf.constant(images)), expected
  )
  _assert_same(model.signatures["image"](image=tf.constant(pixels)), expected)


def test_repeated_image_goes_through_the_video_network(method, tmp_path):
  encoders = method.encoders()
  image = networks.encoder(
    encoders["video"],
    networks.Image.REPEATED,
    tmp_path,
  )
  module = serving.ServingModule(encoders, 4, image)
  images = _images()
  videos = np.repeat(images[:, np.newaxis], 4, axis=1)
  expected = encoders["video"](videos.astype(np.float32) / 255)
  found = module.embed("image_uint8", tf.constant(images))
  _assert_same(found, expected)


@pytest.mark.parametrize(
  ("images", "message"),
  [
    (
      np.zeros([1, 4, 16, 16, 3]),
      r"`image` must have rank 4 \[batch, 16, 16, 3\]; got shape",
    ),
    (np.zeros([1, 16, 8, 3]), r"must have shape \[batch, 16, 16, 3\]; got"),
    (np.zeros([5, 16, 16, 3]), "must hold at most 4 images"),
    (np.full([1, 16, 16, 3], np.nan), "768 values are NaN"),
    (np.full([1, 16, 16, 3], 9.0), "or use the signature `image_uint8`"),
  ],
)
def test_malformed_images_are_refused_by_name(model, images, message):
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    model.signatures["image"](image=tf.constant(images, tf.float32))


def test_images_need_a_network_that_has_the_form(words, method, tmp_path):
  experiment = exported_runs.mmv_experiment(words)
  encoders = method.encoders()
  naive = networks.Image.NAIVE
  with pytest.raises(ValueError, match=r"`image` \(naive\) needs a video netw"):
    exported_runs.export(
      experiment, {"audio": encoders["audio"]}, tmp_path / "a", naive
    )
  video = encoders["video"]
  video.backbone_config = r3d.R3DConfig()
  with pytest.raises(TypeError, match="R3DConfig.* has no deflated form"):
    exported_runs.export(experiment, encoders, tmp_path / "a", naive)
  # Of a network that was made of another one nothing is known.
  encoders["video"] = video.with_backbone(video.spec, video.backbone)
  with pytest.raises(TypeError, match="NoneType.* has no deflated form"):
    exported_runs.export(experiment, encoders, tmp_path / "a", naive)
  assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def brave():
  return exported_runs.method(exported_runs.brave_experiment())


def _of_the_network_without_shifts(video, images):
  twin = tsm_resnet.TSMResNetConfig(
    blocks=(1,), width=0.125, shift_fraction=0.0
  ).build("twin")
  twin(tf.zeros([1, 1, 16, 16, 3]))
  twin.set_weights(video.backbone.get_weights())
  return base.Encoder(video.spec, twin, video.heads)(images[:, np.newaxis])


def test_naive_image_of_a_method_with_a_projector(brave, tmp_path):
  video = brave.encoders()["video"]
  image = networks.encoder(video, networks.Image.NAIVE, tmp_path)
  module = serving.ServingModule({"video": video}, 4, image)
  images = _images().astype(np.float32) / 255
  found = module.embed("image", tf.constant(images))
  _assert_same(found, _of_the_network_without_shifts(video, images))
  assert set(found) == {"backbone", "embedding"}


@pytest.mark.slow
def test_naive_image_of_a_method_with_a_projector_is_exported(brave, tmp_path):
  video = brave.encoders()["video"]
  folder = exported_runs.export(
    exported_runs.brave_experiment(),
    {"video": video},
    tmp_path / "model",
    networks.Image.NAIVE,
  )
  images = _images().astype(np.float32) / 255
  expected = _of_the_network_without_shifts(video, images)
  model = tf.saved_model.load(str(folder))
  found = model.signatures["image"](image=tf.constant(images))
  _assert_same(found, expected)
  assert set(found) == {"backbone", "embedding"}
  assert export_format.load_description(folder)["image"] == {"network": "naive"}


_LOAD = """
import json, sys
sys.modules["tfvssl"] = None  # an import of it fails
import numpy as np, tensorflow as tf
folder = sys.argv[1]
golden = np.load(folder + "/golden.npz")
model = tf.saved_model.load(folder)
outputs = model.signatures["text"](sentences=tf.constant(
    golden["text/sentences"]))
for name, value in outputs.items():
  np.testing.assert_allclose(
      value, golden["text/" + name], rtol=0,
      atol=1e-5 * max(1, abs(golden["text/" + name]).max()))
print("loaded without tfvssl")
"""


@pytest.mark.slow
def test_text_loads_and_answers_without_this_package(folder, tmp_path):
  result = subprocess.run(
    [sys.executable, "-c", _LOAD, str(folder)],
    cwd=tmp_path,
    capture_output=True,
    text=True,
    timeout=300,
    env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
  )
  assert result.stdout.strip().endswith("loaded without tfvssl"), result.stderr


def test_golden_answers_of_sentences_are_those_of_the_model(folder, model):
  with np.load(folder / "golden.npz", allow_pickle=False) as golden:
    assert golden["text/sentences"].tolist() == [
      "",
      "hums",
      "red red blue blue disc disc hums hums",
    ]
    assert golden["text/known_words"].tolist() == [0, 1, 4]
    expected = {
      key.removeprefix("text/"): golden[key]
      for key in golden.files
      if key.startswith("text/")
    }
  sentences = tf.constant(expected.pop("sentences"))
  _assert_same(model.signatures["text"](sentences=sentences), expected)


def test_golden_sentences_reach_from_the_first_word_to_the_last():
  words = [f"w{i}" for i in range(100)]
  empty, last, many = export_format.golden_sentences(words, 4)
  assert (empty, last, many) == ("", "w99", "w0 w33 w66 w99")
  assert export_format.golden_sentences(["one"], 2) == ["", "one", "one one"]
  assert export_format.golden_sentences([]) == [""]


def test_description_says_what_text_and_images_are(words, folder):
  description = export_format.load_description(folder)
  assert description["serving_default"] == "video"
  assert description["text"] == {
    "max_words": 4,
    "vocabulary_format": "dmvr",
    "vocabulary_size": 4,
  }
  assert description["image"] == {"network": "naive"}
  text = description["signatures"]["text"]
  assert (text["input"], text["dtype"]) == ("sentences", "string")
  assert (text["shape"], text["range"]) == ([], None)
  assert text["outputs"]["vat"] == 8
  assert text["outputs"]["known_words"] is None
  card = (folder / "README.md").read_text()
  assert "| `text` | `sentences` | string | [batch] | UTF-8 |" in card
  assert "| `image` | `image` | float32 | [batch, 16, 16, 3] | 0 to 1 |" in card
  assert "- `audio`: `va` [batch, 12], `vat` [batch, 8]" in card
  assert "`known_words` int32 [batch] counts" in card
  assert "naive deflation, not trained anew" in card
  for path in folder.rglob("*"):
    if path.is_file():
      assert str(pathlib.Path(words).parent).encode() not in path.read_bytes()
