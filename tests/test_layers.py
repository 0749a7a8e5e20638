"""Arrows point downwards only: who may import whom, over every file.

The architecture stands in BUILD: a file may import the files of its own target
and those of the target's deps. FORBIDDEN holds what is not a matter of folders.
"""

import ast
import fnmatch
import pathlib

import pytest

from tests import build_file
from tests import source_tree

# Importer, imported (patterns), why.
FORBIDDEN = (
  ("*", "keras", "only the public tf.keras"),
  ("*", "keras.*", "only the public tf.keras"),
  ("*", "tf_keras*", "only the public tf.keras"),
  ("*", "tensorflow.python*", "only the public tf"),
  ("*", "official.vision*", "it loads 243 modules"),
  ("*", "official.nlp*", "only leaf modules of official"),
  ("*", "tensorflow_models*", "it loads official.vision"),
)

# They are tfvssl.bundled.NAME in the wheel, where a user's own package may have
# their name: their files import each other relatively, all others absolutely.
BUNDLED = ("configs", "data_prep")

# Seconds of import time each; loaded by the function that needs one.
HEAVY = (
  "keras_cv",
  "tensorflow_addons",
  "tensorflow_models",
  "tensorflow_hub",
  "tensorflow_io",
  "matplotlib",
  "skimage",
  "sklearn",
)


def _targets_of_modules():
  """Returns the target of every module, and the deps of every target.

  A command belongs to the library of its folder; the front command, which
  chooses one, has deps of its own.
  """
  modules, deps, folders = {}, {}, {}
  for target in build_file.targets():
    deps[target.name] = target.deps
    for path in map(pathlib.PurePosixPath, target.srcs):
      folders.setdefault(path.parent, target.name)
      is_main = target.kind == "py_binary" and "everything" in target.deps
      name = folders[path.parent] if is_main else target.name
      modules[source_tree.module_name(path)] = name
  return modules, deps


MODULES, DEPS = _targets_of_modules()


def problem_of(importer: str, imported: str) -> str | None:
  """Returns why `importer` may not import `imported`, or None."""
  for source, target, reason in FORBIDDEN:
    if fnmatch.fnmatchcase(importer, source) and fnmatch.fnmatchcase(
      imported, target
    ):
      return reason
  if imported.split(".")[0] not in source_tree.FOLDERS:
    return None
  above, below = MODULES.get(importer), MODULES.get(imported)
  if above is None or below is None:
    return "one of the two stands in no target of BUILD"
  if below == "tfvssl" or above == below or importer.startswith("tests"):
    return None
  return None if below in DEPS[above] else f"not among the deps of :{above}"


def form_problem(importer: str, item: source_tree.Import) -> str | None:
  """Returns why an import may not be written as it is, or None."""
  folder = importer.split(".")[0]
  if folder in BUNDLED and item.name.split(".")[0] == folder:
    return None if item.relative else "is imported relatively"
  return "imports are absolute" if item.relative else None


def _is_package(path: pathlib.PurePosixPath) -> bool:
  return path.name == "__init__.py"


def _files(*folders: str) -> list[pathlib.PurePosixPath]:
  return [
    path for path in source_tree.python_files() if path.parts[0] in folders
  ]


def test_every_file_imports_only_what_its_layer_allows():
  problems = []
  for path in source_tree.python_files():
    importer = source_tree.module_name(path)
    for item in source_tree.imports_of(path):
      problem = problem_of(importer, item.name) or form_problem(importer, item)
      if problem:
        problems.append(f"{path}:{item.line} imports {item.name}: {problem}")
  assert not problems, "\n".join(problems)


def test_tfvssl_is_a_table_of_contents():
  folder = source_tree.ROOT / "tfvssl"
  entries = {path.name for path in folder.iterdir()} - {"__pycache__"}
  assert len(entries) <= 22, sorted(entries)


def test_every_folder_is_known():
  at_root = {path.parent.name for path in source_tree.ROOT.glob("[!.]*/*.py")}
  known = {*source_tree.FOLDERS, "docs"}  # examples that import nothing of ours
  assert at_root <= known, f"new folders: {sorted(at_root - known)}"


def test_packages_import_nothing_of_ours():
  # So that importing one module never loads a whole folder.
  for path in source_tree.python_files():
    if _is_package(path):
      names = [item.name for item in source_tree.imports_of(path)]
      ours = [
        name for name in names if name.split(".")[0] in source_tree.FOLDERS
      ]
      assert not ours, f"{path} imports {ours}"


def test_heavy_packages_are_loaded_by_the_function_that_needs_them():
  problems = [
    f"{path}:{item.line} imports {item.name} at the top"
    for path in _files("tfvssl", "data_prep", "configs")
    for item in source_tree.imports_of(path)
    if item.top_level and item.name.split(".")[0] in HEAVY
  ]
  assert not problems, "\n".join(problems)


def test_no_private_part_of_tensorflow_is_used():
  private = ("tf.python", "tf.keras.src", "tf.__internal__")
  for path in source_tree.python_files():
    text = (source_tree.ROOT / path).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
      if isinstance(node, ast.Attribute):
        assert ast.unparse(node) not in private, f"{path}:{node.lineno}"


def test_no_cycle_between_modules():
  arrows = {}
  for path in source_tree.python_files():
    arrows[source_tree.module_name(path)] = {
      item.name for item in source_tree.imports_of(path)
    }
  done, under_way = set(), []

  def visit(module):
    assert module not in under_way, " -> ".join([*under_way, module])
    if module in done or module not in arrows:
      return
    under_way.append(module)
    for imported in sorted(arrows[module]):
      visit(imported)
    under_way.pop()
    done.add(module)

  for module in sorted(arrows):
    visit(module)
  assert "tfvssl.config.experiment" in done


@pytest.mark.parametrize(
  ("importer", "imported", "allowed"),
  [
    ("tfvssl.train.trainer", "tfvssl.methods.base", True),
    ("tfvssl.train.__main__", "tfvssl.train.run", True),
    ("tfvssl.train.__main__", "tfvssl.evaluate.evaluation", False),
    ("tfvssl.methods.base", "tfvssl.train.trainer", False),
    ("tfvssl.methods.brave", "tfvssl.data.windows", True),
    ("tfvssl.methods.brave", "tfvssl.data.pipeline", False),
    ("tfvssl.data.pipeline", "tfvssl.methods.base", False),
    ("tfvssl.data.media.streams", "tfvssl.data.windows", False),
    ("tfvssl.views", "tfvssl.config.pictures", True),
    ("tfvssl.config.experiment", "tfvssl.views", False),
    ("tfvssl.views", "tfvssl.runtime.randomness", False),
    ("tfvssl.train.run", "configs.tiny_brave", False),
    ("tfvssl.demo.plan", "data_prep.prepare_records.preparation", False),
    ("tfvssl.newcomer", "tfvssl.views", False),
    (
      "data_prep.prepare_records.preparation",
      "tfvssl.data.media.streams",
      True,
    ),
    ("data_prep.prepare_records.preparation", "tfvssl.data.decode", False),
    ("data_prep.inspect_records", "tfvssl.data.pipeline", True),
    ("configs.tiny_brave", "tfvssl.methods.brave", True),
    ("configs.tiny_brave", "data_prep.inspect_records", False),
    ("tests.test_layers", "data_prep.inspect_records", True),
    ("tfvssl.views", "keras", False),
    ("tfvssl.views", "keras.src.layers", False),
    ("tfvssl.views", "tensorflow", True),
    ("tfvssl.views", "official.vision.modeling", False),
  ],
)
def test_rules_on_known_pairs(importer, imported, allowed):
  assert (problem_of(importer, imported) is None) == allowed


def test_imports_are_seen_wherever_they_stand(tmp_path):
  (tmp_path / "tfvssl" / "data").mkdir(parents=True)
  (tmp_path / "tfvssl" / "data" / "schema.py").write_text("")
  (tmp_path / "tfvssl" / "x.py").write_text(
    "import os, numpy.linalg\n"
    "from typing import TYPE_CHECKING\n"
    "from tfvssl.data import schema, Thing\n"
    "if TYPE_CHECKING:\n"
    "  import keras\n"
    "def f():\n"
    "  from sklearn import svm\n"
    "  from . import views\n"
    "  from .data import schema\n"
  )
  path = pathlib.PurePosixPath("tfvssl/x.py")
  found = source_tree.imports_of(path, tmp_path)
  assert [(item.name, item.top_level) for item in found] == [
    ("numpy.linalg", True),
    ("os", True),
    ("typing.TYPE_CHECKING", True),
    ("tfvssl.data", True),
    ("tfvssl.data.schema", True),
    ("keras", False),
    ("sklearn.svm", False),
    ("tfvssl", False),
    ("tfvssl.data.schema", False),
  ]
  assert [item.relative for item in found] == [False] * 7 + [True] * 2


@pytest.mark.parametrize(
  ("importer", "imported", "relative", "allowed"),
  [
    ("configs.brave.va_audioset", "configs.brave.common", True, True),
    ("configs.brave.va_audioset", "configs.brave.common", False, False),
    ("data_prep.prepare_records.run", "data_prep.datasets.x", False, False),
    ("configs.tiny_brave", "tfvssl.views", False, True),
    ("tests.configs.test_recipes", "configs.tiny_brave", False, True),
    ("tfvssl.views", "tfvssl.config", True, False),
  ],
)
def test_what_is_bundled_imports_itself_relatively(
  importer, imported, relative, allowed
):
  item = source_tree.Import(imported, 1, True, relative)
  assert (form_problem(importer, item) is None) == allowed
