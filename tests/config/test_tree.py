"""Configs as trees: every kind of value, there and back.

Files that are damaged or old are tested in tests/config/test_experiment.py.
"""

import json

from tfvssl import views
from tfvssl.config import experiment
from tfvssl.config import moved
from tfvssl.config import pictures
from tfvssl.config import tree

_CROP = "tfvssl.config.pictures.Crop"


def test_tree_holds_only_what_json_does():
  spec = views.RgbViewSpec(num_frames=3, crop=pictures.Crop(area=(0.5, 1.0)))
  found = tree.to_tree({"a": spec, "b": [1, None, "x"]})
  assert json.loads(json.dumps(found)) == found
  assert found["b"] == [1, None, "x"]
  assert found["a"]["class"] == "tfvssl.config.rgb_view.RgbViewSpec"
  assert found["a"]["num_frames"] == 3
  assert found["a"]["sync"] == "independent"
  assert found["a"]["crop"] == {
    "class": _CROP,
    "area": [0.5, 1.0],
    "aspect": [0.5, 2.0],
  }


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
  assert moved.nearest_name("vidoe", {"video": 1, "audio": 2}) == (
    "did you mean `video`?"
  )
  assert moved.nearest_name("xyz", {"video": 1, "audio": 2}) == (
    "known: video, audio."
  )
  assert moved.nearest_name("warmup", experiment.Schedule()) == (
    "did you mean `warmup_steps`?"
  )
