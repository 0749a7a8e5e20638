"""Where the vectors of one method lie, and how their files are read."""

from collections.abc import Callable
import pathlib

import numpy as np
import pytest


def folder(root: pathlib.Path, method: str, sign: str) -> pathlib.Path:
  """Returns the method's folder below `root`, or `root` itself.

  Args:
    root: of all methods, or what TFVSSL_GOLDEN_DIR names: one method's folder.
    method: name of its folder.
    sign: pattern of a file by which one method's folder is known.
  """
  found = root / method
  if not found.is_dir() and any(root.glob(sign)):
    return root
  if not found.is_dir():
    pytest.skip(f"no such folder: {found}; see TFVSSL_GOLDEN_DIR")
  return found


def reader(place: pathlib.Path) -> Callable[[str], dict[str, np.ndarray]]:
  """Returns what reads all arrays of a file by its name without `.npz`."""

  def read(name: str) -> dict[str, np.ndarray]:
    path = place / f"{name}.npz"
    if not path.is_file():
      raise FileNotFoundError(f"{path} does not exist.")
    with np.load(path, allow_pickle=False) as arrays:
      return {key: arrays[key] for key in arrays.files}

  return read
