"""The hash split: stratified, stable, and never through one video."""

import collections
import random

from data_prep.prepare_records import sources
from data_prep.prepare_records import splits


def _input(relative, label="", start_s=0.0):
  return sources.ClipSource(
    path="/videos/" + relative,
    relative=relative,
    clip_id=f"{relative}#{start_s}",
    labels=(label,) if label else (),
    start_s=start_s,
  )


def _assign(inputs, test_share=0.25, keys=None):
  splits.assign(
    inputs, keys or {item.path: item.path for item in inputs}, test_share
  )
  return {item.clip_id: item.split for item in inputs}


def test_a_quarter_of_every_label():
  inputs = [
    _input(f"{label}/{i}.mp4", label)
    for label, count in (("a", 40), ("b", 8), ("c", 2), ("", 12))
    for i in range(count)
  ]
  _assign(inputs)
  counts = collections.Counter((item.label_text, item.split) for item in inputs)
  assert counts == {
    ("a", "train"): 30,
    ("a", "test"): 10,
    ("b", "train"): 6,
    ("b", "test"): 2,
    ("c", "train"): 1,
    ("c", "test"): 1,
    ("", "train"): 9,
    ("", "test"): 3,
  }


def test_does_not_depend_on_the_order_of_the_inputs():
  inputs = [_input(f"{i}.mp4", "ab"[i % 2]) for i in range(30)]
  first = _assign(inputs)
  random.Random(1).shuffle(inputs)
  assert _assign(inputs) == first


def test_pieces_of_a_file_and_copies_share_a_split():
  inputs = [
    _input(f"{i}.mp4", "a", start_s) for i in range(20) for start_s in (0, 5)
  ]
  keys = {item.path: item.path for item in inputs}
  keys["/videos/0.mp4"] = keys["/videos/1.mp4"] = "same"
  found = _assign(inputs, 0.5, keys)
  for i in range(20):
    assert found[f"{i}.mp4#0"] == found[f"{i}.mp4#5"]
  assert found["0.mp4#0"] == found["1.mp4#0"]


def test_split_is_the_same_on_every_machine():
  inputs = [_input(f"{name}.mp4") for name in "abcdefgh"]
  found = _assign(inputs)
  assert {i for i, split in found.items() if split == "test"} == {
    "c.mp4#0.0",
    "h.mp4#0.0",  # the two smallest SHA-256
  }


def test_equal_files_are_grouped_and_said_where_splits_differ(caplog):
  inputs = [_input(f"{name}.mp4") for name in "cbadee"]
  keys = {item.path: item.path for item in inputs}
  for name in "abc":
    keys[f"/videos/{name}.mp4"] = "same"
  refused = _input("link.mp4")
  refused.refused = "a link"
  assert splits.equal_content([*inputs, refused], keys) == [
    ["a.mp4", "b.mp4", "c.mp4"]
  ]
  assert caplog.text == ""
  inputs[0].split = "test"
  assert splits.equal_content(inputs, keys) == [["a.mp4", "b.mp4", "c.mp4"]]
  assert (
    "the same content is in several splits: a.mp4, b.mp4, c.mp4" in caplog.text
  )


def test_small_labels_are_left_out_by_name(caplog):
  inputs = [
    _input("one/1.mp4", "one"),
    _input("two/1.mp4", "two"),
    _input("two/2.mp4", "two"),
    _input("cut/1.mp4", "cut"),
    _input("cut/1.mp4", "cut", 5.0),
    _input("texts/1.txt", "texts"),
  ]
  assert splits.leave_out_small_labels(inputs) == ["cut", "one"]
  assert "their clips are kept without a label: cut, one" in caplog.text
  assert [item.label_text for item in inputs] == [
    "",
    "two",
    "two",
    "",
    "",
    "texts",
  ]


def test_classes_are_labels_of_media_files():
  inputs = [
    _input("b/1.mp4", "b"),
    _input("a/1.OGG", "a"),
    _input("c/1.txt", "c"),
    _input("d.mp4"),
  ]
  assert splits.classes(inputs) == ["a", "b"]


def test_several_labels():
  inputs = [_input(f"{i}.mp4") for i in range(4)]
  for item, labels in zip(
    inputs, (("b", "a"), ("b", "one"), ("a",), ("b",)), strict=True
  ):
    item.labels = labels
  assert splits.classes(inputs) == ["a", "b", "one"]
  assert splits.leave_out_small_labels(inputs) == ["one"]
  assert [item.labels for item in inputs] == [
    ("b", "a"),
    ("b",),
    ("a",),
    ("b",),
  ]
  found = _assign(inputs, 1 / 3)
  sides = [found[f"{i}.mp4#0.0"] for i in (0, 1, 3)]  # one stratum: first is b
  assert sorted(sides) == ["test", "train", "train"]
