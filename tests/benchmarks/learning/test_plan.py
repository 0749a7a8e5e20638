"""Cells of the learning benchmark: order, what is left out, what is done."""

import shutil

import pytest

from benchmarks.learning import plan
from configs import tiny_brave
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
  return plan.parse_records(words)


def test_most_important_cells_come_first(sets):
  names = [cell.name for cell in plan.plan(sets, 2, 1)]
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


_AUDIO = plan.Cell("first", "audio", 0)


def test_a_cell_is_done_where_its_choices_are_those_asked_for(sets, tmp_path):
  asked = plan.choices(_AUDIO, sets["first"], 250)
  assert not plan.is_done(_AUDIO, asked, tmp_path)
  file = plan.path(_AUDIO, tmp_path)
  plan.write({"choices": asked, "set": "first"}, file)
  assert [path.name for path in file.parent.iterdir()] == [
    "first-audio-seed0.json"
  ]
  assert plan.is_done(_AUDIO, asked, tmp_path)
  other = plan.choices(_AUDIO, sets["first"], 100)
  message = r"first-audio-seed0.json was made with .*\(steps 250 instead of 100"
  with pytest.raises(ValueError, match=message):
    plan.is_done(_AUDIO, other, tmp_path)


def _changed(first, second):
  return {name for name in first if first[name] != second[name]}


def test_choices_tell_records_apart_but_not_their_paths(sets, tmp_path):
  random = plan.Cell("first", "random", 0)
  first = plan.choices(random, sets["first"], 250)
  swapped = plan.choices(random, sets["mute"], 250)
  assert _changed(first, swapped) == {"train_records", "test_records"}
  copies = tuple(
    str(shutil.copytree(folder, tmp_path / side))
    for folder, side in zip(sets["first"], ("a", "b"), strict=True)
  )
  assert plan.choices(random, copies, 250) == first


@pytest.mark.parametrize(
  ("kind", "config"),
  [
    ("audio", "b77697546c4031c5"),
    ("rgb_rc", "ff75c9421444f0af"),
    ("random", "6fdf2ff3b5da9bfb"),
  ],
)
def test_cells_of_version_0_1_stay_valid(sets, kind, config):
  """The digests were written by version 0.1.0, of the same clips."""
  found = plan.choices(plan.Cell("first", kind, 0), sets["first"], 250)
  assert found["shared_config"] == "31c89a4018ec206e"
  assert found["config"] == config


def test_choices_tell_configurations_apart(sets, monkeypatch):
  def choices(kind="audio", seed=0):
    cell = plan.Cell("first", kind, seed)
    return plan.choices(cell, sets["first"], 250)

  kinds = ("audio", "rgb_rc", "rgb", "random", "supervised")
  before = {kind: choices(kind) for kind in kinds}
  assert before["audio"] == choices(seed=1)
  assert _changed(before["audio"], before["rgb_rc"]) == {"config"}
  assert before["random"] == before["supervised"]

  method = tiny_brave.method

  def other_broad():
    changed = method()
    changed.broad["audio"].view.seconds = 1.28
    return changed

  monkeypatch.setattr(tiny_brave, "method", other_broad)
  assert _changed(before["audio"], choices()) == {"config"}
  for kind in kinds[1:]:  # none of them hears
    assert before[kind] == choices(kind)

  def other_narrow():
    changed = method()
    changed.narrow.image_size = 48
    return changed

  monkeypatch.setattr(tiny_brave, "method", other_narrow)
  for kind in kinds:
    assert _changed(before[kind], choices(kind)) == {"config", "shared_config"}


_CHOICES = {
  "steps": 250,
  "shared_config": "s",
  "train_records": "a",
  "test_records": "b",
  "config": "c",
}


def _write(tmp_path, name, clips="first", kind="audio", **changes):
  result = {"set": clips, "kind": kind, "choices": {**_CHOICES, **changes}}
  plan.write(result, tmp_path / "cells" / f"{name}.json")
  return result


def test_results_come_in_the_order_of_the_sets(tmp_path):
  first = _write(tmp_path, "a", "first")
  own = {"steps": 9, "shared_config": "t", "train_records": "d", "config": "e"}
  other = _write(tmp_path, "b", "other", **own)
  random = _write(tmp_path, "c", "first", "random", config="f")
  _write(tmp_path, "d", "gone", steps=1)
  found = plan.read_all(tmp_path, ["other", "first"])
  assert found == [other, first, random]


@pytest.mark.parametrize(
  "changes",
  [
    {"steps": 100},
    {"kind": "random", "steps": 100},
    {"kind": "random", "shared_config": "old"},
    {"train_records": "old"},
    {"kind": "random", "test_records": "old"},
    {"config": "old"},
  ],
)
def test_cells_that_cannot_stand_in_one_table(tmp_path, changes):
  _write(tmp_path, "a")
  _write(tmp_path, "b", **changes)
  name, value = list(changes.items())[-1]
  message = (
    rf"b\.json and a\.json cannot stand in one table \(`{name}` {value} and"
    rf" {_CHOICES[name]}\); remove one of them or take another --workdir\."
  )
  with pytest.raises(ValueError, match=message):
    plan.read_all(tmp_path, ["first", "other"])


def test_a_cell_of_an_older_benchmark(tmp_path):
  _write(tmp_path, "a", shared_config=None)
  with pytest.raises(
    ValueError, match=r"a\.json does not say its `shared_config`: an older"
  ):
    plan.read_all(tmp_path, ["first"])


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
    plan.parse_records(words)


@pytest.mark.parametrize(
  ("steps", "expected"),
  [([250], {"a": 250, "b": 250}), ([150, 400], {"a": 150, "b": 400})],
)
def test_steps_of_every_set(steps, expected):
  sets = {"a": ("1", "2"), "b": ("3", "4")}
  assert plan.steps_of(sets, steps) == expected


def test_steps_that_fit_no_set():
  with pytest.raises(
    ValueError,
    match="--steps was given 2 times and --records 1 times; give it once",
  ):
    plan.steps_of({"a": ("1", "2")}, [1, 2])
