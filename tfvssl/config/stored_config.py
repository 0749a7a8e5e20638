"""A config of the tree that tree.to_tree made of it, also by older versions.

Only dataclasses of this package are made of a tree.
"""

import dataclasses
import enum
import importlib
import types
import typing

from tfvssl.config import tree as config_tree


def from_tree(tree: dict) -> object:
  """Returns the config that `to_tree` made `tree` of.

  Only dataclasses of modules of this package are constructed.

  Raises:
    ValueError: a class outside the package, or an unknown field.
  """
  path = tree.get("class", "")
  if not path.startswith("tfvssl."):
    raise ValueError(f"config class '{path}' is not one of this package.")
  kind = _class_at(path) or _class_at(_moved().current_place(path))
  if kind is None:
    raise ValueError(f"'{path}' is not a config class of this version.")
  hints = typing.get_type_hints(kind)
  values = {
    field.name: field.metadata[config_tree.BEFORE]
    for field in dataclasses.fields(kind)
    if config_tree.BEFORE in field.metadata
  }
  for name, value in tree.items():
    if name == "class":
      continue
    if name in hints:
      values[name] = _from_value(value, hints[name])
      _check_section(name, values[name], hints[name])
      continue
    field, entry = _moved().current_entry(name) or (name, "")
    if field not in hints:
      raise ValueError(f"'{path}' has no field `{name}`.")
    values[field] = {**values.get(field, {}), entry: value}
  return kind(**values)


def _check_section(name, value, hint):
  """Raises ValueError where a section is no section of its kind."""
  is_section = isinstance(hint, type) and dataclasses.is_dataclass(hint)
  if is_section and not isinstance(value, hint):
    raise ValueError(f"`{name}` ({value!r:.80}) is no {hint.__name__}.")


def _class_at(path):
  """Returns the dataclass of that module and name; None if there is none."""
  module, _, name = path.rpartition(".")
  try:
    kind = getattr(importlib.import_module(module), name, None)
  except ModuleNotFoundError as error:
    if f"{module}.".startswith(f"{error.name}."):
      return None
    raise  # a library that the module needs
  is_class = isinstance(kind, type) and dataclasses.is_dataclass(kind)
  return kind if is_class else None


def _moved():
  """Returns what knows older versions; the configs of today need it not."""
  from tfvssl.config import moved

  return moved


def _from_value(value, hint):
  if isinstance(value, dict):
    if "class" in value:
      return from_tree(value)
    return {name: _from_value(item, None) for name, item in value.items()}
  if isinstance(hint, type) and issubclass(hint, enum.Enum):
    return hint(value)
  if isinstance(value, list):
    return tuple(_from_value(item, None) for item in value)
  if isinstance(hint, types.UnionType) and float in typing.get_args(hint):
    return None if value is None else float(value)
  return float(value) if hint is float else value
