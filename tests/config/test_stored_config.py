"""A stored config is read back, and nothing else is made of it."""

import json
import sys

import pytest

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.config import stored_config
from tfvssl.config import tree

_CROP = "tfvssl.config.pictures.Crop"


def test_tree_of_a_tree_is_the_config():
  spec = views.RgbViewSpec(
    sync=views.Sync.CENTRE,
    frame_step=2.0,
    crop=pictures.JitterCrop(scale=(0.9, 1.1)),
    augmentation=pictures.RgbAugmentation(order=pictures.Order.RELEASED),
  )
  found = stored_config.from_tree(json.loads(tree.text(spec)))
  assert found == spec
  assert found.sync is views.Sync.CENTRE
  assert isinstance(found.crop.scale, tuple)


def test_whole_numbers_of_float_fields_become_float():
  stored = {"class": _CROP, "area": [1, 1], "aspect": [0.5, 2]}
  assert stored_config.from_tree(stored) == pictures.Crop(
    area=(1, 1), aspect=(0.5, 2)
  )
  stored = {"class": "tfvssl.config.experiment.Schedule", "peak": 1}
  peak = stored_config.from_tree(stored).peak
  assert type(peak) is float and peak == 1.0


def test_field_that_is_missing_has_the_value_of_before_it():
  stored = tree.to_tree(experiment.Data())
  assert stored.pop("use_silent_sound") is False
  assert stored_config.from_tree(stored) == experiment.Data(
    use_silent_sound=True
  )
  assert (
    stored_config.from_tree(tree.to_tree(experiment.Data()))
    == experiment.Data()
  )


def test_class_outside_the_package_is_refused():
  with pytest.raises(ValueError) as error:
    stored_config.from_tree({"class": "pathlib.Path"})
  assert str(error.value) == (
    "config class 'pathlib.Path' is not one of this package."
  )


@pytest.mark.parametrize(
  "place",
  ["tfvssl.nowhere.Config", "tfvssl.config.tree.Config", "tfvssl.views.View"],
)
def test_class_that_is_not_there_or_no_config_is_refused(place):
  with pytest.raises(ValueError) as error:
    stored_config.from_tree({"class": place})
  assert str(error.value) == f"'{place}' is not a config class of this version."


def test_section_of_another_kind_is_refused():
  stored = tree.to_tree(views.RgbViewSpec())
  for other in (3, None, {}, {"class": _CROP}):
    with pytest.raises(ValueError, match="`augmentation` .* is no RgbAugm"):
      stored_config.from_tree({**stored, "augmentation": other})


def test_library_that_a_config_needs_is_named(monkeypatch):
  monkeypatch.setitem(sys.modules, "official.modeling.optimization", None)
  monkeypatch.delitem(sys.modules, "tfvssl.optim.lars_optimizer", False)
  with pytest.raises(ModuleNotFoundError, match="official.modeling"):
    stored_config.from_tree({"class": "tfvssl.optim.lars_optimizer.Lars"})


def test_settings_of_a_protocol_go_there_and_back():
  settings = protocols.Linear(epochs=3, learning_rate=0.25)
  assert stored_config.from_tree(tree.to_tree(settings)) == settings
