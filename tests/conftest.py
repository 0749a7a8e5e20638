"""What every test has: a quiet TensorFlow and the local data."""

import os
import pathlib
import types

import pytest

# Before any test module imports TensorFlow; child processes inherit them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A GPU, if there is one, is left to the tests that ask for it, and is never
# filled by the first of several workers.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Files that take minutes, the longest first. Every file stays with one worker,
# and a long one that begins last leaves the other worker idle.
LONGEST = (
  "train/test_run.py",
  "evaluate/test_pretrained.py",
  "backbones/test_every_backbone.py",
  "test_version_0_1.py",
  "evaluate/test_command.py",
  "import_weights/test_mmv.py",
  "methods/test_brave.py",
  "train/test_trainer.py",
  "backbones/test_deflation.py",
  "methods/test_mmv.py",
  "evaluate/retrieval/test_embeddings.py",
  "export/test_module_mmv.py",
  "export/test_command.py",
  "data/test_pipeline.py",
  "backbones/test_s3d.py",
  "golden/mmv/test_s3d.py",
  "embed/test_command_mmv.py",
  "evaluate/classifiers/test_trained.py",
  "evaluate/protocols/test_linear.py",
  "export/test_serving.py",
  "data_prep/test_interruption.py",
  "augment/test_repeatable.py",
  "deflate/test_training.py",
  "evaluate/protocols/test_images.py",
  "search/test_model.py",
  "golden/test_brave_model.py",
  "golden/mmv/test_tsm_resnet.py",
  "evaluate/protocols/test_finetune.py",
  "golden/test_tsm_resnet.py",
  # With the slow tests:
  "test_add_a_method.py",
  "methods/test_mmv_training.py",
  "evaluate/test_new_protocol.py",
  "import_weights/test_brave.py",
  "benchmarks/learning/test_narrow_to_broad.py",
)


def pytest_configure(config: pytest.Config) -> None:
  """Spares the default tests half the time of XLA, which is LLVM's.

  Slow tests are compiled as users compile.
  """
  if config.option.markexpr != "slow":
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


_NO_PARAMETERS = types.SimpleNamespace(params={})


def _check_fixtures(items):
  """Raises UsageError for a fixture that is not there, of slow tests, too.

  pytest says so only when the test is run, which may be weeks later.
  """
  for item in items:
    given = {"request", *getattr(item, "callspec", _NO_PARAMETERS).params}
    for name in item.fixturenames:
      if name not in given and name not in item._fixtureinfo.name2fixturedefs:
        raise pytest.UsageError(f"{item.nodeid}: there is no fixture `{name}`")


@pytest.hookimpl(tryfirst=True)  # before slow tests are taken away
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
  """Puts the tests of the longest files first, in the order of the list."""
  _check_fixtures(items)
  folder = ROOT / "tests"
  rank = {folder / name: number for number, name in enumerate(LONGEST)}
  items.sort(key=lambda item: rank.get(item.path, len(rank)))


def _folder(variable: str, *defaults: pathlib.Path) -> pathlib.Path:
  """Returns the first folder that exists, else skips the test with a reason."""
  named = os.environ.get(variable)
  candidates = [pathlib.Path(named)] if named else list(defaults)
  for candidate in candidates:
    if candidate.is_dir():
      return candidate.resolve()
  tried = ", ".join(map(str, candidates))
  pytest.skip(f"no such folder: {tried}; set {variable} to run this test")


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
  """The checkout."""
  return ROOT


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
  """The folder of real clips with manifest.csv; not part of the checkout."""
  return _folder("TFVSSL_DATA_DIR", ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def cases_dir() -> pathlib.Path:
  """The folder of small inputs that went wrong; not part of the checkout."""
  return _folder("TFVSSL_CASES_DIR", ROOT.parent / "shared" / "cases")


@pytest.fixture(scope="session")
def golden_root() -> pathlib.Path:
  """The folder that holds brave/ and, later, the other methods' vectors."""
  return _folder(
    "TFVSSL_GOLDEN_DIR",
    ROOT / "tests" / "golden" / "vectors",
    ROOT.parent / "shared" / "golden",
  )
