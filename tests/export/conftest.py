"""One export of the smallest BraVe, which no test changes."""

import pytest

from tests import exported_runs


@pytest.fixture(scope="session")
def method():
  return exported_runs.method(exported_runs.brave_experiment())


@pytest.fixture(scope="session")
def folder(method, tmp_path_factory):
  return exported_runs.export(
    exported_runs.brave_experiment(),
    method.encoders(),
    tmp_path_factory.mktemp("export") / "model",
  )
