"""docs/add_a_method.md: three new files, and every command takes the method.

The page's files are written into a copy of the project; there the page's
commands, its test and the project's own rules run.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import source_tree
from tfvssl.runtime import exit_codes

_PAGE = source_tree.ROOT / "docs" / "add_a_method.md"
_FILE = re.compile(
  r"^`([\w/]+\.py)`\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE
)
_COMMANDS = re.compile(r"^```\n(python -m .*?)^```", re.DOTALL | re.MULTILINE)
_LEFT_OUT = ("vectors", "results", "__pycache__")
# What the project asks of every file.
_RULES = (
  "tests/test_layers.py",
  "tests/test_build.py",
  "tests/test_method_names.py",
)


def _files():
  return dict(_FILE.findall(_PAGE.read_text(encoding="utf-8")))


def _commands():
  (block,) = _COMMANDS.findall(_PAGE.read_text(encoding="utf-8"))
  return [shlex.split(line)[2:] for line in block.splitlines()]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
  """A copy of the project's code with the three files of the page."""
  root = tmp_path_factory.mktemp("project")
  for name in source_tree.FOLDERS:
    shutil.copytree(
      source_tree.ROOT / name,
      root / name,
      ignore=shutil.ignore_patterns(*_LEFT_OUT),
    )
  for name in ("BUILD", "pyproject.toml", "setup.py"):
    shutil.copy(source_tree.ROOT / name, root)
  for name, text in _files().items():
    assert not (root / name).exists(), f"{name} is not a new file"
    (root / name).write_text(text, encoding="utf-8")
  return root


@pytest.fixture(scope="module")
def said(project):
  """What the page's commands print, by module; each has to succeed."""
  server = forked_binaries.Server(project)
  found = {}
  for module, *arguments in _commands():
    out, error = project / "out", project / "error"
    code = server.wait(server.start(module, arguments, out, error), 120)
    lines = error.read_text(encoding="utf-8")[-3000:]
    assert code == exit_codes.OK, f"{module}: {lines}"
    found[module] = out.read_text(encoding="utf-8")
    out.unlink()
    error.unlink()
  server.close()
  return found


def _python(project, *words):
  return subprocess.run(
    [sys.executable, "-m", *words],
    cwd=project,
    capture_output=True,
    text=True,
    timeout=300,
  )


def test_page_has_three_files_and_the_whole_way():
  assert list(_files()) == [
    "tfvssl/methods/two_windows.py",
    "configs/tiny_two_windows.py",
    "tests/methods/test_two_windows.py",
  ]
  assert [module for module, *_ in _commands()] == [
    "data_prep.generate_demo",
    "data_prep.prepare_records",
    "tfvssl.train",
    "tfvssl.evaluate",
    "tfvssl.export",
  ]


@pytest.mark.slow
def test_it_trains_five_steps(project, said):
  assert "next: python -m tfvssl.evaluate" in said["tfvssl.train"]
  run = project / "RUN"
  config = json.loads((run / "config.json").read_text(encoding="utf-8"))
  assert config["method"]["class"].endswith("two_windows.TwoWindowsConfig")
  folders = (run / "checkpoints").glob("step-*")
  assert [folder.name for folder in folders] == ["step-00000005"]
  lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
  last = json.loads(lines[-1])
  assert last["step"] == 5
  parts = last["train/loss/there"] + last["train/loss/back"]
  assert last["train/loss/total"] == pytest.approx(parts, rel=1e-5)
  assert 0 < parts < 8  # two squared distances between unit vectors


@pytest.mark.slow
def test_it_is_evaluated(project, said):
  assert "tfvssl.evaluate" in said
  (path,) = (project / "RUN" / "results").glob("svm_*.json")
  result = json.loads(path.read_text(encoding="utf-8"))
  assert result["checkpoint_step"] == 5
  (records,) = result["splits"]
  assert (records["train_clips"], records["test_clips"]) == (16, 8)
  (split,) = result["pretrained"]["splits"]
  assert len(split["predictions"]) == 8
  right = sum(
    name.split("/")[1] == label for name, label in split["predictions"].items()
  )
  assert split["top_1"] == right / 8


@pytest.mark.slow
def test_it_is_exported(project, said):
  assert "tfvssl.export" in said
  model = tf.saved_model.load(str(project / "EXPORT" / "1"))
  frames = np.random.default_rng(0).integers(0, 256, [3, 8, 40, 40, 3])
  found = model(tf.constant(frames, tf.uint8))
  assert found["backbone"].shape == [3, 256]
  assert found["embedding"].shape == [3, 64]
  # The three films are told apart.
  assert np.ptp(found["embedding"].numpy(), axis=0).min() > 0


@pytest.mark.slow
def test_its_own_test_and_the_rules_of_the_project_pass(project):
  own = "tests/methods/test_two_windows.py"
  done = _python(project, "pytest", "-vv", own, *_RULES)
  assert done.returncode == 0, done.stdout[-3000:]
  assert "test_loss_is_the_sum_of_both_regressions PASSED" in done.stdout


@pytest.mark.parametrize("rule", ["check", "format --check"])
def test_its_files_have_the_style_of_the_project(project, rule):
  done = _python(project, "ruff", *rule.split(), *_files())
  assert done.returncode == 0, done.stdout
