"""Where STiCA's reference vectors lie, and how they are read."""

from collections.abc import Callable
import json
import pathlib

import numpy as np
import pytest

from tests.golden import vector_files
from tests.golden.stica import parameters

_MANIFEST = "param_manifest.json"


@pytest.fixture(scope="session")
def stica_dir(golden_root: pathlib.Path) -> pathlib.Path:
  """The folder of STiCA's vectors, described in its README.md."""
  return vector_files.folder(golden_root, "stica", _MANIFEST)


@pytest.fixture(scope="session")
def stica_golden(
  stica_dir: pathlib.Path,
) -> Callable[[str], dict[str, np.ndarray]]:
  """Returns all arrays of one file by its name without `.npz`."""
  return vector_files.reader(stica_dir)


@pytest.fixture(scope="session")
def stica_parameters(
  stica_dir: pathlib.Path,
) -> Callable[[str, int], dict[str, np.ndarray]]:
  """Returns a case's arrays by name, made by the rule from its seed."""
  text = (stica_dir / _MANIFEST).read_text(encoding="utf-8")
  manifest = json.loads(text)

  def of_case(case: str, seed: int) -> dict[str, np.ndarray]:
    return {
      name: parameters.value(name, tuple(shape), int(seed))
      for name, shape in manifest[case]
    }

  return of_case
