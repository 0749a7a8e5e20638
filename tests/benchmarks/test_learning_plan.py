"""Cells of the learning benchmark: order, what is left out, what is done."""

import json

import pytest

from benchmarks import learning_plan
from tests.data import record_fixture


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
  """Twelve clips with rgb and sound each, and as many with rgb alone."""
  root = tmp_path_factory.mktemp("records")
  words = []
  for name, modalities in (("first", ("rgb", "audio")), ("mute", ("rgb",))):
    for side in ("train", "test"):
      record_fixture.write_records(
        root / name / side,
        [
          record_fixture.make_clip(
            seed, num_frames=2, modalities=modalities, height=8, width=8
          )
          for seed in range(12)
        ],
      )
    words.append(f"{name}={root / name / 'train'},{root / name / 'test'}")
  return learning_plan.parse_records(words)


def test_most_important_cells_come_first(sets):
  names = [cell.name for cell in learning_plan.plan(sets, 2, 1)]
  assert names == [
    "first-baselines",
    "first-random-seed0",
    "first-audio-seed0",
    "first-random-seed1",
    "first-audio-seed1",
    "mute-baselines",
    "mute-random-seed0",
    "mute-rgb_rc-seed0",
    "mute-random-seed1",
    "mute-rgb_rc-seed1",
    "first-supervised-seed0",
    "first-rgb_rc-seed0",
    "first-rgb-seed0",
    "first-rgb_rc_synchronised-seed0",
    "first-rgb_rc_short-seed0",
    "first-rgb_rc_2_views-seed0",
    "first-rgb_rc_3_views-seed0",
    "mute-supervised-seed0",
    "mute-rgb-seed0",
    "mute-rgb_rc_synchronised-seed0",
    "mute-rgb_rc_short-seed0",
    "mute-rgb_rc_2_views-seed0",
    "mute-rgb_rc_3_views-seed0",
    "first-rgb_rc-seed1",
  ]


def test_a_cell_is_done_where_its_choices_are_those_asked_for(sets, tmp_path):
  cell = learning_plan.Cell("first", "audio", 0)
  asked = learning_plan.choices(*sets["first"], 250)
  assert not learning_plan.is_done(cell, asked, tmp_path)
  file = learning_plan.path(cell, tmp_path)
  learning_plan.write({"choices": asked, "set": "first"}, file)
  assert [path.name for path in file.parent.iterdir()] == [
    "first-audio-seed0.json"
  ]
  assert learning_plan.is_done(cell, asked, tmp_path)
  other = learning_plan.choices(*sets["first"], 100)
  message = r"first-audio-seed0.json was made with .*\(steps 250 instead of 100"
  with pytest.raises(ValueError, match=message):
    learning_plan.is_done(cell, other, tmp_path)


def test_choices_tell_records_apart(sets):
  first = learning_plan.choices(*sets["first"], 250)
  assert first != learning_plan.choices(*sets["mute"], 250)
  assert first == learning_plan.choices(*sets["first"], 250)


def test_results_come_in_the_order_of_the_sets(tmp_path):
  for name in ("a", "b", "gone"):
    learning_plan.write({"set": name}, tmp_path / "cells" / f"{name}.json")
  found = learning_plan.read_all(tmp_path, ["b", "a"])
  assert found == [{"set": "b"}, {"set": "a"}]
  assert json.loads((tmp_path / "cells" / "gone.json").read_text())


@pytest.mark.parametrize(
  ("words", "message"),
  [
    ([], "--records is missing; for example --records=generated="),
    (["a=b"], "--records=a=b must be NAME=TRAIN,TEST with another NAME"),
    (["a=b,c", "a=d,e"], "--records=a=d,e must be NAME=TRAIN,TEST"),
    (["a-b=c,d"], r"with another NAME \(letters, digits, _\) each time"),
  ],
)
def test_records_that_cannot_be_read(words, message):
  with pytest.raises(ValueError, match=message):
    learning_plan.parse_records(words)
