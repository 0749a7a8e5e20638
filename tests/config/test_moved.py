"""What was written for version 0.1 finds its way, or is told the new one."""

import importlib
import json
import pathlib

import pytest

from tfvssl.config import moved
from tfvssl.config import pictures
from tfvssl.config import stored_config

# Every class of the config.json of every recipe at version 0.1.0.
_STORED = pathlib.Path(__file__).with_name("classes_of_version_0_1.json")


@pytest.mark.parametrize("place", json.loads(_STORED.read_text("utf-8")))
def test_every_stored_class_is_found(place):
  module, _, name = moved.current_place(place).rpartition(".")
  kind = getattr(importlib.import_module(module), name)
  # Where it is defined, so that a new run writes a place that stays.
  assert kind.__module__ == module


@pytest.mark.parametrize("place", json.loads(_STORED.read_text("utf-8")))
def test_every_class_tells_where_it_was(place):
  assert moved.place_of_version_0_1(moved.current_place(place)) == place


def test_field_that_became_an_entry_tells_what_it_was():
  former = moved.field_of_version_0_1
  assert former("rate_factors", {"predictor": 10.0}) == (
    "predictor_multiplier",
    10.0,
  )
  several = {"predictor": 10.0, "classifier": 2.0}  # it had no word for them
  assert former("rate_factors", several) == ("rate_factors", several)
  assert former("momentum", 0.9) == ("momentum", 0.9)


def test_stored_tree_of_the_old_place_is_read():
  stored = {"class": "tfvssl.views.Crop", "area": [0.5, 1.0]}
  assert stored_config.from_tree(stored) == pictures.Crop(area=(0.5, 1.0))


@pytest.mark.parametrize(
  ("code", "hint"),
  [
    (
      "from tfvssl import protocols",
      "`tfvssl.protocols` is `tfvssl.config.protocols` since version 0.2.0.",
    ),
    (
      "import tfvssl.heads",
      "`tfvssl.heads` is `tfvssl.methods.parts.heads` since version 0.2.0.",
    ),
    (
      "from tfvssl import config\nconfig.Experiment",
      "`tfvssl.config.Experiment` is `tfvssl.config.experiment.Experiment`"
      " since version 0.2.0.",
    ),
    (
      "from tfvssl import views\nviews.Crop",
      "`tfvssl.views.Crop` is `tfvssl.config.pictures.Crop`"
      " since version 0.2.0.",
    ),
    (
      "from configs import paper_mmv",
      "`configs.paper` is `configs/METHOD/common.py` since version 0.2.0.",
    ),
    ("from tfvssl import nothing", ""),
    ("import tfvssl.train.nothing", ""),
  ],
)
def test_old_import_names_the_new_place(code, hint):
  with pytest.raises((ImportError, AttributeError)) as caught:
    exec(code, {})
  assert moved.import_hint(caught.value) == hint


def test_old_recipe_names_the_new_one(tmp_path):
  (tmp_path / "brave").mkdir()
  (tmp_path / "brave" / "va_audioset.py").write_text("")
  old = tmp_path / "brave_va_audioset.py"
  new = tmp_path / "brave" / "va_audioset.py"
  assert moved.recipe_hint(old, []) == f"it is {new} since version 0.2.0."
  hint = moved.recipe_hint(tmp_path / "brave_x.py", ["tiny", "brave/x"])
  assert hint == "recipes: tiny, ..."


def test_the_wheel_has_no_package_of_recipes():
  error = ModuleNotFoundError("No module named 'configs'")
  assert moved.import_hint(error) == (
    '`configs` is `tfvssl.config.recipes.load("NAME")` since version 0.2.0.'
  )
