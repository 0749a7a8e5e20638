"""The binary: a published file in, a run out; one line when it fails."""

import os
import pathlib

import numpy as np
import pytest

from tests import forked_binaries
from tests import published_files
from tfvssl.import_weights import brave as published_brave
from tfvssl.runtime import exit_codes
from tfvssl.runtime import places
from tfvssl.train import weights

CONFIG = published_files.tiny_config()
_BINARY = "tfvssl.import_weights"


@pytest.fixture
def tiny(monkeypatch):
  """The arrays of a tiny file."""
  monkeypatch.setattr(published_brave, "BLOCKS", published_files.TINY_BLOCKS)
  return published_files.tiny_arrays(CONFIG)


def _write(path, arrays):
  tree = published_files.tree(arrays, CONFIG)
  path.write_bytes(published_files.npy(tree))


def _tiny_import(*arguments: str):
  """Runs the binary for the tiny config instead of the published one."""
  return forked_binaries.run("tests.import_weights.tiny_import", *arguments)


def _import(path: pathlib.Path, *arguments: str):
  return forked_binaries.run(
    _BINARY,
    f"--checkpoint={path}",
    f"--output={path.parent / 'RUN'}",
    *arguments,
  )


def test_the_run_is_made_and_the_next_command_is_printed(tiny, tmp_path):
  _write(tmp_path / "x.npy", tiny)
  run = tmp_path / "RUN"
  arguments = [f"--checkpoint={tmp_path}/x.npy", f"--output={run}"]
  process = _tiny_import(*arguments)
  assert process.returncode == exit_codes.OK, process.stderr
  lines = process.stdout.splitlines()
  values = sum(array.size for array in tiny.values())
  assert lines[0] == f"{len(tiny)} tensors with {values} values imported."
  assert lines[1].startswith("left out, heads that were never trained: ")
  averages = sum(name.endswith("/average") for name in tiny)
  assert lines[2] == f"left out, parts of averages: {2 * averages} tensors"
  assert lines[3:] == [
    f"next: python -m tfvssl.evaluate --workdir={run} --protocol=svm"
    " --num_frames=32 --train_records=RECORDS/train"
    " --test_records=RECORDS/test"
  ]
  _, method, _ = weights.load_method(run)
  for name, variable in published_files.named_variables(method).items():
    np.testing.assert_array_equal(variable, tiny[name], err_msg=name)
  # A folder that is not empty is kept.
  before = sorted(path.name for path in run.iterdir())
  process = _tiny_import(*arguments)
  assert process.returncode == exit_codes.USAGE
  assert "exists and is not empty; choose" in process.stderr
  assert sorted(path.name for path in run.iterdir()) == before


def test_a_partial_file_says_what_stays_random(tiny, tmp_path):
  held = {k: v for k, v in tiny.items() if not k.startswith("shared_pr")}
  _write(tmp_path / "x.npy", held)
  arguments = [f"--checkpoint={tmp_path}/x.npy", f"--output={tmp_path}/RUN"]
  process = _tiny_import(*arguments)
  assert process.returncode == exit_codes.DATA
  assert "--allow_partial" in process.stderr
  assert not (tmp_path / "RUN").exists()
  process = _tiny_import(*arguments, "--allow_partial")
  assert process.returncode == exit_codes.OK, process.stderr
  lines = process.stdout.splitlines()
  assert "random, not in the file: projector, predictor" in lines


def test_what_is_missing_on_the_command_line_is_named(tmp_path):
  for arguments, message in (
    ([f"--output={tmp_path}/RUN"], "--checkpoint and --output are needed"),
    (["x.npy"], "'x.npy' is not a flag; see --helpfull"),
  ):
    process = forked_binaries.run(_BINARY, *arguments)
    assert process.returncode == exit_codes.USAGE
    assert message in process.stderr


class _Call:
  def __init__(self, function, *arguments):
    self.reduced = function, arguments

  def __reduce__(self):
    return self.reduced


def _hostile(marker):
  call = _Call(os.system, f"touch {marker}")
  return published_files.npy({"params": {"a": {"w": call}}})


_WHOLE = published_files.npy({"params": {}, "state": {}, "config": {}})


@pytest.mark.parametrize(
  ("make", "arguments", "message"),
  [
    (_hostile, (), "asks for 'posix.system'"),
    (lambda _: _WHOLE[:-9], (), "cut or damaged"),
    (lambda _: b"no numpy file", (), "no .npy file"),
    (lambda _: published_files.npy([1]), (), "holds a list, no dict"),
    (lambda _: _WHOLE, (), "`config` lacks `include_video_in_broad_view`"),
    (lambda _: _WHOLE, ("--max_bytes=10",), "more than 10 bytes"),
    (lambda _: None, (), "is not a file"),
  ],
)
def test_a_bad_file_ends_in_one_line_and_data(
  make, arguments, message, tmp_path
):
  marker = tmp_path / "marker"
  path = tmp_path / "x.npy"
  content = make(marker)
  if content is not None:
    path.write_bytes(content)
  process = _import(path, *arguments)
  assert process.returncode == exit_codes.DATA, process.stderr
  assert process.stdout == ""
  lines = process.stderr.splitlines()
  assert len(lines) == 1, lines
  assert lines[0].startswith(f"error: {path} ")
  assert message in lines[0]
  assert not marker.exists()
  assert not (tmp_path / "RUN").exists()


def _circle(folder):
  (folder / "circle").symlink_to(folder / "circle")
  return folder / "circle"


def _under_a_file(folder):
  (folder / "file").write_bytes(b"")
  return folder / "file" / "a" / "RUN"


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (_circle, "cannot be made (Symlink loop"),
    (_under_a_file, "/file is a file; choose another folder."),
    (lambda folder: folder / ("a" * 300), "cannot be made ([Errno 36] File n"),
    (lambda folder: "/", "--output=/ exists and is not empty"),
    (lambda folder: folder / "empty", "empty is the current folder, which wou"),
    (lambda folder: ".", "--output=. is the current folder, which would be"),
  ],
)
def test_an_output_that_cannot_be_made_is_refused(
  make, message, tmp_path, monkeypatch
):
  (tmp_path / "empty").mkdir()
  monkeypatch.chdir(tmp_path / "empty")
  with pytest.raises(ValueError) as caught:
    places.check_free(pathlib.Path(make(tmp_path)))
  assert message in str(caught.value)
  assert "\n" not in str(caught.value)


def test_a_link_to_an_empty_folder_is_filled(tiny, tmp_path):
  _write(tmp_path / "x.npy", tiny)
  (tmp_path / "disk").mkdir()
  (tmp_path / "RUN").symlink_to(tmp_path / "disk")
  process = _tiny_import(
    f"--checkpoint={tmp_path}/x.npy",
    f"--output={tmp_path}/RUN",
  )
  assert process.returncode == exit_codes.OK, process.stderr
  assert (tmp_path / "RUN").is_symlink()
  assert (tmp_path / "disk" / "import.json").is_file()


def test_a_bad_output_is_told_before_the_file_is_read(tmp_path):
  (tmp_path / "RUN").write_bytes(b"")
  process = _import(tmp_path / "missing.npy")
  assert process.returncode == exit_codes.USAGE
  assert "RUN exists and is not empty" in process.stderr
  assert len(process.stderr.splitlines()) == 1


def test_a_limit_beyond_all_files_is_refused(tmp_path):
  process = _import(tmp_path / "x.npy", f"--max_bytes={10**27}")
  assert process.returncode == exit_codes.USAGE
  assert "--max_bytes" in process.stderr
  assert len(process.stderr.splitlines()) == 1
