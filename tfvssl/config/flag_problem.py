"""What is wrong with a --config or an override that could not be parsed.

Apart from config/flag.py, as few runs need it.
"""

from collections.abc import Sequence
import dataclasses
import re

from absl import flags as absl_flags

from tfvssl.config import moved
from tfvssl.config import recipes

_OVERRIDE = re.compile(r"--?(?:no)?config\.([^=]+)")


def of_recipe(error: Exception) -> str:
  """Returns what a config file raised, or where what it misses is today."""
  if isinstance(error, recipes.BrokenError):
    cause = error.__cause__
    if isinstance(cause, AttributeError) and cause.name == "get_config":
      file = getattr(cause.obj, "__file__", cause.obj)
      return f"{file} has no function get_config()."
    return moved.import_hint(cause) or str(error)
  return f"{type(error).__name__}: {error}"


def of_overrides(argv: Sequence[str], path: str | None) -> str:
  """Returns what is wrong with the first bad override, or an empty string.

  Args:
    argv: the command line.
    path: value of --config; None without.
  """
  overrides = [match[1] for match in map(_OVERRIDE.match, argv) if match]
  if not overrides or "config" not in absl_flags.FLAGS:
    return ""
  if path is None:
    return f"--config.{overrides[0]} needs --config=FILE before it."
  try:
    experiment = absl_flags.FLAGS["config"].parser.parse(path)
  except Exception:  # the file itself fails; `of_recipe` says why
    return ""
  for override in overrides:
    if problem := _problem(experiment, override):
      return f"--config.{override}: {problem}"
  return ""


def _problem(experiment, override):
  """Returns what is wrong with the path `override`, or an empty string."""
  value, section = experiment, "config"
  for name in override.split("."):
    if not _is_section(value):
      return f"`{section}` is a value and has no field `{name}`."
    found = _field(value, name)
    if found is None:
      near = moved.nearest_name(name, value)
      return f"`{section}` has no field `{name}`; {near}"
    value, section = found[0], f"{section}.{name}"
  if _is_section(value):
    names = ", ".join(_names(value))
    return f"`{section}` is a section; set one of its fields: {names}."
  return ""


def _is_section(value):
  return dataclasses.is_dataclass(value) or isinstance(value, dict)


def _names(section):
  if isinstance(section, dict):
    return list(section)
  return [field.name for field in dataclasses.fields(section)]


def _field(section, name):
  """Returns the value in a 1-tuple, as None is a value; None if absent."""
  if name not in _names(section):
    return None
  if isinstance(section, dict):
    return (section[name],)
  return (getattr(section, name),)
