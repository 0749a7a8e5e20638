"""Every published tensor gets to its variable, or the import is refused."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf

from tests import published_files
from tests.golden import golden_parameters
from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import sound
from tfvssl.import_weights import brave as published_brave
from tfvssl.import_weights import published_file
from tfvssl.methods import brave
from tfvssl.train import weights

_CONFIGS = {
  "audio": published_files.tiny_config(),
  "rgb": published_files.tiny_config(
    include_video_in_broad_view=True, include_audio_in_broad_view=False
  ),
  "both": published_files.tiny_config(include_video_in_broad_view=True),
}


@pytest.fixture(autouse=True)
def small(request, monkeypatch):
  if "golden_file" not in request.fixturenames:
    monkeypatch.setattr(published_brave, "BLOCKS", published_files.TINY_BLOCKS)


def _published(tmp_path, arrays, config):
  path = tmp_path / "x.npy"
  path.write_bytes(published_files.npy(published_files.tree(arrays, config)))
  return published_file.read(path)


def _inputs(method, clips=2, seed=1):
  generator = np.random.default_rng(seed)
  signature = {
    name: encoder.spec for name, encoder in method.encoders().items()
  }
  shapes = {
    name: [clips, spec.num_frames, spec.image_size, spec.image_size, 3]
    if isinstance(spec, views.RgbViewSpec)
    else [clips, spec.num_frames, spec.spectrogram.num_mels]
    for name, spec in signature.items()
  }
  return {
    name: tf.constant(generator.uniform(0, 1, shape), tf.float32)
    for name, shape in shapes.items()
  }


@pytest.mark.parametrize(
  "kind",
  [
    pytest.param("audio", marks=pytest.mark.slow),
    pytest.param("rgb", marks=pytest.mark.slow),
    "both",
  ],
)
def test_the_run_has_the_weights_of_the_file(kind, tmp_path):
  config = _CONFIGS[kind]
  arrays = published_files.tiny_arrays(config)
  published = _published(tmp_path, arrays, config)
  report = published_brave.import_run(published, tmp_path / "RUN")
  _, method, step = weights.load_method(tmp_path / "RUN")
  assert step == 0
  variables = published_files.named_variables(method)
  assert sorted(variables) == sorted(arrays)
  assert len(variables) == len(method.variables) == report.tensors
  for name, variable in variables.items():
    np.testing.assert_array_equal(variable, arrays[name], err_msg=name)
  assert report.values == sum(array.size for array in arrays.values())
  assert report.random == []
  averages = [name for name in arrays if name.endswith("/average")]
  ignored = report.ignored["parts of averages"]
  assert len(ignored) == 2 * len(averages)
  dead = report.ignored["heads that were never trained"]
  assert "shared_project_3/predictor/linear_1/w" in dead
  assert list(report.ignored) == [
    "heads that were never trained",
    "parts of averages",
  ]
  assert sorted(set(published.tensors) - {*dead, *ignored}) == sorted(arrays)
  _assert_same_outputs(method, arrays, config)


def _assert_same_outputs(method, arrays, config):
  """Compares `method` with one that is given the arrays without a file."""
  original = published_files.tiny_method(config)
  for name, variable in published_files.named_variables(original).items():
    variable.assign(arrays[name])
  inputs = _inputs(original)
  assert ("audio" in inputs) == config["include_audio_in_broad_view"]
  for name, tensor in inputs.items():
    expected = original.encoders()[name](tensor)
    outputs = method.encoders()[name](tensor)
    for key, value in expected.items():
      assert float(tf.math.reduce_std(value)) > 1e-3
      np.testing.assert_allclose(outputs[key], value, rtol=0, atol=1e-6)


def test_the_run_is_as_released(tmp_path):
  config = published_files.tiny_config(include_video_in_broad_view=True)
  arrays = published_files.tiny_arrays(config, audio_width=0.0625)
  experiment = published_brave.experiment_of(
    _published(tmp_path, arrays, config)
  )
  experiment.validate()
  method = experiment.method
  assert isinstance(method, brave.BraveConfig)
  assert method.loss_scale == brave.LossScale.RELEASED
  assert list(method.broad) == ["rgb", "audio"]
  narrow, rgb = method.narrow, method.broad["rgb"].view
  assert (narrow.num_frames, narrow.frame_step, narrow.image_size) == (4, 2, 16)
  assert (rgb.num_frames, rgb.frame_step, rgb.image_size) == (4, 4, 16)
  for view in (narrow, rgb):
    assert view.sync == views.Sync.START
    assert view.augmentation.order == pictures.Order.RELEASED
  assert rgb.augmentation.random_convolution
  assert not narrow.augmentation.random_convolution
  # As released, and unlike the paper, the broad video network is as wide.
  assert method.narrow_backbone.width == 0.125
  assert method.broad["rgb"].backbone.width == 0.125
  assert method.broad["audio"].backbone.width == 0.0625
  audio = method.broad["audio"].view
  assert audio.sync == views.Sync.START
  assert audio.seconds == pytest.approx(4 * 4 / 25)
  assert audio.spectrogram == sound.SpectrogramSpec()
  assert (method.hidden_dim, method.embedding_dim) == (32, 8)


def test_import_json_says_what_was_read(tmp_path):
  config = _CONFIGS["audio"]
  published = _published(tmp_path, published_files.tiny_arrays(config), config)
  report = published_brave.import_run(published, tmp_path / "RUN")
  text = (tmp_path / "RUN" / "import.json").read_text()
  described = json.loads(text)
  assert described["file"] == "x.npy"
  assert described["sha256"] == published.sha256
  assert described["tensors"] == report.tensors
  assert described["ignored"] == report.ignored
  assert described["config"]["num_frames_narrow"] == 4
  assert str(tmp_path) not in text and "/cns/" not in text
  names = sorted(path.name for path in (tmp_path / "RUN").iterdir())
  assert names == ["checkpoints", "config.json", "import.json"]
  assert sorted(path.name for path in tmp_path.iterdir()) == ["RUN", "x.npy"]


def test_other_floats_are_read_as_float32(tmp_path):
  config = _CONFIGS["audio"]
  arrays = published_files.tiny_arrays(config)
  halves = {name: array.astype(np.float16) for name, array in arrays.items()}
  published = _published(tmp_path, halves, config)
  published_brave.import_run(published, tmp_path / "RUN")
  _, method, _ = weights.load_method(tmp_path / "RUN")
  for name, variable in published_files.named_variables(method).items():
    assert variable.dtype == tf.float32
    np.testing.assert_array_equal(variable, halves[name], err_msg=name)


_STEM = "narrow_video_embedding/TSMResNetV2/tsm_resnet_stem/w"
_SCALE = "narrow_video_embedding/TSMResNetV2/batch_norm/scale"
_AVERAGE = "shared_project/projector/batch_norm_1/~/var_ema/average"
_AUDIO = "broad_audio_embedding/"


@pytest.fixture(scope="module")
def refusing():
  """A method of the config `audio`, to which nothing is ever assigned."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(published_brave, "BLOCKS", published_files.TINY_BLOCKS)
    return published_files.tiny_method(_CONFIGS["audio"])


def _without(arrays, *starts):
  return {k: v for k, v in arrays.items() if not k.startswith(starts)}


def _set(name, value):
  return lambda arrays: {**arrays, name: np.float32(value)}


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (
      lambda arrays: _without(arrays, _SCALE),
      f"x.npy has no tensor '{_SCALE}' (of `narrow_backbone` it lacks 1 of 21);"
      " download it again.",
    ),
    (
      lambda arrays: _without(arrays, _AVERAGE),
      f"x.npy has no tensor '{_AVERAGE}' (of `projector` it lacks 1 of 12);",
    ),
    (
      lambda arrays: _without(arrays, "narrow"),
      "of `narrow_backbone`; without the narrow network there is nothing to",
    ),
    (
      lambda arrays: _without(arrays, "shared_project/predictor"),
      "x.npy has no tensor 'shared_project/predictor/linear/w' nor any other of"
      " `predictor`; --allow_partial imports the rest and leaves `predictor`",
    ),
    (
      lambda arrays: _without(arrays, _AUDIO),
      "nor any other of `broad_backbones.audio`; --allow_partial imports",
    ),
    (
      _set("broad_flow_embedding/TSMResNetV2/batch_norm/scale", [1.0]),
      "x.npy holds the tensor 'broad_flow_embedding/TSMResNetV2/batch_norm/"
      "scale' (and 0 more), which no network here has; --allow_partial leaves",
    ),
    (
      _set("shared_project/other/~/mean_ema/hidden", [1.0]),
      "holds the tensor 'shared_project/other/~/mean_ema/hidden' (and 0 more)",
    ),
    (
      _set(_STEM, np.zeros([7, 7, 3, 4])),
      f"tensor '{_STEM}' of ",
    ),
    (
      _set(_STEM, np.zeros([7, 7, 3, 4])),
      "x.npy is float32 of shape (7, 7, 3, 4) where the config asks for floats"
      " of (7, 7, 3, 8); file and config do not belong together",
    ),
    (
      lambda arrays: {**arrays, _STEM: arrays[_STEM].astype(np.int32)},
      "x.npy is int32 of shape (7, 7, 3, 8) where",
    ),
    (_set(_SCALE, np.full([32], np.nan)), "x.npy is not finite; download it"),
    (
      _set(f"{_AUDIO}res_net_v2/~/initial_conv/w", 1.0),
      "initial_conv/w' is a scalar; download the file again",
    ),
    (
      _set(f"{_AUDIO}res_net_v2/~/initial_conv/w", np.zeros([1, 320])),
      "initial_conv/w` (5) must be at most 4.",
    ),
    (
      _set("shared_project/projector/linear/w", np.zeros([1, 16_385])),
      "linear/w` (16385) must be at most 16384.",
    ),
  ],
)
def test_what_does_not_fit_is_refused(change, message, refusing, tmp_path):
  config = _CONFIGS["audio"]
  arrays = change(published_files.tiny_arrays(config))
  published = _published(tmp_path, arrays, config)
  before = [variable.numpy() for variable in refusing.variables]
  with pytest.raises(ValueError, match=re.escape(message)) as caught:
    published_brave.experiment_of(published)
    published_brave.assign(refusing, published)
  assert "\n" not in str(caught.value)
  for variable, value in zip(refusing.variables, before, strict=True):
    np.testing.assert_array_equal(variable, value)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"input_video_sample_rate": 30.0}, "_rate` (30) must be 25, the frame"),
    ({"tsm_resnet_width_multiplier": 0.01}, "`width` (0.01) must be a positi"),
  ],
)
def test_a_config_that_no_network_has_is_refused(changes, message, tmp_path):
  arrays = published_files.tiny_arrays(_CONFIGS["audio"])
  published = _published(tmp_path, arrays, {**_CONFIGS["audio"], **changes})
  with pytest.raises(ValueError, match=re.escape(message)):
    published_brave.experiment_of(published)


def test_a_file_of_the_narrow_network_alone_is_imported_when_asked(tmp_path):
  config = _CONFIGS["audio"]
  arrays = published_files.tiny_arrays(config)
  narrow = {k: v for k, v in arrays.items() if k.startswith("narrow")}
  flow = "broad_flow_embedding/TSMResNetV2/batch_norm/scale"
  published = _published(tmp_path, {**narrow, flow: np.ones(3)}, config)
  with pytest.raises(ValueError, match="--allow_partial"):
    published_brave.import_run(published, tmp_path / "RUN")
  # The heads' size is not in the file: 4096, as all published ones.
  report = published_brave.import_run(
    published, tmp_path / "RUN", allow_partial=True
  )
  assert report.random == [
    "projector",
    "predictor",
    "broad_backbones.audio",
    "broad_adapters.audio",  # tiny against the full-size sound network
  ]
  assert report.tensors == len(narrow)
  assert report.ignored["unknown"] == [flow]
  described = json.loads((tmp_path / "RUN" / "import.json").read_text())
  assert described["random"] == report.random
  _, method, _ = weights.load_method(tmp_path / "RUN")
  variables = published_files.named_variables(method)
  for name, array in narrow.items():
    np.testing.assert_array_equal(variables[name], array, err_msg=name)
  assert variables["shared_project/projector/linear/w"].shape[-1] == 4096


def test_a_cut_network_is_refused_even_then(refusing, tmp_path):
  config = _CONFIGS["audio"]
  arrays = published_files.tiny_arrays(config)
  published = _published(tmp_path, _without(arrays, _AVERAGE), config)
  with pytest.raises(ValueError, match="of `projector` it lacks 1 of 12"):
    published_brave.assign(refusing, published, allow_partial=True)


def test_a_refused_file_leaves_no_folder(tmp_path):
  config = _CONFIGS["audio"]
  arrays = published_files.tiny_arrays(config)
  published = _published(tmp_path, _without(arrays, _AVERAGE), config)
  with pytest.raises(ValueError, match="of `projector` it lacks 1 of 12"):
    published_brave.import_run(published, tmp_path / "RUN")
  assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_a_sound_network_of_another_width_has_a_random_linear_layer(tmp_path):
  """The paper's f_b has one then; the released code fails, so no file does."""
  config = _CONFIGS["audio"]
  arrays = published_files.tiny_arrays(config, audio_width=0.0625)
  published = _published(tmp_path, arrays, config)
  with pytest.raises(ValueError, match="leaves `broad_adapters.audio` random"):
    published_brave.import_run(published, tmp_path / "RUN")
  report = published_brave.import_run(
    published, tmp_path / "RUN", allow_partial=True
  )
  assert report.random == ["broad_adapters.audio"]
  assert report.tensors == len(arrays)


@pytest.fixture
def golden_file(golden_root, tmp_path):
  """A full-size file of the golden rule; names are those of the vectors."""
  folder = golden_root / "brave"
  loss_file = np.load(folder / "brave_loss_model_va.npz")
  seed = int(loss_file["base_seed"])
  config = published_files.released_config(
    num_frames_narrow=loss_file["narrow_video"].shape[1],
    image_size_narrow=loss_file["narrow_video"].shape[2],
  )
  method = brave.BraveConfig(broad=_full_size_broad()).build()
  weights.build_weights(method)
  shapes = {
    name: tuple(variable.shape)
    for name, variable in published_files.named_variables(method).items()
  }
  parameters = [str(name) for name in loss_file["grad_norm_names"]]
  averages = [
    f"{name.removesuffix('scale')}~/{kind}_ema/average"
    for name in parameters
    if name.endswith("/scale")
    for kind in ("mean", "var")
  ]
  arrays = {
    name: golden_parameters.value(name, shapes[name], seed)
    for name in (*parameters, *averages)
  }
  return folder, _published(tmp_path, arrays, config)


def _full_size_broad():
  from tfvssl.backbones import resnet_audio

  return {
    "audio": brave.Broad(
      views.AudioViewSpec(), resnet_audio.AudioResNetConfig()
    )
  }


@pytest.mark.slow
def test_imported_golden_parameters_give_the_golden_outputs(
  golden_file, tmp_path
):
  folder, published = golden_file
  report = published_brave.import_run(published, tmp_path / "RUN")
  assert report.random == [] and list(report.ignored) == [
    "heads that were never trained",
    "parts of averages",
  ]
  averages = sum(
    array.size
    for name, array in published.tensors.items()
    if re.fullmatch(r"(?!shared_project_).*/average", name)
  )
  # As counted in the released networks: video, sound, heads.
  assert report.values - averages == 23_500_352 + 23_494_080 + 9_986_560
  _, method, _ = weights.load_method(tmp_path / "RUN")
  video = np.load(folder / "tsm50_narrow.npz")
  audio = np.load(folder / "audio_resnet50.npz")
  heads = np.load(folder / "project_predict.npz")
  z = method.projector(heads["input"])
  for ours, theirs in (
    (
      method.narrow_backbone(tf.cast(video["input"], tf.float32) / 255),
      video["embedding_eval"],
    ),
    (
      method.broad_backbones["audio"](tf.constant(audio["input"])),
      audio["embedding_eval"],
    ),
    (z, heads["z_eval"]),
    (method.predictor(z), heads["h_eval"]),
  ):
    # As in tests/golden: 9e-7 of the largest value was seen elsewhere.
    np.testing.assert_allclose(
      ours, theirs, rtol=0, atol=2e-6 * np.abs(theirs).max()
    )
