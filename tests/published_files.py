"""Files in the form of the published BraVe weights, made of our networks."""

import io
import json
import pathlib
import pickle

import numpy as np

from tfvssl.import_weights import brave as published_brave
from tfvssl.import_weights import published_file
from tfvssl.methods import brave
from tfvssl.train import weights

ROOTS = {
  "rgb": "broad_video_embedding/TSMResNetV2",
  "audio": "broad_audio_embedding/res_net_v2",
}
TINY_BLOCKS = (1,)


def released_config(**changes) -> dict:
  """Returns the released config, with the published 32 frames."""
  return {
    "include_video_in_broad_view": False,
    "include_audio_in_broad_view": True,
    "num_frames_narrow": 32,
    "image_size_narrow": 224,
    "step_broad": 4,
    "num_frames_broad": 64,
    "image_size_broad": 112,
    "step_narrow": 2,
    "output_dims": 128,
    "tsm_resnet_width_multiplier": 1,
    "num_spectrogram_bins": 80,
    "fft_step": 160,
    "dataset_shards": ["/cns/a/shard"],
    "input_video_sample_rate": 25.0,
    "input_audio_sample_rate": 48_000,
    **changes,
  }


def tiny_config(**changes) -> dict:
  """Returns a config of 4 frames of 16 px, and 0.64 s of sound."""
  return released_config(
    **{
      "num_frames_narrow": 4,
      "image_size_narrow": 16,
      "num_frames_broad": 4,
      "image_size_broad": 16,
      "output_dims": 8,
      "tsm_resnet_width_multiplier": 0.125,
      **changes,
    }
  )


def named_variables(method) -> dict:
  """Returns all variables of a method by their published names."""
  named = {
    **method.narrow_backbone.haiku_variables(
      "narrow_video_embedding/TSMResNetV2"
    ),
    **method.projector.haiku_variables("shared_project/projector"),
    **method.predictor.haiku_variables("shared_project/predictor"),
  }
  for name, backbone in method.broad_backbones.items():
    named.update(backbone.haiku_variables(ROOTS[name]))
  return named


def haiku_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
  """Returns the shape in which Haiku keeps what Keras keeps as `shape`."""
  if name.rpartition("/")[2] not in ("scale", "offset", "average"):
    return shape
  vector = name.startswith("shared_project")
  return (1, *shape) if vector else (1, 1, 1, *shape)


def tree(arrays: dict[str, np.ndarray], config: dict) -> dict:
  """Returns what the file holds: two levels, and Haiku's other state."""
  params: dict = {}
  state: dict = {}
  for name, array in arrays.items():
    module, _, last = name.rpartition("/")
    array = array.reshape(haiku_shape(name, array.shape))
    if last != "average":
      params.setdefault(module, {})[last] = array
      continue
    hidden = array * np.float32(1 - 0.9**5)
    state[module] = {
      "average": array,
      "hidden": hidden,
      "counter": np.array(5, np.int32),
    }
  for number in (1, 2, 3):  # what the released initialisation leaves behind
    dead = f"shared_project_{number}"
    for part in (params, state):
      for module in [m for m in part if m.startswith("shared_project/")]:
        copies = {name: 0 * array for name, array in part[module].items()}
        part[module.replace("shared_project", dead)] = copies
  return {"params": params, "state": state, "config": config}


def npy(content: object, protocol: int = 4) -> bytes:
  """Returns a .npy of one object, as np.save writes it."""
  array = np.empty((), object)
  array[()] = content
  return npy_of_pickle(pickle.dumps(array, protocol=protocol))


def npy_of_pickle(pickled: bytes) -> bytes:
  """Returns a .npy whose body is any pickle."""
  stream = io.BytesIO()
  np.lib.format.write_array_header_1_0(
    stream, {"descr": "|O", "fortran_order": False, "shape": ()}
  )
  return stream.getvalue() + pickled


def random_arrays(method, seed: int = 0) -> dict[str, np.ndarray]:
  """Returns values by published name for every variable of `method`."""
  generator = np.random.default_rng(seed)
  arrays = {}
  for name, variable in named_variables(method).items():
    values = generator.normal(size=variable.shape)
    if name.endswith(("var_ema/average", "scale")):
      values = generator.uniform(0.5, 1.5, variable.shape)
    arrays[name] = np.float32(0.3 * values)
  return arrays


def tiny_arrays(
  config: dict, audio_width: float = 0.125, hidden: int = 32
) -> dict[str, np.ndarray]:
  """Returns random values for the networks of `config` at a tiny size.

  The caller has set import_weights.brave.BLOCKS to TINY_BLOCKS.
  """
  key = json.dumps([config, audio_width, hidden])
  if key not in _TINY:
    _TINY[key] = random_arrays(tiny_method(config, audio_width, hidden))
  return dict(_TINY[key])


_TINY: dict[str, dict[str, np.ndarray]] = {}


def tiny_method(
  config: dict, audio_width: float = 0.125, hidden: int = 32
) -> brave.Brave:
  """Returns the method of `config` with weights, the sizes as given."""
  sizes = {"shared_project/projector/linear/w": hidden}
  if config["include_audio_in_broad_view"]:
    sizes[f"{ROOTS['audio']}/~/initial_conv/w"] = round(64 * audio_width)
  if config["include_video_in_broad_view"]:
    sizes[f"{ROOTS['rgb']}/"] = 1
  tensors = {name: np.zeros([1, size]) for name, size in sizes.items()}
  published = published_file.PublishedFile(
    pathlib.Path("x.npy"),
    "",
    tensors,
    published_file.PublishedConfig(**config),
  )
  experiment = published_brave.experiment_of(published)
  return weights.fresh_method(experiment, 3)
