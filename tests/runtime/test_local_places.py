"""An address in place of a path is one clear error in every command."""

import pytest

from tests import forked_binaries
from tests import source_tree
from tests import tiny_runs
from tfvssl import __main__ as front
from tfvssl import pretrained
from tfvssl.config import rules

# Every flag that names a file or folder, by command.
_PLACES = {
  "tfvssl.train": ("workdir",),
  "tfvssl.evaluate": (
    "workdir",
    "train_records",
    "test_records",
    "save_classifier",
  ),
  "tfvssl.deflate": ("workdir", "records"),
  "tfvssl.export": ("workdir", "output"),
  "tfvssl.embed": ("model", "input", "output"),
  "tfvssl.search": ("model", "index", "output"),
  "tfvssl.classify": ("model", "classifier", "input", "output"),
  "tfvssl.compare": ("result",),
  "tfvssl.import_weights": ("checkpoint", "output"),
  "tfvssl.demo": ("workdir", "videos"),
  "data_prep.prepare_records": ("input", "output", "annotations", "captions"),
  "data_prep.inspect_records": ("records", "report"),
  "data_prep.make_vocabulary": ("records", "output"),
  "data_prep.generate_demo": ("output",),
}

# Without these the flags themselves are wrong.
_NEEDED = {
  "data_prep.prepare_records": ("input", "output"),
  "data_prep.make_vocabulary": ("records", "output"),
}


def test_every_command_is_asked():
  modules = [command.module for command in front.COMMANDS.values()]
  assert {name.removesuffix(".__main__") for name in modules} == set(_PLACES)


@pytest.mark.parametrize(
  ("command", "flag"),
  [(name, flag) for name, flags in _PLACES.items() for flag in flags],
)
def test_address_is_refused(command, flag):
  needed = [f"--{name}=x" for name in _NEEDED.get(command, ()) if name != flag]
  done = forked_binaries.run(command, *needed, f"--{flag}=gs://bucket/folder")
  assert done.returncode == 2
  assert done.stderr.strip() == (
    f"error: `--{flag}` (gs://bucket/folder) must be a path on this machine;"
    " object stores are not supported yet. Mount the store, or copy from and"
    " to it."
  )


def test_address_of_a_tpu_and_a_sentence_are_no_places(tmp_path):
  config = source_tree.ROOT / "configs" / "tiny_brave.py"
  done = forked_binaries.run(
    "tfvssl.train",
    f"--config={config}",
    "--config.runtime.tpu=grpc://10.0.0.2:8470",
    f"--config.data.train_records={tmp_path / 'none'}",
    f"--workdir={tmp_path / 'run'}",
  )
  assert done.returncode == 3 and str(tmp_path / "none") in done.stderr
  done = forked_binaries.run("tfvssl.search", "--query=what is gs://x?")
  assert "must be a path" not in done.stderr


@pytest.mark.parametrize(
  "field", ["train_records", "second_train_records", "heldout_records"]
)
def test_records_of_a_config_are_paths(field):
  experiment = tiny_runs.experiment("records")
  setattr(experiment.data, field, "s3://bucket/records")
  with pytest.raises(ValueError, match=rf"`data.{field}` \(s3://bucket/rec"):
    experiment.validate()


def test_run_that_is_loaded_in_python_is_a_path():
  with pytest.raises(ValueError, match=r"`workdir` \(gs://b/run\) must be a"):
    pretrained.from_pretrained("gs://b/run")


def test_path_with_a_colon_is_a_path():
  rules.require_local("--workdir", "/data/gs:/run")
