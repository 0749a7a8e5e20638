"""What moved in version 0.2.0: classes and fields of configs, and recipes.

A run on disk holds the place of every class of its config, and a user's recipe
imports modules. Both are older than the house of today.
"""

import dataclasses
import difflib
import pathlib
import re
from typing import Any

# Modules, and below them classes that went elsewhere than their module.
_PLACES = {
  "configs": 'tfvssl.config.recipes.load("NAME")',
  "configs.paper": "configs/METHOD/common.py",
  "tfvssl.config": "tfvssl.config.experiment",
  "tfvssl.contrastive": "tfvssl.methods.parts.contrastive",
  "tfvssl.data.reader": "tfvssl.data.records.reader",
  "tfvssl.data.schema": "tfvssl.data.records.schema",
  "tfvssl.exit_codes": "tfvssl.runtime.exit_codes",
  "tfvssl.flags": "tfvssl.config.flag",
  "tfvssl.heads": "tfvssl.methods.parts.heads",
  "tfvssl.losses": "tfvssl.methods.parts.losses",
  "tfvssl.methods.embedding_graph": "tfvssl.methods.parts.embedding_graph",
  "tfvssl.paper_results": "tfvssl.config.paper_rows",
  "tfvssl.protocols": "tfvssl.config.protocols",
  "tfvssl.randomness": "tfvssl.runtime.randomness",
  "tfvssl.runtime": "tfvssl.runtime.replicas",
  "tfvssl.config.Svm": "tfvssl.config.protocols.Svm",
  "tfvssl.config.sound.SpecAugment": "tfvssl.config.waveform_view.SpecAugment",
  "tfvssl.views.AudioViewSpec": "tfvssl.config.audio_view.AudioViewSpec",
  "tfvssl.views.Crop": "tfvssl.config.pictures.Crop",
  "tfvssl.views.FlowViewSpec": "tfvssl.config.flow_view.FlowViewSpec",
  "tfvssl.views.JitterCrop": "tfvssl.config.pictures.JitterCrop",
  "tfvssl.views.Order": "tfvssl.config.pictures.Order",
  "tfvssl.views.RgbAugmentation": "tfvssl.config.pictures.RgbAugmentation",
  "tfvssl.views.RgbViewSpec": "tfvssl.config.rgb_view.RgbViewSpec",
  "tfvssl.views.SpecAugment": "tfvssl.config.waveform_view.SpecAugment",
  "tfvssl.views.SpectrogramSpec": "tfvssl.config.sound.SpectrogramSpec",
  "tfvssl.views.TextViewSpec": "tfvssl.config.text_view.TextViewSpec",
  "tfvssl.views.ViewSpec": "tfvssl.config.view.ViewSpec",
  "tfvssl.views.WaveformViewSpec": (
    "tfvssl.config.waveform_view.WaveformViewSpec"
  ),
  "tfvssl.views.Window": "tfvssl.config.pictures.Window",
}
# Fields that became an entry of a dict.
_ENTRIES = {"predictor_multiplier": ("rate_factors", "predictor")}
_MISSING = (
  re.compile(r"No module named '(?P<place>[\w.]+)(?P<name>)'"),
  re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<place>[\w.]+)'"),
  re.compile(r"module '(?P<place>[\w.]+)' has no attribute '(?P<name>\w+)'"),
)


def current_place(place: str) -> str:
  """Returns where a class or module of an older version is today.

  A place that did not move is returned as it is.
  """
  if place in _PLACES:
    return _PLACES[place]
  module, _, name = place.rpartition(".")
  # A class of a module that moved; a module below a folder is none.
  if module in _PLACES and name[:1].isupper():
    return f"{_PLACES[module]}.{name}"
  return place


def place_of_version_0_1(place: str) -> str:
  """Returns where a class of today was in version 0.1.0."""
  old = {current: former for former, current in _PLACES.items()}
  module, _, name = place.rpartition(".")
  if place in old:
    return old[place]
  return f"{old[module]}.{name}" if module in old else place


def current_entry(field: str) -> tuple[str, str] | None:
  """Returns the field and the entry that a field is today; None if it stays."""
  return _ENTRIES.get(field)


def nearest_name(name: str, config: Any) -> str:
  """Returns a hint for a field that is not there: where it went, or is near."""
  known = (
    list(config)
    if isinstance(config, dict)
    else [field.name for field in dataclasses.fields(config)]
  )
  if (entry := current_entry(name)) and entry[0] in known:
    return f"it is `{'.'.join(entry)}` since version 0.2.0."
  near = difflib.get_close_matches(name, known, n=1)
  return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}."


def field_of_version_0_1(name: str, value: object) -> tuple[str, object]:
  """Returns a field of a config's tree, and its value, as version 0.1.0 did."""
  for former, (field, entry) in _ENTRIES.items():
    if name == field and isinstance(value, dict) and set(value) == {entry}:
      return former, value[entry]
  return name, value


def import_hint(error: BaseException) -> str:
  """Returns where what `error` misses is today, or an empty string.

  Args:
    error: what importing a module or asking it for a name raised.
  """
  for pattern in _MISSING:
    if match := pattern.search(str(error)):
      place = ".".join(filter(None, match.group("place", "name")))
      place = re.sub(r"^configs\.paper_\w+$", "configs.paper", place)
      if (current := current_place(place)) != place:
        return f"`{place}` is `{current}` since version 0.2.0."
  return ""


def recipe_hint(path: pathlib.Path, names: list[str]) -> str:
  """Returns what to write instead of a recipe that does not exist.

  configs/METHOD_NAME.py is configs/METHOD/NAME.py.

  Args:
    path: as it was given; it may be a name that there is not.
    names: of the recipes that there are.
  """
  method, _, name = path.name.partition("_")
  found = path.parent / method / name
  if found.is_file():
    return f"it is {found} since version 0.2.0."
  wanted = path.as_posix().removeprefix("configs/").removesuffix(".py")
  if near := difflib.get_close_matches(wanted, names, n=1):
    return f"did you mean {near[0]}?"
  return f"recipes: {', '.join(name for name in names if '/' not in name)}, ..."
