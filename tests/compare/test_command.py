"""The binary: a result and a recipe in, a table out; one line when it fails."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

# Without TensorFlow, which would take seconds to load.
_RECIPE = """
import dataclasses
from tfvssl.config import experiment as config
from tfvssl.config import paper_rows

PAPER = (paper_rows.Row("Table 6", "V-A", {"esc50_linear": 93.0}),)

@dataclasses.dataclass
class Method(config.MethodConfig):
  def validate(self):
    pass

  def build(self):
    pass

@dataclasses.dataclass
class Optimizer(config.OptimizerConfig):
  def validate(self):
    pass

  def build(self, learning_rate, variables):
    pass

def get_config():
  return config.Experiment(method=Method(), optimizer=Optimizer())
"""
_RESULT = {
  "protocol": {"name": "svm", "modality": "audio", "temporal_clips": 10},
  "checkpoint_step": 12,
  "classes": ["dog", "rain"],
  "splits": [{}] * 5,
  "pretrained": {"mean": {"top_1": 0.5}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """A recipe and a result."""
  root = tmp_path_factory.mktemp("compare")
  (root / "recipe.py").write_text(_RECIPE)
  (root / "result.json").write_text(json.dumps(_RESULT))
  return root


def _compare(folder, *flags):
  return subprocess.run(
    [sys.executable, "-m", "tfvssl.compare", *flags],
    cwd=folder,
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    capture_output=True,
    text=True,
    timeout=120,
    check=False,
  )


def test_table_is_printed(folder):
  done = _compare(
    folder,
    "--result=result.json",
    "--config=recipe.py",
    "--benchmark=esc50_linear",
  )
  assert done.returncode == 0, done.stderr[-2000:]
  lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
  assert 'paper 93.0 difference -43.0 Table 6, "V-A"' in lines
  assert "classes 2 50" in lines
  assert "temporal clips 10 1" in lines
  assert lines[-2] == "trained otherwise than the recipe"


@pytest.mark.parametrize(
  ("flags", "code", "line"),
  [
    (
      ["--config=recipe.py", "--result=result.json", "--benchmark=esc_linear"],
      2,
      "benchmark 'esc_linear' is unknown; did you mean esc50_linear?",
    ),
    (
      ["--config=recipe.py", "--result=no.json", "--benchmark=esc50_linear"],
      3,
      "--result=no.json does not exist; tfvssl.evaluate prints where it wrote"
      " one.",
    ),
    (
      ["--config=recipe.py", "--benchmark=esc50_linear"],
      2,
      "--result is missing; for example --result=RUN/results/NAME.json",
    ),
    (
      ["--config=recipe.py", "--result=result.json"],
      2,
      "--benchmark is missing; for example --benchmark=ucf101_linear",
    ),
    (
      ["--config=recipe.py", "esc50_linear"],
      2,
      "'esc50_linear' is not a flag; see --helpfull.",
    ),
  ],
)
def test_mistake_is_answered_in_one_line(folder, flags, code, line):
  done = _compare(folder, *flags)
  assert (done.returncode, done.stderr.splitlines()[-1]) == (
    code,
    f"error: {line}",
  )
  assert "Traceback" not in done.stderr
