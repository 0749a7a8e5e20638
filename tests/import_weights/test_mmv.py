"""Published MMV weights: files in their form in, runs with them out."""

import json
import pickle

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_mmv_runs
from tests.golden.mmv import parameters
from tfvssl.backbones import haiku_names
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import s3d
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment as config
from tfvssl.import_weights import assignment
from tfvssl.import_weights import mmv as published_mmv
from tfvssl.import_weights import published_file
from tfvssl.methods.parts import embedding_graph
from tfvssl.optim import adam
from tfvssl.train import weights

_BLOCKS = (1,)
_BACKBONES = {
  "tsm": tsm_resnet.TSMResNetConfig(blocks=_BLOCKS, width=0.125),
  "s3d": s3d.S3DConfig(width=0.125),
}


@pytest.fixture(autouse=True)
def _short_networks(request, monkeypatch):
  if "published_sizes" not in request.fixturenames:
    monkeypatch.setattr(published_mmv, "BLOCKS", _BLOCKS)


@pytest.fixture
def published_sizes():
  """Asks for networks as deep as the published ones."""


@pytest.fixture
def words(tmp_path):
  return tiny_mmv_runs.vocabulary(tmp_path)


def _method(words, backbone):
  settings = tiny_mmv_runs.method_config(
    words,
    video_backbone=_BACKBONES[backbone],
    relu_before_coarse=True,
    fine_dim=12,
    coarse_dim=8,
  )
  settings.partners["audio"].backbone = resnet_audio.AudioResNetConfig(
    blocks=_BLOCKS, width=0.0625
  )
  experiment = config.Experiment(method=settings, optimizer=adam.AdamConfig())
  return weights.fresh_method(experiment, 5)


def _tree(method, *, strip_tilde=False):
  """Returns what a published file of the method's weights would hold."""
  params, state = {}, {}
  roots = {
    method.video_backbone: published_mmv._VIDEO[
      type(method.config.video_backbone)
    ],
    method.partner_backbones[
      "audio"
    ]: "text_audio_video/audio_module/~/res_net_v2",
    method.partner_backbones["text"]: "text_audio_video/text_module",
    method.graph: "text_audio_video/~_get_pair_embedding_heads",
  }
  for network, root in roots.items():
    for name, variable in network.haiku_variables(root).items():
      path, leaf = haiku_names.checkpoint_key(name).split(":")
      if strip_tilde:
        path = path.replace("/~/", "/")
      array = variable.numpy()
      if leaf == "average":
        array = array[np.newaxis]
        state[path] = {
          "average": array,
          "hidden": array * np.float32(0.5),
          "counter": np.array(7, np.int32),
        }
      else:
        if path.endswith("text_conv1") and leaf == "w":
          array = array[np.newaxis]
        params.setdefault(path, {})[leaf] = array
  heads = "text_audio_video/~_get_pair_embedding_heads"
  for dead in ("audio2txt_embd", "txt2audio_embd"):
    params[f"{heads}/{dead}/final_projection"] = {
      "w": np.ones((3, 2), np.float32),
      "b": np.zeros(2, np.float32),
    }
  return {"params": params, "state": state}


def _write(path, tree):
  path.write_bytes(pickle.dumps(tree, protocol=4))
  return published_file.read_mmv(path)


def _outputs(method):
  ids = tf.constant([[4, 6, 7, 0], [5, 6, 0, 0]])
  video = tf.random.stateless_uniform([2, 4, 16, 16, 3], [1, 2])
  log_mel = tf.random.stateless_uniform([2, 13, 80], [3, 4])
  encoders = method.encoders()
  found = {
    "video": encoders["video"](video),
    "audio": encoders["audio"](log_mel),
  }
  if "text" in encoders:
    found["text"] = encoders["text"](ids)
  return tf.nest.map_structure(lambda x: x.numpy(), found)


@pytest.mark.parametrize(
  ("backbone", "strip_tilde"),
  [
    ("tsm", False),
    ("tsm", True),
    pytest.param("s3d", False, marks=pytest.mark.slow),
  ],
)
def test_the_run_gives_the_outputs_of_the_weights(
  backbone, strip_tilde, words, tmp_path
):
  method = _method(words, backbone)
  for variable in method.variables:  # also moving averages
    variable.assign(variable + 0.01)
  published = _write(tmp_path / "x.pkl", _tree(method, strip_tilde=strip_tilde))
  report = published_mmv.import_run(
    published, tmp_path / "RUN", vocabulary=words
  )
  assert report.tensors == len(method.variables)
  assert list(report.ignored) == [
    "heads that no loss used",
    "parts of averages",
  ]
  assert len(report.ignored["heads that no loss used"]) == 4
  experiment, imported, step = weights.load_method(tmp_path / "RUN")
  assert step == 0
  assert experiment.method.relu_before_coarse
  # Paper A.2: one central crop of 200 of 224, for each protocol alike.
  for settings in (experiment.svm, experiment.retrieval):
    assert settings.test_short_side == 224
    assert settings.spatial_crops == 1
  assert experiment.method.video_backbone == method.config.video_backbone
  expected, found = _outputs(method), _outputs(imported)
  tf.nest.map_structure(np.testing.assert_array_equal, found, expected)
  written = json.loads(
    (tmp_path / "RUN" / assignment.IMPORT_NAME).read_text("utf-8")
  )
  assert written["source"] == "mmv" and written["file"] == "x.pkl"
  assert written["sha256"] == published.sha256


def test_without_the_vocabulary_text_is_left_out(words, tmp_path):
  method = _method(words, "tsm")
  published = _write(tmp_path / "x.pkl", _tree(method))
  report = published_mmv.import_run(published, tmp_path / "RUN")
  (text,) = [
    names for reason, names in report.ignored.items() if "vocabulary" in reason
  ]
  assert any("text_module" in name for name in text)
  assert any("vis_embd" in name for name in text)
  _, imported, _ = weights.load_method(tmp_path / "RUN")
  assert imported.config.graph == embedding_graph.Graph.SHARED
  expected, found = _outputs(method), _outputs(imported)
  assert set(found) == {"video", "audio"}
  for modality in found:
    for name in ("backbone", "va"):
      np.testing.assert_array_equal(
        found[modality][name], expected[modality][name]
      )


def _without(tree, part):
  return {
    kind: {name: v for name, v in modules.items() if part not in name}
    for kind, modules in tree.items()
  }


def _first(tree, part):
  return next(name for name in tree["params"] if part in name)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (
      lambda tree: _without(tree, "/audio_embd"),
      "has no tensor '.*audio_embd/final_projection/w' .of `graph` it lacks 2"
      " of ",
    ),
    (
      lambda tree: _without(tree, "res_net_v2"),
      r"holds no tensor '.../res_net_v2/initial_conv/w' of rank 4, so it is not"
      " a file of MMV's networks",
    ),
    (
      lambda tree: {
        **tree,
        "params": {**tree["params"], "extra": {"w": np.ones(2)}},
      },
      "holds the tensor 'extra/w' .and 0 more., which no network here has",
    ),
  ],
)
def test_what_does_not_fit_is_refused(change, message, words, tmp_path):
  tree = change(_tree(_method(words, "tsm")))
  published = _write(tmp_path / "x.pkl", tree)
  with pytest.raises(ValueError, match=message):
    published_mmv.import_run(published, tmp_path / "RUN", vocabulary=words)
  assert not (tmp_path / "RUN").exists()


def test_a_size_without_bounds_is_refused(words, tmp_path):
  tree = _tree(_method(words, "tsm"))
  name = _first(tree, "text_module/~/embed")
  tree["params"][name]["embeddings"] = np.zeros((0, 6), np.float32)
  published = _write(tmp_path / "x.pkl", tree)
  with pytest.raises(
    ValueError,
    match="tensor 'text_module/embed/embeddings' of .* has the size 0; it must"
    " be from 1 to",
  ):
    published_mmv.import_run(published, tmp_path / "RUN", vocabulary=words)


@pytest.mark.parametrize(
  ("backbone", "part"),
  [
    ("tsm", "tsm_resnet_stem"),
    ("s3d", "1a_7x7/~/conv3_d"),
    ("tsm", "initial_"),
  ],
)
def test_networks_without_bounds_are_refused(backbone, part, words, tmp_path):
  tree = _tree(_method(words, backbone))
  name = _first(tree, part)
  found = tree["params"][name]["w"]
  for channels, message in (
    (8192, "width 128; it must be at most 4"),
    (10**12, "has the size 1000000000000; it must be from 1"),
  ):
    shape = (*[0] * (found.ndim - 2), found.shape[-2], channels)
    tree["params"][name]["w"] = np.zeros(shape, np.float32)
    published = _write(tmp_path / "x.pkl", tree)
    with pytest.raises(ValueError, match=message):
      published_mmv.import_run(published, tmp_path / "RUN", vocabulary=words)


def test_names_that_differ_by_tildes_only_are_refused():
  arrays = {"a/~/b/w": np.ones(1), "a/b/w": np.ones(1)}
  with pytest.raises(ValueError, match="holds 'a/b/w' twice, but for '~'"):
    published_mmv.canonical(arrays)


@pytest.mark.slow
def test_golden_parameters_give_the_golden_outputs(
  published_sizes, mmv_dir, mmv_golden, tmp_path
):
  """Networks of the published sizes, but for the number of words."""
  tree = {"params": {}, "state": {}}
  seed = 11
  models = json.loads((mmv_dir / "model_tensors.json").read_text())["tensors"]
  heads = json.loads((mmv_dir / "heads_tensors.json").read_text())["tensors"]
  for tensors in (
    models["s3d_space_to_depth"],
    models["audio_resnet50"],
    heads["fac_relu_dv1024"],
  ):
    for kind, part in (("params", "params"), ("bn_state", "state")):
      for key, shape in tensors[kind].items():
        path, leaf = key.split(":")
        value = parameters.value(key, tuple(shape), seed)
        tree[part].setdefault(path, {})[leaf] = value
  words = tmp_path / "words.txt"
  special = ["<pad>", "<bos>", "<eos>", "<unk>"]
  words.write_text("\n".join(special + [f"w{n}" for n in range(60)]))
  published = _write(tmp_path / "mmv_s3d.pkl", tree)
  published_mmv.import_run(published, tmp_path / "RUN", vocabulary=str(words))
  _, method, _ = weights.load_method(tmp_path / "RUN")
  video = mmv_golden("s3d_s2d_eval")
  # As tests/golden/mmv: 1e-5 of the largest value.
  parameters.check_close(
    method.video_backbone(parameters.video(video["frames"])),
    video["out|Embeddings"],
    atol=1e-5,
    name="video",
  )
  sound = mmv_golden("audio50_eval")
  parameters.check_close(
    method.partner_backbones["audio"](sound["spectrogram"][..., 0]),
    sound["out|output"],
    atol=1e-5,
    name="audio",
  )
  vectors = mmv_golden("heads_dv1024")
  ids = vectors["word_ids"].reshape(-1, 16)
  parameters.check_close(
    method.encoders()["text"](ids)["vat"],
    vectors["fac_relu|eval|txt_embd.tovid"],
    atol=1e-5,
    name="text",
  )
