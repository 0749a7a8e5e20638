"""--config with its overrides, as a user of a binary meets it."""

import ast
import enum
import json
import pathlib
import subprocess
import sys

import pytest

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import flag

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

_CONFIG = """
import dataclasses
from tfvssl import views
from tfvssl.config import experiment as config

@dataclasses.dataclass
class Method(config.MethodConfig):
  narrow: views.RgbViewSpec = dataclasses.field(
      default_factory=views.RgbViewSpec)
  broad: dict[str, views.ViewSpec] = dataclasses.field(
      default_factory=lambda: {"audio": views.AudioViewSpec()})

  def validate(self):
    pass

  def build(self):
    pass

@dataclasses.dataclass
class Optimizer(config.OptimizerConfig):
  limit: float | None = None
  rate_factors: dict[str, float] = dataclasses.field(
      default_factory=lambda: {"predictor": 10.0})

  def validate(self):
    pass

  def build(self, learning_rate, variables):
    pass

def get_config():
  return config.Experiment(method=Method(), optimizer=Optimizer())
"""

_BINARY = """
import json
from tfvssl.config import flag, tree
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes

_CONFIG = flag.define_config()

def main(argv):
  del argv
  print(json.dumps(tree.to_tree(flag.read_config())))

binary.run(main)
"""


@pytest.fixture
def run(tmp_path):
  """Returns a function that runs a binary which prints its config."""
  (tmp_path / "binary.py").write_text(_BINARY)
  (tmp_path / "good.py").write_text(_CONFIG)
  (tmp_path / "broken.py").write_text("def get_config():\n  return 1 / 0\n")
  (tmp_path / "wrong.py").write_text("def get_config():\n  return int(x=1)\n")
  (tmp_path / "number.py").write_text("def get_config():\n  return 7\n")

  def run_arguments(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
      [sys.executable, "binary.py", *arguments],
      cwd=tmp_path,
      env={"PYTHONPATH": str(ROOT), "PATH": ""},
      capture_output=True,
      text=True,
      timeout=60,
      check=False,
    )

  return run_arguments


def test_overrides_change_values_of_every_kind(run):
  done = run(
    "--config=good.py",
    "--config.steps=30000",
    "--config.method.narrow.num_frames=8",
    "--config.method.broad.audio.seconds=2",
    "--config.method.narrow.crop.area=0.5,1",
    "--config.svm.grid_c=0.25",
    "--config.runtime.strategy=multi_worker",
    "--config.runtime.precision=BFLOAT16",
    "--noconfig.runtime.deterministic",
    "--config.optimizer.limit=0.5",
    "--config.optimizer.rate_factors.predictor=3",
    "--config.data.train_records=a folder",
  )
  assert done.stderr == ""
  tree = json.loads(done.stdout)
  assert tree["steps"] == 30000
  assert tree["method"]["narrow"]["num_frames"] == 8
  assert tree["method"]["broad"]["audio"]["seconds"] == 2.0
  assert tree["method"]["narrow"]["crop"]["area"] == [0.5, 1]
  assert tree["svm"]["grid_c"] == [0.25]
  assert tree["runtime"]["strategy"] == "multi_worker"
  assert tree["runtime"]["precision"] == "bfloat16"
  assert tree["runtime"]["deterministic"] is False
  assert tree["optimizer"]["limit"] == 0.5
  assert tree["optimizer"]["rate_factors"] == {"predictor": 3.0}
  assert tree["data"]["train_records"] == "a folder"


@pytest.mark.parametrize(
  ("arguments", "line"),
  [
    (
      ["--config=good.py", "--config.method.narrow.num_framez=8"],
      "--config.method.narrow.num_framez: `config.method.narrow` has no"
      " field `num_framez`; did you mean `num_frames`?",
    ),
    (
      ["--config=good.py", "--config.method.broad.audoi.seconds=8"],
      "--config.method.broad.audoi.seconds: `config.method.broad` has no"
      " field `audoi`; did you mean `audio`?",
    ),
    (
      ["--config=good.py", "--config.optimizer.predictor_multiplier=8"],
      "--config.optimizer.predictor_multiplier: `config.optimizer` has no"
      " field `predictor_multiplier`; it is `rate_factors.predictor` since"
      " version 0.2.0.",
    ),
    (
      ["--config=good.py", "--config.qqq=8"],
      "--config.qqq: `config` has no field `qqq`; known: method,"
      " optimizer, data, schedule, runtime, logging, svm, linear, finetune,"
      " finetune_sgd, mlp, pascal, imagenet, retrieval, batch_size,"
      " accumulation, steps, seed.",
    ),
    (
      ["--config=good.py", "--config.method.broad=8"],
      "--config.method.broad: `config.method.broad` is a section; set"
      " one of its fields: audio.",
    ),
    (
      ["--config=good.py", "--config.steps.x=8"],
      "--config.steps.x: `config.steps` is a value and has no field `x`.",
    ),
    (
      ["--config=good.py", "--config.steps=abc"],
      "flag --config.steps=abc: invalid literal for int() with base 10: 'abc'",
    ),
    (
      ["--config=good.py", "--config.runtime.strategy=tpus"],
      "flag --config.runtime.strategy=tpus: value should be one of"
      " <cpu|gpu|mirrored|multi_worker|tpu>",
    ),
    (
      ["--config=good.py", "--config.steps=0"],
      "`experiment.steps` (0) must be above 0.",
    ),
    (
      ["--config=tiny_brav"],
      "--config=tiny_brav does not exist; did you mean tiny_brave?",
    ),
    (
      ["--config=broken.py"],
      "--config=broken.py: ZeroDivisionError: division by zero",
    ),
    (
      ["--config=wrong.py"],
      "--config=wrong.py: TypeError: 'x' is an invalid keyword argument"
      " for int()",
    ),
    (
      ["--config=number.py"],
      "get_config() of --config returned int; it must return a"
      " config.Experiment.",
    ),
    (
      ["--config.steps=3"],
      "--config.steps needs --config=FILE before it.",
    ),
    (
      [],
      "--config is missing; for example --config=tiny_brave",
    ),
  ],
)
def test_mistake_is_answered_in_one_line(run, arguments, line):
  done = run(*arguments)
  assert done.stderr == f"error: {line}\n"
  assert done.returncode == 2


def test_config_path_is_found_in_every_spelling():
  assert flag._config_path(["x", "--config", "a.py"]) == "a.py"
  assert flag._config_path(["x", "-config=b.py:tiny"]) == "b.py:tiny"
  assert flag._config_path(["x", "--config.steps=3"]) is None


def _enum_classes(path):
  """Yields (class name, {member: value}) of the enums a file defines."""
  for node in ast.parse(path.read_text(encoding="utf-8")).body:
    if isinstance(node, ast.ClassDef) and any(
      ast.unparse(base) == "enum.Enum" for base in node.bases
    ):
      yield (
        node.name,
        {
          member.targets[0].id: member.value.value
          for member in node.body
          if isinstance(member, ast.Assign)
        },
      )


def test_enum_members_can_be_named_by_value_on_the_command_line():
  # The flag parser matches names without regard to case; values that are the
  # lower-case names are therefore accepted as well, everywhere.
  found = {}
  for path in sorted((ROOT / "tfvssl").rglob("*.py")):
    for name, members in _enum_classes(path):
      found[name] = members
      assert members == {key: key.lower() for key in members}, (path, name)
  assert found["Strategy"] == {
    member.name: member.value for member in experiment.Strategy
  }
  assert issubclass(views.Sync, enum.Enum) and "Sync" in found
