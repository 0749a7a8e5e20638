"""Recipes are found by path and by name, and import what lies beside them."""

import sys
import types

import pytest

from configs import make_readme
from tests import source_tree
from tfvssl.config import recipes


def _files(folder, **texts):
  folder.mkdir()
  for name, text in texts.items():
    (folder / f"{name}.py").write_text(text)
  return folder


def test_every_recipe_has_a_name():
  found = recipes.names()
  assert recipes.FOLDER == source_tree.ROOT / "configs"
  assert {"tiny_brave", "tiny_mmv", "brave/va_audioset"} <= set(found)
  papers = [*make_readme.recipes("brave"), *make_readme.recipes("mmv")]
  tiny = recipes.FOLDER.glob("tiny_*.py")
  assert len(found) == len(papers) + len(list(tiny))


def test_a_name_is_found_from_everywhere(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  expected = source_tree.ROOT / "configs" / "brave" / "va_audioset.py"
  assert recipes.find("brave/va_audioset") == expected
  assert recipes.find("brave/va_audioset:word") == expected


def test_a_path_comes_before_a_name(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "tiny_brave").write_text("x = 1\n")
  assert recipes.find("tiny_brave").resolve() == tmp_path / "tiny_brave"


@pytest.mark.parametrize(
  ("name", "remedy"),
  [
    ("tiny_brav", "did you mean tiny_brave?"),
    ("mmv/va_audioste", "did you mean mmv/va_audioset?"),
    ("configs/tiny_mmv.py", "did you mean tiny_mmv?"),
    ("configs/brave_va_audioset.py", "did you mean brave/va_audioset?"),
    ("brave/common", "recipes: tiny_brave, tiny_brave_fa,"),
    ("xyzzy", "recipes: tiny_brave, tiny_brave_fa,"),
    ("tiny_brave.py", "did you mean tiny_brave?"),
    ("", "recipes: tiny_brave, tiny_brave_fa,"),
    ("/", "recipes: tiny_brave, tiny_brave_fa,"),
  ],
)
def test_what_is_neither_is_answered_with_names(
  tmp_path, monkeypatch, name, remedy
):
  monkeypatch.chdir(tmp_path)
  with pytest.raises(FileNotFoundError) as caught:
    recipes.find(name)
  assert str(caught.value).startswith(f"{name} does not exist; {remedy}")


def test_a_path_of_version_0_1_names_the_one_of_today(monkeypatch):
  monkeypatch.chdir(source_tree.ROOT)
  with pytest.raises(FileNotFoundError) as caught:
    recipes.find("configs/brave_va_audioset.py")
  assert str(caught.value) == (
    "configs/brave_va_audioset.py does not exist;"
    " it is configs/brave/va_audioset.py since version 0.2.0."
  )


def test_files_of_the_folder_are_imported_relatively(tmp_path, monkeypatch):
  # Not the module of that name on the path, and not that of another folder.
  monkeypatch.setitem(sys.modules, "common", types.ModuleType("common"))
  loaded = [
    recipes.load(
      _files(
        tmp_path / name,
        run="from . import common\nfound = common.value\n",
        common=f"value = '{name}'\n",
      )
      / "run.py"
    )
    for name in ("one", "two")
  ]
  assert [module.found for module in loaded] == ["one", "two"]


def test_a_recipe_is_executed_anew(tmp_path):
  path = _files(tmp_path / "x", run='"""Head."""\nvalue = 1\n') / "run.py"
  assert recipes.load(f"{path}:small").__doc__ == "Head."
  path.write_text("value = 'another'\n")
  assert recipes.load(path).value == "another"


def test_one_of_your_own_builds_on_one_that_comes_with_it(tmp_path):
  text = (
    "from tfvssl.config import recipes\n"
    "\n"
    'steps = recipes.load("brave/va_audioset").get_config().steps\n'
  )
  folder = _files(tmp_path / "mine", run=text)
  assert recipes.load(folder / "run.py").steps == 620_000


def test_classes_with_annotations_in_words_can_be_made(tmp_path):
  text = (
    "from __future__ import annotations\n"
    "import dataclasses\n"
    "\n"
    "@dataclasses.dataclass\n"
    "class Method:\n"
    "  width: int = 3\n"
  )
  assert recipes.load(_files(tmp_path / "x", run=text) / "run.py").Method()


def test_a_recipe_that_fails_is_not_kept(tmp_path):
  path = _files(tmp_path / "x", run="raise KeyError('broken')\n") / "run.py"
  before = set(sys.modules)
  with pytest.raises(KeyError, match="broken"):
    recipes.load(path)
  assert not [name for name in set(sys.modules) - before if "." in name]


def test_file_that_is_no_recipe_and_an_address_are_told(tmp_path):
  path = tmp_path / "config.json"
  path.write_text("{}")
  with pytest.raises(FileNotFoundError, match="config.json is not a Python fi"):
    recipes.find(path)
  with pytest.raises(ValueError, match="must be a path on this machine"):
    recipes.find("gs://bucket/run.py")
