"""Tests mirror the package; where they do not, the list here says which test.

The test of tfvssl/data/text.py is tests/data/test_text.py, that of
benchmarks/cross_modal/table.py tests/benchmarks/cross_modal/test_table.py, that
of a __main__.py test_command.py.
"""

import functools
import pathlib
import re

import pytest

from tests import source_tree

_LISTS = "tests/data_prep/datasets/test_lists.py"
_CAPTIONED = "tests/data_prep/datasets/test_captioned_lists.py"
_DATASETS = "tests/data_prep/datasets/test_prepare_datasets.py"
_CLASSES = "tests/evaluate/protocols/test_base.py"
_TIMES = "tests/benchmarks/test_times.py"

# Modules whose test has another name, as it tests several of them together.
# A module of its own, or one that is told by what it does, gets its own test.
COVERED = {
  # Its clips are packed by test_schema, which reads them back.
  "tfvssl/data/records/encoded_clip.py": "tests/data/records/test_schema.py",
  # The blocks of the audio network; no other network has them.
  "tfvssl/backbones/resnet_v2.py": "tests/backbones/test_resnet_audio.py",
  # What the kinds of views inherit.
  "tfvssl/config/view.py": "tests/test_views.py",
  # The kinds, which are asked the same questions.
  **{
    f"tfvssl/config/{kind}_view.py": "tests/test_views.py"
    for kind in ("audio", "flow", "rgb", "text", "waveform")
  },
  # The same shards, with and without their payloads.
  "tfvssl/data/records/payloads.py": "tests/data/records/test_shard_files.py",
  # Records of which only the context is read: as whole as the others.
  "tfvssl/data/records/contexts.py": "tests/data/records/test_check.py",
  # Some of the starts, of the splits, of what is wrong with records.
  "tfvssl/data/centred.py": "tests/data/test_starts.py",
  "tfvssl/data/records/misfits.py": "tests/data/records/test_reader.py",
  "tfvssl/evaluate/samples/held_out.py": (
    "tests/evaluate/samples/test_splits.py"
  ),
  "tfvssl/evaluate/classifiers/diverged.py": (
    "tests/evaluate/protocols/test_finetune.py"
  ),
  # Both tables that users exchange.
  "tfvssl/runtime/npz.py": "tests/search/test_index.py",
  "tfvssl/runtime/tpu.py": "tests/runtime/test_replicas.py",
  "benchmarks/guards.py": _TIMES,
  # Inside the graph of an export.
  "tfvssl/export/jpeg.py": "tests/export/test_serving.py",
  # One of the random windows, and what hangs on the records' own tests.
  "tfvssl/data/jitter.py": "tests/data/test_decode.py",
  "tfvssl/data/records/packed.py": "tests/data/records/test_schema.py",
  "tfvssl/data/records/skipped.py": "tests/data/records/test_reader.py",
  # Two of the datasets that are tested there.
  "tfvssl/data/one_pass.py": "tests/data/test_pipeline.py",
  "tfvssl/data/second_records.py": "tests/data/test_pipeline.py",
  # The edges of the graphs.
  "tfvssl/methods/parts/projection_heads.py": (
    "tests/methods/parts/test_embedding_graph.py"
  ),
  "tfvssl/evaluate/protocols/classification.py": _CLASSES,
  "tfvssl/evaluate/protocols/trained.py": _CLASSES,
  # Images that count neither way, on a real split.
  "tfvssl/evaluate/classifiers/difficult.py": (
    "tests/evaluate/protocols/test_images.py"
  ),
  "tfvssl/train/health_log.py": "tests/train/test_health.py",
  # A loop that is told nothing between its steps.
  "tfvssl/train/to_end.py": "tests/train/test_loop.py",
  # Found and read by the store, which writes them.
  "tfvssl/train/checkpoints.py": "tests/train/test_checkpoint_store.py",
  "tfvssl/train/restoring.py": "tests/train/test_checkpoint_store.py",
  # Numbers below a picture, and words beside it.
  "tfvssl/train/picture_numbers.py": "tests/train/test_view_images.py",
  # What the flags of a command ask for, done.
  "tfvssl/classify/run.py": "tests/classify/test_command.py",
  "tfvssl/deflate/run.py": "tests/deflate/test_command.py",
  "tfvssl/demo/run.py": "tests/demo/test_command.py",
  "tfvssl/embed/inputs.py": "tests/embed/test_command.py",
  "tfvssl/embed/run.py": "tests/embed/test_command.py",
  "tfvssl/search/run.py": "tests/search/test_command.py",
  # What a process ends with.
  "tfvssl/runtime/exit_codes.py": "tests/runtime/test_binary.py",
  # The update that the config builds.
  "tfvssl/optim/lars_optimizer.py": "tests/optim/test_lars.py",
  # From what is fitted to what is saved, and the name of a module.
  "tfvssl/evaluate/classifiers/keeping.py": (
    "tests/evaluate/classifiers/test_saved.py"
  ),
  "tfvssl/evaluate/public_names/pretrained.py": (
    "tests/evaluate/test_pretrained.py"
  ),
  # What retrieval measures, between its protocol and its embeddings.
  "tfvssl/evaluate/retrieval/measuring.py": (
    "tests/evaluate/protocols/test_retrieval.py"
  ),
  # Lists of data sets: the same tests with the lines of each.
  "data_prep/datasets/audioset.py": _LISTS,
  "data_prep/datasets/esc50.py": _LISTS,
  "data_prep/datasets/hmdb51.py": _LISTS,
  "data_prep/datasets/kinetics.py": _LISTS,
  "data_prep/datasets/ucf101.py": _LISTS,
  "data_prep/datasets/voc2007.py": _LISTS,
  "data_prep/datasets/howto100m.py": _CAPTIONED,
  "data_prep/datasets/msrvtt.py": _CAPTIONED,
  "data_prep/datasets/youcook2.py": _CAPTIONED,
  # Which file is which clip is asked with the lists of real data sets.
  "data_prep/datasets/presence.py": _LISTS,
  "data_prep/datasets/definitions.py": _DATASETS,
  # The command and its two parts.
  "data_prep/make_vocabulary/counting.py": (
    "tests/data_prep/make_vocabulary/test_command.py"
  ),
  "data_prep/prepare_records/inputs.py": (
    "tests/data_prep/prepare_records/test_command.py"
  ),
  "data_prep/prepare_records/preparation.py": (
    "tests/data_prep/prepare_records/test_command.py"
  ),
  "data_prep/prepare_records/run.py": (
    "tests/data_prep/prepare_records/test_command.py"
  ),
  # Numbers of the machine; they run, and their columns agree.
  "benchmarks/augmentation.py": _TIMES,
  "benchmarks/input.py": _TIMES,
  "benchmarks/training_step.py": _TIMES,
  "benchmarks/learning/run.py": "tests/benchmarks/learning/test_command.py",
  "benchmarks/cross_modal/runs.py": (
    "tests/benchmarks/cross_modal/test_command.py"
  ),
}

# Recipes, and what those of a paper share: every recipe is loaded by these.
RECIPES = ("tests/configs/test_recipes.py", "tests/configs/test_mmv_recipes.py")


_FILES = {
  source_tree.module_name(path): path for path in source_tree.python_files()
}


def _modules() -> list[pathlib.PurePosixPath]:
  """Returns every module that needs a test."""
  return [
    path
    for path in source_tree.python_files()
    if path.parts[0] != "tests"
    and path.name != "__init__.py"
    and not _is_recipe(path)
  ]


def _is_recipe(path):
  text = (source_tree.ROOT / path).read_text(encoding="utf-8")
  is_shared = path.name == "common.py"
  return path.parts[0] == "configs" and (
    is_shared or "\ndef get_config()" in text
  )


def own_test(module: pathlib.PurePosixPath) -> pathlib.PurePosixPath:
  """Returns where the test of the module's own name stands."""
  parts = module.parts[module.parts[0] == "tfvssl" :]
  name = "command.py" if module.name == "__main__.py" else module.name
  return pathlib.PurePosixPath("tests", *parts[:-1], f"test_{name}")


def _exists(path):
  return (source_tree.ROOT / path).is_file()


def reaches(test: pathlib.PurePosixPath, module: pathlib.PurePosixPath) -> bool:
  """Returns whether a test has to do with a module.

  It, or a file of the tests that it uses, imports the module, names it in its
  code to run it, or does so with a module that imports it.
  """
  wanted = source_tree.module_name(module)
  used = set()
  for path in (test, *_helpers(test)):
    used |= _used_by(path)
  return wanted in used or any(wanted in _imported_by(name) for name in used)


def _helpers(test):
  """Yields the files of the tests that a test uses, and their conftests."""
  waiting, seen = [test], set()
  for folder in test.parents:
    if _exists(folder / "conftest.py"):
      waiting.append(folder / "conftest.py")
  while waiting:
    path = waiting.pop()
    if path in seen:
      continue
    seen.add(path)
    yield path
    for name in _used_by(path):
      if name.startswith("tests.") and name in _FILES:
        waiting.append(_FILES[name])


@functools.cache
def _used_by(path):
  """Returns the modules that a test imports or names in its code."""
  text = (source_tree.ROOT / path).read_text(encoding="utf-8")
  words = set(re.findall(r"\b(?:tfvssl|data_prep|benchmarks)[\w.]+", text))
  # The __main__ of a command holds its flags; what it does may stand in run.
  commands = {
    f"{word}.{name}" for word in words for name in ("__main__", "run")
  } & set(_FILES)
  imported = {item.name for item in source_tree.imports_of(path)}
  return imported | commands | (words & set(_FILES))


@functools.cache
def _imported_by(name):
  if name not in _FILES:
    return set()
  return {item.name for item in source_tree.imports_of(_FILES[name])}


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_module_has_a_test(module):
  own = own_test(module)
  if str(module) in COVERED:
    assert not _exists(own), f"{own} exists; take {module} from the list"
    test = pathlib.PurePosixPath(COVERED[str(module)])
  else:
    test = own
    assert _exists(own), f"write {own}, or list which test covers {module}"
  assert reaches(test, module), f"{test} never uses {module}"


def test_the_list_names_files_that_exist():
  modules = {str(module) for module in _modules()}
  gone = [name for name in COVERED if name not in modules]
  gone += [test for test in COVERED.values() if not _exists(test)]
  assert not gone, gone


def test_every_recipe_is_loaded_by_a_test():
  recipes = [
    path
    for path in source_tree.python_files()
    if path.parts[0] == "configs" and _is_recipe(path)
  ]
  assert len(recipes) > 50
  for test in RECIPES:
    text = (source_tree.ROOT / test).read_text(encoding="utf-8")
    assert "make_readme.recipes(" in text, f"{test} takes them one by one"


@pytest.mark.parametrize(
  ("module", "test"),
  [
    ("tfvssl/views.py", "tests/test_views.py"),
    ("tfvssl/data/media/mp4.py", "tests/data/media/test_mp4.py"),
    ("tfvssl/train/__main__.py", "tests/train/test_command.py"),
    ("data_prep/inspect_records.py", "tests/data_prep/test_inspect_records.py"),
    ("configs/make_readme.py", "tests/configs/test_make_readme.py"),
  ],
)
def test_place_of_a_test(module, test):
  assert str(own_test(pathlib.PurePosixPath(module))) == test


def test_a_test_that_never_uses_a_module_is_seen():
  test = pathlib.PurePosixPath("tests/config/test_rules.py")
  for module, expected in (
    ("tfvssl/config/rules.py", True),
    ("tfvssl/config/tree.py", False),
    ("tfvssl/train/__main__.py", False),
  ):
    assert reaches(test, pathlib.PurePosixPath(module)) == expected
