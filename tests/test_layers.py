"""Arrows point downwards only: who may import whom, over every file.

A module of tfvssl stands in one layer of LAYERS; it may import its own layer
and those below. FORBIDDEN holds the arrows that are not a matter of height.
A file or folder that stands in no layer fails the test: say where it belongs.
"""

import ast
import fnmatch
import pathlib

import pytest

from tests import source_tree

# Top first; a name stands for the module, or for a folder and all below it.
LAYERS = (
  (
    "train",
    "evaluate",
    "deflate",
    "export",
    "embed",
    "demo",
    "compare",
    "import_weights",
    "search",
  ),
  (
    "trainer",
    "training",
    "probe",
    "describing",
    "comparing",
    "pretrained",
    "published_weights",
    "published_mmv",
    "weight_import",
    "searching",
    "search_page",
    "serving_inputs",
    "view_images",
    "evaluation",
    "serving",
    "exporting",
    "embedding",
    "export_format",
    "demo_plan",
    "demo_report",
    "demo_stages",
    "report",
    "report_charts",
    "report_gallery",
  ),
  ("methods", "data.pipeline", "checkpoints"),
  (
    "backbones",
    "heads",
    "losses",
    "contrastive",
    "memory_bank",
    "augment",
    "optim",
    "data",  # what is not named in another row: reader, decode, ...
  ),
  (
    "runtime",
    "randomness",
    "data.schema",
    "data.media",
    "data.ffmpeg",
    "data.spectrogram",
    "data.mp4",
    "flags",
    "exit_codes",
    "output_folder",
    "published_file",
    "restricted_pickle",
    "stop_request",
    "workdir",
  ),
  ("views", "config", "protocols", "paper_results"),
)

# Importer, imported (patterns), why.
FORBIDDEN = (
  ("tfvssl.methods*", "tfvssl.data.pipeline", "it gets sample_views"),
  ("tfvssl.data*", "tfvssl.methods*", "data knows no method"),
  ("tfvssl*", "data_prep*", "nothing imports data_prep"),
  ("tfvssl*", "configs*", "nothing imports configs"),
  ("data_prep*", "configs*", "nothing imports configs"),
  ("configs*", "data_prep*", "nothing imports data_prep"),
  ("benchmarks*", "data_prep*", "nothing imports data_prep"),
  ("tfvssl*", "tests*", "nothing imports tests"),
  ("data_prep*", "tests*", "nothing imports tests"),
  ("configs*", "tests*", "nothing imports tests"),
  ("benchmarks*", "tests*", "nothing imports tests"),
  ("*", "keras", "only the public tf.keras"),
  ("*", "keras.*", "only the public tf.keras"),
  ("*", "tf_keras*", "only the public tf.keras"),
  ("*", "tensorflow.python*", "only the public tf"),
  ("*", "official.vision*", "it loads 243 modules"),
  ("*", "official.nlp*", "only leaf modules of official"),
  ("*", "tensorflow_models*", "it loads official.vision"),
  ("*", "..*", "imports are absolute"),
)

_DATA_PREP_MAY_IMPORT = (
  "tfvssl.views",
  "tfvssl.config",
  "tfvssl.data.records.schema",
  "tfvssl.data.media.streams",
  "tfvssl.data.media.ffmpeg",  # still pictures: the process with other formats
  "tfvssl.data.spectrogram",
  "tfvssl.data.media.mp4",  # writes the demo's clips; decodes nothing
  "tfvssl.runtime.exit_codes",  # what every binary is run by
)
_MAY_IMPORT_LIKE_A_BINARY = (
  "data_prep.inspect_records",
  "data_prep.make_vocabulary.counting",
)

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


def layer_of(module: str) -> int | None:
  """Returns the height of `tfvssl.<module>`, 0 is the lowest; None if none."""
  heights = {
    name: height
    for height, names in enumerate(reversed(LAYERS))
    for name in names
  }
  parts = module.removeprefix("tfvssl.").split(".")
  for length in range(len(parts), 0, -1):  # the most exact name decides
    name = ".".join(parts[:length])
    if name in heights:
      return heights[name]
  return None


def problem_of(importer: str, imported: str) -> str | None:
  """Returns why `importer` may not import `imported`, or None."""
  if imported.startswith("."):
    return "imports are absolute"
  for source, target, reason in FORBIDDEN:
    if fnmatch.fnmatchcase(importer, source) and fnmatch.fnmatchcase(
      imported, target
    ):
      return reason
  if not imported.startswith("tfvssl.") or importer.startswith("tests"):
    return None
  if importer.startswith("data_prep"):
    if importer in _MAY_IMPORT_LIKE_A_BINARY:
      return None
    allowed = imported in _DATA_PREP_MAY_IMPORT
    return None if allowed else "not among what data_prep may import"
  if not importer.startswith("tfvssl."):
    return None  # configs and benchmarks stand above the binaries
  above, below = layer_of(importer), layer_of(imported)
  if above is None or below is None:
    return "one of the two stands in no layer; see LAYERS"
  return None if below <= above else "the arrow points upwards"


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
      problem = problem_of(importer, item.name)
      if problem:
        problems.append(f"{path}:{item.line} imports {item.name}: {problem}")
  assert not problems, "\n".join(problems)


def test_every_module_of_tfvssl_stands_in_a_layer():
  missing = [
    str(path)
    for path in _files("tfvssl")
    if not _is_package(path) and layer_of(source_tree.module_name(path)) is None
  ]
  assert not missing, f"in no layer of tests/test_layers.py: {missing}"


def test_every_folder_is_known():
  known = {f"tfvssl/{name.split('.')[0]}" for row in LAYERS for name in row}
  known |= {"tfvssl", "data_prep", "data_prep/datasets", "configs"}
  known |= {"benchmarks"}
  folders = {
    str(path.parent)
    for path in source_tree.python_files()
    if path.parts[0] != "tests"
  }
  assert folders <= known, f"new folders: {sorted(folders - known)}"
  at_root = {
    path.parent.name for path in source_tree.ROOT.glob("[!.]*/*.py")
  } | {path.parent.name for path in source_tree.ROOT.glob("[!.]*/__init__.py")}
  assert at_root <= set(source_tree.FOLDERS), (
    f"new folders: {sorted(at_root - set(source_tree.FOLDERS))}"
  )


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
  assert "tfvssl.config" in done


@pytest.mark.parametrize(
  ("importer", "imported", "allowed"),
  [
    ("tfvssl.train.trainer", "tfvssl.methods.base", True),
    ("tfvssl.methods.base", "tfvssl.train.trainer", False),
    ("tfvssl.methods.brave", "tfvssl.data.windows", True),
    ("tfvssl.methods.brave", "tfvssl.data.pipeline", False),
    ("tfvssl.data.pipeline", "tfvssl.methods.base", False),
    ("tfvssl.data.media.streams", "tfvssl.data.windows", False),
    ("tfvssl.config", "tfvssl.views", True),
    ("tfvssl.views", "tfvssl.runtime.randomness", False),
    ("tfvssl.train", "configs.tiny_brave", False),
    ("tfvssl.demo", "data_prep.prepare_records", False),
    ("tfvssl.newcomer", "tfvssl.views", False),
    ("data_prep.prepare_records", "tfvssl.data.media.streams", True),
    ("data_prep.prepare_records", "tfvssl.data.records.reader", False),
    ("data_prep.inspect_records", "tfvssl.data.records.reader", True),
    ("configs.tiny_brave", "tfvssl.methods.brave", True),
    ("tests.test_x", "data_prep.prepare_records", True),
    ("tfvssl.methods.parts.losses", "keras", False),
    ("tfvssl.methods.parts.losses", "keras.src.layers", False),
    ("tfvssl.methods.parts.losses", "tensorflow", True),
    ("tfvssl.methods.parts.losses", "official.vision.modeling", False),
    ("tfvssl.methods.parts.losses", ".views", False),
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
    (".", False),
  ]
