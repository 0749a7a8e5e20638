"""Prints the measures of the house: sizes, arrows and what a command reads.

  python -m tests.measure_house [ROOT]

ROOT is the checkout that is measured, this one unless said otherwise; it may
be of version 0.1.0, whose commands and files had other places. The commands
run in child processes on records that are made for it, in about two minutes.
"""

import ast
from collections.abc import Iterator
import operator
import os
import pathlib
import subprocess
import sys
import tempfile

_HERE = pathlib.Path(__file__).resolve().parent.parent
_FOLDERS = ("tfvssl", "data_prep", "configs", "benchmarks")
_LONGEST_FILE = 400
_LONGEST_FUNCTION = 60
_LONGEST_TEST_FILE = 600
# They are asked what kind of view they have; others should not need to.
_KNOW_KINDS = ("tfvssl/views.py", "data/clip_views.py", "augment/view.py")

# The smallest networks and fewest steps that a BraVe recipe allows.
_SMALL = (
  "--config=configs/tiny_brave.py",
  "--config.method.narrow.num_frames=4",
  "--config.method.narrow.image_size=16",
  "--config.method.broad['audio'].view.seconds=0.5",
  "--config.batch_size=4",
  "--config.steps=2",
  "--config.schedule.warmup_steps=0",
  "--config.data.shuffle_buffer=8",
)
_RECORDS = """
import pathlib, sys
from tests.data import record_fixture
for name, seeds in {"train": range(8), "test": range(8, 12)}.items():
  clips = [record_fixture.make_clip(seed) for seed in seeds]
  record_fixture.write_records(pathlib.Path(sys.argv[1]) / name, clips)
"""
# Runs a command as `python -m` does, then says which files it has read.
_COMMAND = """
import atexit, importlib.util, runpy, sys
place, module, *words = sys.argv[1:]
spec = importlib.util.find_spec(module)
if spec.submodule_search_locations:
  spec = importlib.util.find_spec(module + ".__main__")
def note():
  files = {getattr(m, "__file__", None) for m in list(sys.modules.values())}
  files.add(spec.origin)  # runpy has taken it out of sys.modules
  with open(place, "w") as file:
    file.write("\\n".join(sorted(filter(None, files))))
atexit.register(note)
sys.argv = [module, *words]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
_ARROWS = """
from tests import source_tree
from tests import test_layers
for path in source_tree.python_files():
  importer = source_tree.module_name(path)
  for item in source_tree.imports_of(path):
    problem = test_layers.problem_of(importer, item.name)
    if problem:
      print(f"  {path}:{item.line} imports {item.name}: {problem}")
"""


def main(argv: list[str]) -> int:
  """Prints the measures; returns 1 if one of them is beyond its limit."""
  root = pathlib.Path(argv[1]).resolve() if len(argv) > 1 else _HERE
  entries = {p.name for p in (root / "tfvssl").iterdir()} - {"__pycache__"}
  beyond = []

  def measure(what, value, limit, holds=operator.le):
    word = "at most" if holds is operator.le else "at least"
    print(f"{what}: {value:.6g} ({word} {limit})")
    if not holds(value, limit):
      beyond.append(what)

  def listed(title, found, limit=0):
    measure(title, len(found), limit)
    for line in found:
      print(f"  {line.strip()}")

  measure("entries of tfvssl/", len(entries), 22)
  build = _lines(root / "BUILD")
  measure("lines of BUILD", len(build), 150)
  listed("files of more than 400 lines", long_files(root))
  listed("functions of more than 60 lines", long_functions(root))
  listed("test files of more than 600 lines", long_test_files(root))
  listed("questions after the kind of a view", kind_checks(root), 12)
  listed("arrows up", _run(root, _ARROWS).splitlines())
  tests = code_lines(_python_files(root / "tests"))
  code = code_lines(
    path
    for folder in ("tfvssl", "data_prep", "benchmarks")
    for path in _python_files(root / folder)
  )
  print(f"test lines {tests}, code lines {code}")
  measure("test lines : code lines", tests / code, 1.05, operator.ge)
  with tempfile.TemporaryDirectory() as folder:
    for command, (read, limit) in _read_by_commands(root, folder).items():
      count = sum(len(_lines(path)) for path in read)
      measure(f"lines that {command} reads in {len(read)} files", count, limit)
  for what in beyond:
    print(f"error: {what}: beyond its limit")
  return 1 if beyond else 0


def long_files(root: pathlib.Path) -> list[str]:
  """Returns the files of the product with more than 400 lines."""
  return [
    f"{path.relative_to(root)}: {len(_lines(path))}"
    for folder in _FOLDERS
    for path in _python_files(root / folder)
    if len(_lines(path)) > _LONGEST_FILE
  ]


def long_functions(root: pathlib.Path) -> list[str]:
  """Returns the functions of the product with more than 60 lines."""
  found = []
  for folder in _FOLDERS:
    for path in _python_files(root / folder):
      for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
          length = node.end_lineno - node.lineno + 1
          if length > _LONGEST_FUNCTION:
            found.append(f"{path.relative_to(root)} {node.name}: {length}")
  return found


def long_test_files(root: pathlib.Path) -> list[str]:
  """Returns the files of the tests with more than 600 lines."""
  return [
    f"{path.relative_to(root)}: {len(_lines(path))}"
    for path in _python_files(root / "tests")
    if len(_lines(path)) > _LONGEST_TEST_FILE
  ]


def kind_checks(root: pathlib.Path) -> list[str]:
  """Returns the `isinstance(..., XViewSpec)` outside where they belong."""
  found = []
  for folder in _FOLDERS:
    for path in _python_files(root / folder):
      if path.as_posix().endswith(_KNOW_KINDS):
        continue
      found += [
        f"{path.relative_to(root)}:{node.lineno}"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "isinstance"
        and "ViewSpec" in ast.unparse(node.args[1])
      ]
  return found


def code_lines(paths: Iterator[pathlib.Path]) -> int:
  """Returns the lines that are neither blank nor a comment."""
  return sum(
    bool(line.strip()) and not line.strip().startswith("#")
    for path in paths
    for line in _lines(path)
  )


def _read_by_commands(root, folder):
  """Returns by command the project's files that a run reads, and the limit."""
  run, train_records = f"{folder}/run", f"{folder}/train"
  _run(root, _RECORDS, folder)
  data = f"--config.data.train_records={train_records}"
  train = _files_read(
    root, "tfvssl.train", *_SMALL, f"--workdir={run}", data, folder=folder
  )
  evaluate = _files_read(
    root,
    "tfvssl.evaluate",
    f"--workdir={run}",
    "--protocol=svm",
    f"--train_records={train_records}",
    f"--test_records={folder}/test",
    "--set=svm.train_epochs=1",
    "--set=svm.temporal_clips=1",
    "--set=svm.test_short_side=16",
    folder=folder,
  )
  return {
    "train": (train, 8500),
    "evaluate --protocol=svm": (evaluate, 9500),
  }


def _files_read(root, module, *words, folder):
  """Returns the project's files that `python -m MODULE WORDS` imports.

  The recipe of --config and what lies beside it are left out: they are the
  question, and another run asks another.
  """
  note = pathlib.Path(folder) / "read"
  _run(root, _COMMAND, str(note), module, *words)
  paths = map(pathlib.Path, note.read_text(encoding="utf-8").splitlines())
  return sorted(
    path
    for path in paths
    if any(
      path.is_relative_to(root / name) for name in _FOLDERS if name != "configs"
    )
  )


def _run(root, code, *words):
  """Returns what a child process in `root` printed."""
  done = subprocess.run(
    [sys.executable, "-c", code, *words],
    cwd=root,
    env={**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"},
    capture_output=True,
    text=True,
  )
  if done.returncode:
    raise RuntimeError(f"{words} failed in {root}:\n{done.stderr[-3000:]}")
  return done.stdout


def _python_files(folder):
  for path in sorted(folder.rglob("*.py")):
    if not {"vectors", "__pycache__"} & set(path.parts):
      yield path


def _tree(path):
  return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _lines(path):
  return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
  sys.exit(main(sys.argv))
