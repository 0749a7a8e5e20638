"""Where MMV's reference vectors lie, and how they are read."""

from collections.abc import Callable
import json
import pathlib

import numpy as np
import pytest

from tests.golden import vector_files

_TENSORS = "model_tensors.json"


@pytest.fixture(scope="session")
def mmv_dir(golden_root: pathlib.Path) -> pathlib.Path:
  """The folder of MMV's vectors, described in its README.md."""
  return vector_files.folder(golden_root, "mmv", _TENSORS)


@pytest.fixture(scope="session")
def mmv_golden(mmv_dir: pathlib.Path) -> Callable[[str], dict[str, np.ndarray]]:
  """Returns all arrays of one file by its name without `.npz`."""
  return vector_files.reader(mmv_dir)


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
