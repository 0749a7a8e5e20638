"""Recipes: files with get_config(), found by path or by name, and executed.

A recipe that comes with tfvssl has a name, `tiny_brave` or `brave/va_audioset`.
One of your own that builds on it begins with

  from tfvssl.config import recipes

  tiny_brave = recipes.load("tiny_brave")

Imports no TensorFlow; a recipe may.
"""

import hashlib
import importlib.util
import pathlib
import sys
import types

from tfvssl.config import rules

_PACKAGE = pathlib.Path(__file__).resolve().parent.parent
_BUNDLED = _PACKAGE / "bundled" / "configs"
# In the wheel they are inside the package, in a clone beside it.
FOLDER = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent / "configs"


class BrokenError(Exception):
  """What a recipe raised; no ValueError, which absl would reword."""


def names() -> list[str]:
  """Returns the names of the recipes that come with tfvssl, sorted."""
  paths = (path for path in FOLDER.rglob("*.py") if _is_recipe(path))
  return sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix() for path in paths
  )


def find(name: str | pathlib.Path) -> pathlib.Path:
  """Returns the file of a recipe.

  Args:
    name: path of a file, else the name of a recipe that comes with tfvssl.
      What follows a colon is for its get_config().

  Raises:
    FileNotFoundError: it is neither; the nearest name is in the message.
    ValueError: it is an address.
  """
  rules.require_local("--config", str(name))
  name = str(name).split(":")[0]
  path = pathlib.Path(name)
  if path.is_file() and path.suffix not in ("", ".py"):
    raise FileNotFoundError(
      f"{name} is not a Python file with a function get_config()."
    )
  if path.is_file():
    return path
  bundled = FOLDER / f"{name}.py"
  if not path.is_absolute() and bundled.is_file() and _is_recipe(bundled):
    return bundled
  from tfvssl.config import moved

  remedy = moved.recipe_hint(path, names())
  raise FileNotFoundError(f"{name} does not exist; {remedy}")


def load(name: str | pathlib.Path) -> types.ModuleType:
  """Returns a recipe, executed, as a module.

  The files of its folder are a package: `from . import common` is the one
  beside it, whatever is called `configs` elsewhere.

  Args:
    name: as of `find`.

  Raises:
    FileNotFoundError: see `find`.
  """
  path = find(name).resolve()
  place = f"{_package(path.parent)}.{path.stem}"
  spec = importlib.util.spec_from_file_location(place, path)
  module = importlib.util.module_from_spec(spec)
  sys.modules[place] = module  # dataclasses look their module up
  try:
    spec.loader.exec_module(module)
  except BaseException:
    del sys.modules[place]
    raise
  return module


def _package(folder):
  """Returns the name of a package that has the files of `folder`."""
  digest = hashlib.sha256(str(folder).encode()).hexdigest()
  name = f"recipes_{digest[:16]}"
  if name not in sys.modules:
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
  return name


def _is_recipe(path):
  return "\ndef get_config(" in path.read_text(encoding="utf-8")
