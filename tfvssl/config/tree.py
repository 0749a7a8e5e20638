"""A config as a tree of dicts, lists and scalars, and as the text of one.

Only dataclasses of this package are made of a tree.
"""

import dataclasses
import difflib
import enum
import importlib
import json
import types
import typing

# In a field's metadata: its value in stored configs older than the field.
BEFORE = "before"


def nearest_name(name: str, config: typing.Any) -> str:
  """Returns a hint for a field that is not there: where it went, or is near."""
  known = (
    list(config)
    if isinstance(config, dict)
    else [field.name for field in dataclasses.fields(config)]
  )
  if (entry := _moved().current_entry(name)) and entry[0] in known:
    return f"it is `{'.'.join(entry)}` since version 0.2.0."
  near = difflib.get_close_matches(name, known, n=1)
  return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}."


def to_tree(config: object) -> object:
  """Returns `config` as dicts, lists and scalars that JSON can hold."""
  if dataclasses.is_dataclass(config):
    kind = type(config)
    fields = {
      field.name: to_tree(getattr(config, field.name))
      for field in dataclasses.fields(config)
    }
    return {"class": f"{kind.__module__}.{kind.__qualname__}", **fields}
  if isinstance(config, enum.Enum):
    return config.value
  if isinstance(config, dict):
    return {name: to_tree(value) for name, value in config.items()}
  if isinstance(config, (list, tuple)):
    return [to_tree(value) for value in config]
  return config


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
    field.name: field.metadata[BEFORE]
    for field in dataclasses.fields(kind)
    if BEFORE in field.metadata
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


def text(config: object) -> str:
  """Returns `config`, resolved, as JSON with a line feed at its end."""
  return json.dumps(to_tree(config), indent=2) + "\n"


def differences(old: object, new: object, prefix: str = "") -> list[str]:
  """Returns one line `name: old -> new` for every value that differs."""
  old, new = to_tree(old), to_tree(new)
  return _tree_differences(old, new, prefix)


def _tree_differences(old, new, prefix):
  if isinstance(old, dict) and isinstance(new, dict):
    lines = []
    for name in sorted(set(old) | set(new)):
      path = f"{prefix}.{name}" if prefix else name
      lines += _tree_differences(old.get(name), new.get(name), path)
    return lines
  return [] if old == new else [f"{prefix}: {old} -> {new}"]
