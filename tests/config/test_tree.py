"""Configs as trees: every kind of value, there and back.

Files that are damaged or old are tested in tests/config/test_experiment.py.
"""

import json
import sys

import pytest

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.config import tree

_CROP = "tfvssl.config.pictures.Crop"


def test_tree_holds_only_what_json_does():
  spec = views.RgbViewSpec(num_frames=3, crop=pictures.Crop(area=(0.5, 1.0)))
  found = tree.to_tree({"a": spec, "b": [1, None, "x"]})
  assert json.loads(json.dumps(found)) == found
  assert found["b"] == [1, None, "x"]
  assert found["a"]["class"] == "tfvssl.views.RgbViewSpec"
  assert found["a"]["num_frames"] == 3
  assert found["a"]["sync"] == "independent"
  assert found["a"]["crop"] == {
    "class": _CROP,
    "area": [0.5, 1.0],
    "aspect": [0.5, 2.0],
  }


def test_tree_of_a_tree_is_the_config():
  spec = views.RgbViewSpec(
    sync=views.Sync.CENTRE,
    frame_step=2.0,
    crop=pictures.JitterCrop(scale=(0.9, 1.1)),
    augmentation=pictures.RgbAugmentation(order=pictures.Order.RELEASED),
  )
  found = tree.from_tree(json.loads(tree.text(spec)))
  assert found == spec
  assert found.sync is views.Sync.CENTRE
  assert isinstance(found.crop.scale, tuple)


def test_whole_numbers_of_float_fields_become_float():
  stored = {"class": _CROP, "area": [1, 1], "aspect": [0.5, 2]}
  assert tree.from_tree(stored) == pictures.Crop(area=(1, 1), aspect=(0.5, 2))
  stored = {"class": "tfvssl.config.experiment.Schedule", "peak": 1}
  peak = tree.from_tree(stored).peak
  assert type(peak) is float and peak == 1.0


def test_field_that_is_missing_has_the_value_of_before_it():
  stored = tree.to_tree(experiment.Data())
  assert stored.pop("use_silent_sound") is False
  assert tree.from_tree(stored) == experiment.Data(use_silent_sound=True)
  assert tree.from_tree(tree.to_tree(experiment.Data())) == experiment.Data()


def test_text_is_indented_and_ends_with_a_line_feed():
  text = tree.text(pictures.Crop())
  assert text.startswith('{\n  "class": "tfvssl.config.pictures.Crop",\n')
  assert text.endswith("}\n")


def test_differences_reach_into_dicts_and_absent_names():
  old = {"a": {"x": 1, "y": (1, 2)}, "gone": 3}
  new = {"a": {"x": 2, "y": [1, 2]}, "new": pictures.Order.PAPER}
  assert tree.differences(old, new) == [
    "a.x: 1 -> 2",
    "gone: 3 -> None",
    "new: None -> paper",
  ]
  assert tree.differences(old, old) == []
  assert tree.differences(1, 2, "steps") == ["steps: 1 -> 2"]


def test_nearest_name_of_a_dict_and_of_a_class():
  assert tree.nearest_name("vidoe", {"video": 1, "audio": 2}) == (
    "did you mean `video`?"
  )
  assert tree.nearest_name("xyz", {"video": 1, "audio": 2}) == (
    "known: video, audio."
  )
  assert tree.nearest_name("warmup", experiment.Schedule()) == (
    "did you mean `warmup_steps`?"
  )


def test_class_outside_the_package_is_refused():
  with pytest.raises(ValueError) as error:
    tree.from_tree({"class": "pathlib.Path"})
  assert str(error.value) == (
    "config class 'pathlib.Path' is not one of this package."
  )


@pytest.mark.parametrize(
  "place",
  ["tfvssl.nowhere.Config", "tfvssl.config.tree.Config", "tfvssl.views.View"],
)
def test_class_that_is_not_there_or_no_config_is_refused(place):
  with pytest.raises(ValueError) as error:
    tree.from_tree({"class": place})
  assert str(error.value) == f"'{place}' is not a config class of this version."


def test_section_of_another_kind_is_refused():
  stored = tree.to_tree(views.RgbViewSpec())
  for other in (3, None, {}, {"class": _CROP}):
    with pytest.raises(ValueError, match="`augmentation` .* is no RgbAugm"):
      tree.from_tree({**stored, "augmentation": other})


def test_library_that_a_config_needs_is_named(monkeypatch):
  monkeypatch.setitem(sys.modules, "official.modeling.optimization", None)
  monkeypatch.delitem(sys.modules, "tfvssl.optim.lars_optimizer", False)
  with pytest.raises(ModuleNotFoundError, match="official.modeling"):
    tree.from_tree({"class": "tfvssl.optim.lars_optimizer.Lars"})


def test_settings_of_a_protocol_go_there_and_back():
  settings = protocols.Linear(epochs=3, learning_rate=0.25)
  assert tree.from_tree(tree.to_tree(settings)) == settings
