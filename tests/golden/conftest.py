"""Where the reference vectors lie, and how they are read."""

from collections.abc import Callable
import pathlib

import numpy as np
import pytest


@pytest.fixture(scope="session")
def golden_dir(golden_root: pathlib.Path) -> pathlib.Path:
  """The folder of BraVe's vectors, described in its README.md."""
  folder = golden_root / "brave"
  if not folder.is_dir() and any(golden_root.glob("*.npz")):
    return golden_root  # TFVSSL_GOLDEN_DIR names the method's own folder
  if not folder.is_dir():
    pytest.skip(f"no such folder: {folder}; see TFVSSL_GOLDEN_DIR")
  return folder


@pytest.fixture(scope="session")
def golden(golden_dir: pathlib.Path) -> Callable[[str], dict[str, np.ndarray]]:
  """Returns all arrays of one file by its name without `.npz`."""

  def read(name: str) -> dict[str, np.ndarray]:
    path = golden_dir / f"{name}.npz"
    if not path.is_file():
      raise FileNotFoundError(f"{path} does not exist.")
    with np.load(path, allow_pickle=False) as arrays:
      return {key: arrays[key] for key in arrays.files}

  return read
