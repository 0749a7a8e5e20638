"""Shards from staged inputs; interrupted preparations are tested by kills."""

import hashlib

import pytest

from data_prep.prepare_records import shard_writer
from data_prep.prepare_records.shard_writer import Outcome
from data_prep.prepare_records.shard_writer import ShardPlan

_STATE = {"settings": {"short_side": 64, "jpeg": 90}, "inputs": ["a", "b"]}


@pytest.fixture
def output(tmp_path):
  output = shard_writer.Output(tmp_path / "out")
  output.lock()
  return output


def _stage(output, number, content=b"", clips=("rgb",), **changes):
  if content:
    output.staging_path(number).write_bytes(content)
  outcome = Outcome(f"{number}.mp4", "", clips=list(clips), **changes)
  output.stage(number, outcome)


def test_inputs_are_spread_over_shards_in_the_order_of_their_keys():
  # Keys e, d, c, b, a: the last input comes first.
  plan = shard_writer.plan([""] * 5, list("edcba"), 2)
  assert plan == [
    ShardPlan("clips-00000.tfrecord", [4, 3]),
    ShardPlan("clips-00001.tfrecord", [2, 1, 0]),
  ]


def test_every_split_has_shards_of_its_own_and_none_is_empty():
  plan = shard_writer.plan(["train", "test", "train"], list("abc"), 3)
  assert [shard.file for shard in plan] == [
    "test/clips-00000.tfrecord",
    "train/clips-00000.tfrecord",
    "train/clips-00001.tfrecord",
  ]
  assert [shard.inputs for shard in plan] == [[1], [0], [2]]


def test_what_is_staged_can_be_used_while_it_has_its_size(output):
  _stage(output, 0, b"first ", ["audio"])
  found = output.staged(0)
  assert (found.clips, found.bytes) == (["audio"], 6)
  _stage(output, 1, clips=[], reason="damaged")
  assert output.staged(1).reason == "damaged"
  (staged,) = output.folder.rglob("00000000.tfrecord")
  staged.write_bytes(b"firs")
  assert output.staged(0) is None


def test_shard_holds_its_inputs_in_order_and_lost_ones_leave_no_gap(output):
  _stage(output, 2, b"second", ["rgb", "rgb+audio"])
  _stage(output, 0, b"first ", ["audio"])
  _stage(output, 1, clips=[], reason="damaged", detail="no frame")
  shard = ShardPlan("clips-00000.tfrecord", [0, 1, 2])
  result = output.write_shard(shard)
  assert (output.folder / shard.file).read_bytes() == b"first second"
  assert result.bytes == 12
  assert result.sha256 == hashlib.sha256(b"first second").hexdigest()
  assert result.clips == ["audio", "rgb", "rgb+audio"]
  assert [o.reason for o in result.outcomes] == ["", "damaged", ""]
  assert output.finished(shard) == result
  # What was staged is in the shard now.
  assert output.staged(0) is None and output.staged(2) is None


def test_shard_of_lost_inputs_has_no_file(output):
  _stage(output, 0, clips=[], reason="damaged")
  shard = ShardPlan("clips-00000.tfrecord", [0])
  assert output.write_shard(shard).clips == []
  assert not (output.folder / shard.file).exists()
  assert output.finished(shard).outcomes[0].reason == "damaged"


def test_shard_with_a_missing_input_waits(output):
  _stage(output, 0, b"first")
  shard = ShardPlan("clips-00000.tfrecord", [0, 1])
  assert output.write_shard(shard) is None
  assert not (output.folder / shard.file).exists()
  assert output.staged(0).bytes == 5
  _stage(output, 1, b"second")
  assert output.write_shard(shard).bytes == 11


@pytest.mark.parametrize("content", [b"changed", b"cut"])
def test_damaged_staged_input_is_made_again(output, content):
  _stage(output, 0, b"content")
  (path,) = (output.folder / ".prepare" / "staged").glob("*.tfrecord")
  path.write_bytes(content)
  assert output.write_shard(ShardPlan("clips-00000.tfrecord", [0])) is None
  assert output.staged(0) is None


def test_damaged_shard_is_not_finished(output):
  _stage(output, 0, b"content")
  shard = ShardPlan("clips-00000.tfrecord", [0])
  assert output.finished(shard) is None
  output.write_shard(shard)
  (output.folder / shard.file).write_bytes(b"Content")
  assert output.finished(shard) is None


def test_second_preparation_is_refused(output):
  with pytest.raises(ValueError, match="is being written by process"):
    shard_writer.Output(output.folder).lock()


def test_other_settings_are_named(output):
  output.begin(_STATE)
  output.begin(_STATE)
  changed = {
    "settings": {"short_side": 128, "jpeg": 90},
    "inputs": ["a", "b", "c"],
  }
  with pytest.raises(
    ValueError,
    match=r"\(inputs: \['a', 'b'\] -> \['a', 'b', 'c'\];"
    " settings.short_side: 64 -> 128\\); choose another",
  ):
    output.begin(changed)


def test_records_of_another_origin_are_left_alone(output):
  (output.folder / "train").mkdir()
  (output.folder / "train" / "clips-00000.tfrecord").write_bytes(b"theirs")
  with pytest.raises(ValueError, match="holds records of another origin"):
    output.begin(_STATE)


def test_what_only_an_unfinished_preparation_needs_is_removed(output):
  output.begin(_STATE)
  _stage(output, 0, b"content")
  output.finish()
  left = {path.name for path in (output.folder / ".prepare").iterdir()}
  assert "staged" not in left
  assert {"state.json", "shards"} <= left


def test_records_of_other_media_rules_are_not_continued(output):
  output.begin({"config": {"short_side": 64}})  # of before they had versions
  with pytest.raises(
    ValueError,
    match="was begun by version 1 of the rules for pictures and sound, this is"
    r" version 2 \(docs/media.md\), .*; choose another `--output`",
  ):
    output.begin({"config": {"short_side": 64, "media_rules": 2}})
