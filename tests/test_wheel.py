"""The wheel, installed beside the dependencies, runs what README.md says.

In a folder that is empty but for packages of the user's that have the names of
two of ours. The environment is a new one that sees the packages of this one;
the checkout is not on its path.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

from tests import make_notebook
from tests import source_tree
import tfvssl

pytestmark = pytest.mark.slow

_SOURCES = ("tfvssl", "data_prep", "configs", "setup.py", "pyproject.toml")
# As few and as short as every command can work with.
_SMALLER = {
  "generate-demo": ["--train_clips=32", "--test_clips=8", "--shots=1"],
  "prepare": ["--num_shards=2", "--short_side=64"],
  "train": [
    "--config.steps=2",
    "--config.batch_size=4",
    "--config.schedule.warmup_steps=0",
    "--config.data.shuffle_buffer=8",
  ],
  "evaluate": ["--set=svm.train_epochs=1", "--set=svm.temporal_clips=1"],
}


def _ran(*words, cwd):
  """Returns what a command says that ends with 0."""
  environment = {**os.environ}
  environment.pop("PYTHONPATH", None)
  done = subprocess.run(
    list(map(str, words)),
    cwd=cwd,
    env=environment,
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert done.returncode == 0, f"{words}: {done.stderr[-3000:]}"
  return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
  """The wheel of this checkout."""
  folder = tmp_path_factory.mktemp("sources")
  for name in (*_SOURCES, "README.md"):
    source = source_tree.ROOT / name
    if source.is_dir():
      ignored = shutil.ignore_patterns("__pycache__")
      shutil.copytree(source, folder / name, ignore=ignored)
    else:
      shutil.copy(source, folder)
  words = ("--no-deps", "--no-build-isolation", "--no-index", "-w", "dist")
  _ran(sys.executable, "-m", "pip", "wheel", ".", *words, cwd=folder)
  (path,) = (folder / "dist").glob("*.whl")
  return path


@pytest.fixture(scope="module")
def binaries(wheel, tmp_path_factory):
  """The folder of the commands of a new environment that has the wheel."""
  folder = tmp_path_factory.mktemp("venv")
  _ran(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
  pip = (sys.executable, "-m", "pip", f"--python={folder / 'bin' / 'python'}")
  _ran(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
  # Only now, so that pip does not see another tfvssl there. A .pth of a folder
  # that a .pth names is not read: an editable tfvssl stays out.
  (site,) = folder.glob("lib/python*/site-packages")
  packages = sysconfig.get_paths()["purelib"]
  (site / "dependencies.pth").write_text(packages + "\n")
  return folder / "bin"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """A folder of the user's, with packages that would break ours."""
  folder = tmp_path_factory.mktemp("theirs")
  for name in ("configs", "data_prep"):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("raise RuntimeError('theirs')")
  return folder


@pytest.fixture(scope="module")
def said(binaries, folder):
  """What README.md's commands say there, by command."""
  found = {}
  for program, name, *words in make_notebook.given():
    smaller = _SMALLER.get(name, ())
    found[name] = _ran(binaries / program, name, *words, *smaller, cwd=folder)
  return found


def test_nothing_of_ours_has_a_name_of_theirs(wheel):
  names = zipfile.ZipFile(wheel).namelist()
  top = {name.split("/")[0] for name in names}
  assert top == {"tfvssl", f"tfvssl-{tfvssl.__version__}.dist-info"}
  assert "tfvssl/bundled/configs/tiny_brave.py" in names
  assert "tfvssl/bundled/data_prep/prepare_records/__main__.py" in names


def test_the_installed_one_is_what_runs(binaries, folder):
  code = (
    "import tfvssl; from tfvssl.config import recipes;"
    "print(tfvssl.__file__); print(recipes.FOLDER)"
  )
  lines = _ran(binaries / "python", "-c", code, cwd=folder).splitlines()
  assert len(lines) == 2
  for line in lines:
    assert pathlib.Path(line).is_relative_to(binaries.parent)


def test_commands_of_the_readme_lead_to_a_page_of_what_is_found(said, folder):
  assert list(said) == [words[1] for words in make_notebook.given()]
  lines = (folder / "RUN" / "metrics.jsonl").read_text().splitlines()
  assert json.loads(lines[-1])["step"] == 2
  (result,) = (folder / "RUN" / "results").glob("svm_*.json")
  assert json.loads(result.read_text())["checkpoint_step"] == 2
  assert "<figure" in (folder / "views.html").read_text()
  assert "<video" in (folder / "found.html").read_text()
  assert re.search(r"of 32 files by cosine in `\w+`", said["search"])


def _next(text):
  """Returns the words after `python` of the command that is printed last."""
  return shlex.split(text.splitlines()[-1].partition("python ")[2])


def test_what_they_print_can_be_typed_there(said, binaries, folder):
  python = binaries / "python"
  words = _next(said["generate-demo"])
  assert words[:3] == ["-m", "tfvssl", "prepare"]
  text = _ran(python, *words, "--output=MORE", "--num_shards=1", cwd=folder)
  assert "40 of 40 inputs became 40 clips in MORE" in text
  for said_last in (text, said["prepare"]):
    words = _next(said_last)
    assert words[:3] == ["-m", "tfvssl.train", "--config=tiny_brave"]
    assert "narrow" in _ran(python, *words, "--describe", cwd=folder)


@pytest.mark.parametrize(
  "script", ["tfvssl-train", "tfvssl-inspect", "tfvssl-make-vocabulary"]
)
def test_scripts_show_their_flags(binaries, folder, script):
  text = _ran(binaries / script, "--help", cwd=folder)
  assert "\nflags:\n" in text
  assert ("--config:" in text) == (script != "tfvssl-make-vocabulary")
  assert ("--workdir:" in text) == (script == "tfvssl-train")
