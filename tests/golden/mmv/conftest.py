"""Where MMV's reference vectors lie, and how they are read."""

from collections.abc import Callable
import json
import pathlib

import numpy as np
import pytest

_TENSORS = "model_tensors.json"


@pytest.fixture(scope="session")
def mmv_dir(golden_root: pathlib.Path) -> pathlib.Path:
  """The folder of MMV's vectors, described in its README.md."""
  folder = golden_root / "mmv"
  if not folder.is_dir() and (golden_root / _TENSORS).is_file():
    return golden_root  # TFVSSL_GOLDEN_DIR names the method's own folder
  if not folder.is_dir():
    pytest.skip(f"no such folder: {folder}; see TFVSSL_GOLDEN_DIR")
  return folder


@pytest.fixture(scope="session")
def mmv_golden(mmv_dir: pathlib.Path) -> Callable[[str], dict[str, np.ndarray]]:
  """Returns all arrays of one file by its name without `.npz`."""

  def read(name: str) -> dict[str, np.ndarray]:
    path = mmv_dir / f"{name}.npz"
    if not path.is_file():
      raise FileNotFoundError(f"{path} does not exist.")
    with np.load(path, allow_pickle=False) as arrays:
      return {key: arrays[key] for key in arrays.files}

  return read


@pytest.fixture(scope="session")
def mmv_tensors(mmv_dir: pathlib.Path) -> dict[str, dict]:
  """Returns `params` and `bn_state` of every model: key to shape."""
  return _read_tensors(mmv_dir)["tensors"]


@pytest.fixture(scope="session")
def mmv_seed(mmv_dir: pathlib.Path) -> int:
  """The seed of the rule that makes the parameters."""
  return _read_tensors(mmv_dir)["seed"]


def _read_tensors(folder):
  return json.loads((folder / _TENSORS).read_text(encoding="utf-8"))
