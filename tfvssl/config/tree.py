"""A config as a tree of dicts, lists and scalars, and as the text of one."""

import dataclasses
import enum
import json

# In a field's metadata: its value in stored configs older than the field.
BEFORE = "before"


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
