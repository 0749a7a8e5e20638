"""Where the reference vectors lie, and how they are read."""

from collections.abc import Callable
import pathlib

import numpy as np
import pytest

from tests.golden import vector_files


@pytest.fixture(scope="session")
def golden_dir(golden_root: pathlib.Path) -> pathlib.Path:
  """The folder of BraVe's vectors, described in its README.md."""
  return vector_files.folder(golden_root, "brave", "*.npz")


@pytest.fixture(scope="session")
def golden(golden_dir: pathlib.Path) -> Callable[[str], dict[str, np.ndarray]]:
  """Returns all arrays of one file by its name without `.npz`."""
  return vector_files.reader(golden_dir)
