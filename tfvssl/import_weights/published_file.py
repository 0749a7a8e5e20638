"""The files of published weights: tensors by name, for BraVe with the config.

BraVe's is a .npy that holds one pickled dict with `params`, `state` and
`config`; MMV's a pickle of such a dict without `config`. Source: released
evaluate_video_embeddings.py and eval_ucf101.py, which read them.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import hashlib
import os
import pathlib

import numpy as np

from tfvssl.import_weights import pickle_stand_ins
from tfvssl.import_weights import restricted_pickle

MAX_BYTES = 4 << 30
WIDEST = 4
LARGEST_HEAD = 16_384
_TENSORS = ("params", "state")
# Far around the published ones: a damaged value must not fill the memory.
_BOUNDS: dict[str, tuple[float, float]] = {
  "num_frames_narrow": (1, 1024),
  "image_size_narrow": (1, 1024),
  "step_broad": (1, 1024),
  "num_frames_broad": (1, 1024),
  "image_size_broad": (1, 1024),
  "step_narrow": (1, 1024),
  "output_dims": (1, LARGEST_HEAD),
  "tsm_resnet_width_multiplier": (0.01, WIDEST),
  "num_spectrogram_bins": (1, 1024),
  "fft_step": (1, 48_000),
  "input_video_sample_rate": (1, 1000),
  "input_audio_sample_rate": (1000, 192_000),
}


@dataclasses.dataclass
class PublishedConfig:
  """The fields of the released BraveConfig, under their names.

  Source: released brave.py, class BraveConfig. The width is there a whole
  number; `dataset_shards` were DeepMind's and are not used.
  """

  include_video_in_broad_view: bool
  include_audio_in_broad_view: bool
  num_frames_narrow: int
  image_size_narrow: int
  step_broad: int
  num_frames_broad: int
  image_size_broad: int
  step_narrow: int
  output_dims: int
  tsm_resnet_width_multiplier: float
  num_spectrogram_bins: int
  fft_step: int
  dataset_shards: list[str]
  input_video_sample_rate: float
  input_audio_sample_rate: int


@dataclasses.dataclass
class PublishedFile:
  """What the file holds.

  Attributes:
    path: of the file.
    sha256: of its bytes.
    tensors: of `params` and `state` by "<module path>/<name>".
    config: how the networks were made.
  """

  path: pathlib.Path
  sha256: str
  tensors: dict[str, np.ndarray]
  config: PublishedConfig | None = None


def read(path: str | pathlib.Path, max_bytes: int = MAX_BYTES) -> PublishedFile:
  """Reads a file of BraVe; see restricted_pickle about what cannot happen.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is larger than `max_bytes`, is damaged, asks for more than
      arrays, or does not hold what the released code reads.
  """
  path = pathlib.Path(path)
  content = _content(path, max_bytes)
  with _explained(path):
    tree = restricted_pickle.load_npy(content)
    tensors = _tensors(tree, (*_TENSORS, "config"))
    released = _config(tree)
  return PublishedFile(path, _sha256(content), tensors, released)


def read_mmv(
  path: str | pathlib.Path, max_bytes: int = MAX_BYTES
) -> PublishedFile:
  """Reads a file of MMV; as `read`, which says what is raised."""
  path = pathlib.Path(path)
  content = _content(path, max_bytes)
  with _explained(path):
    tensors = _tensors(restricted_pickle.load_pickle(content), _TENSORS)
  return PublishedFile(path, _sha256(content), tensors)


def _content(path, max_bytes) -> bytes:
  if not path.is_file():
    raise FileNotFoundError(f"{path} is not a file; name the downloaded one.")
  with open(path, "rb") as file:
    size = os.fstat(file.fileno()).st_size
    if size > max_bytes:
      raise ValueError(
        f"{path} has more than {max_bytes} bytes; if that is right, raise"
        " --max_bytes."
      )
    return file.read(size)


@contextlib.contextmanager
def _explained(path) -> Iterator[None]:
  try:
    yield
  except ValueError as error:
    raise ValueError(
      f"{path} is not read: {error}. Download it again from where DeepMind"
      " publishes it."
    ) from error


def _sha256(content):
  return hashlib.sha256(content).hexdigest()


def _tensors(tree, parts):
  """Returns the arrays of the two levels of `params` and `state`.

  Args:
    tree: of the file.
    parts: that it must have.
  """
  if not isinstance(tree, dict):
    raise ValueError(f"it holds a {type(tree).__name__}, no dict")
  missing = [name for name in parts if not isinstance(tree.get(name), dict)]
  if missing:
    raise ValueError(
      f"it has no dict `{missing[0]}`; found: {_some(tree)}, expected:"
      f" {', '.join(parts)}"
    )
  tensors: dict[str, np.ndarray] = {}
  for part in _TENSORS:
    for module, variables in tree[part].items():
      if not isinstance(variables, dict):
        raise ValueError(
          f"`{part}` holds no dict at {pickle_stand_ins.quoted(module)}"
        )
      for name, array in variables.items():
        if not isinstance(array, np.ndarray):
          where = pickle_stand_ins.quoted(f"{module}/{name}")
          raise ValueError(f"`{part}` holds no array at {where}")
        if f"{module}/{name}" in tensors:
          raise ValueError(
            f"it holds {pickle_stand_ins.quoted(f'{module}/{name}')} twice"
          )
        tensors[f"{module}/{name}"] = array
  return tensors


def _config(tree):
  """Returns the config, every value of the kind and size of its field."""
  given = tree["config"]
  fields = {
    field.name: field.type for field in dataclasses.fields(PublishedConfig)
  }
  for name in fields:
    if name not in given:
      raise ValueError(f"its `config` lacks `{name}`")
  unknown = sorted(set(given) - set(fields))
  if unknown:
    name = pickle_stand_ins.quoted(unknown[0])
    raise ValueError(f"its `config` has the unknown field {name}")
  return PublishedConfig(
    **{name: _value(name, given[name], kind) for name, kind in fields.items()}
  )


def _value(name, value, kind):
  if isinstance(value, np.ndarray) and value.ndim == 0:
    value = value.item()
  if kind is bool:
    if isinstance(value, bool):
      return value
  elif kind in (int, float):
    return _number(name, value, kind)
  elif isinstance(value, (list, tuple)):
    return [item for item in value if isinstance(item, str)]
  raise ValueError(f"its `config.{name}` is {pickle_stand_ins.quoted(value)}")


def _number(name, value, kind):
  """Returns the number; a whole one may be a float, the other way round too."""
  low, high = _BOUNDS[name]
  if type(value) in (int, float) and low <= value <= high:
    if kind(value) == value:
      return kind(value)
  raise ValueError(
    f"its `config.{name}` is {pickle_stand_ins.quoted(value)}; it must be a"
    f" {'whole ' if kind is int else ''}number from {low} to {high}"
  )


def _some(names):
  names = [pickle_stand_ins.quoted(name) for name in sorted(names)]
  more = f" and {len(names) - 5} more" if len(names) > 5 else ""
  return (", ".join(names[:5]) + more) or "nothing"
