"""What report.json and the tables beside it say, from outcomes by hand."""

import json

from data_prep.prepare_records import report
from data_prep.prepare_records import shard_writer
from data_prep.prepare_records.shard_writer import Outcome
from tfvssl.data.records import manifest

_OUTCOMES = [
  Outcome(
    "b.mp4",
    "train",
    clips=["rgb+audio", "rgb"],
    labels=["dog"],
    tail_s=0.25,
    silent=["b.mp4#2"],
  ),
  Outcome("z.mp4", "train", "damaged", "no frame"),
  Outcome("a.mp4", "test", clips=["rgb"], tail_s=0.1234, padded=["a.mp4"]),
  Outcome("c, d.mp4", "test", "truncated", 'ends "early"'),
  Outcome("y.mp4", "train", "damaged", "nothing"),
]


def _summary(**changes):
  arguments = {
    "labels_left_out": [],
    "ignored_columns": [],
    "duplicates": [],
    "coverage": None,
    **changes,
  }
  return report.summary(_OUTCOMES, **arguments)


def test_inputs_are_written_or_quarantined():
  found = _summary()
  assert found["input_count"] == 5
  assert found["written_count"] + found["quarantined_count"] == 5
  assert found["reasons"] == {"damaged": 2, "truncated": 1}


def test_clips_are_counted_by_split_label_and_modalities():
  found = _summary()
  assert found["clip_count"] == 3
  assert found["clips_per_split"] == {"test": 1, "train": 2}
  assert found["clips_per_label"] == {"": 1, "dog": 2}
  assert found["clips_per_modalities"] == {"rgb": 2, "rgb+audio": 1}


def test_sound_and_tails_of_what_was_written():
  found = _summary()
  assert found["silent_clips"] == ["b.mp4#2"]
  assert found["clips_with_short_sound"] == ["a.mp4"]
  assert found["dropped_tail_seconds"] == 0.373


def test_coverage_stands_first_and_only_for_datasets():
  assert "coverage" not in _summary()
  found = _summary(coverage={"dataset": "ucf101"}, duplicates=[["a", "b"]])
  assert next(iter(found)) == "coverage"
  assert found["equal_content"] == [["a", "b"]]


def test_quarantine_is_a_table_in_the_order_of_the_paths(tmp_path):
  report.write_report(tmp_path, {"input_count": 5}, _OUTCOMES)
  assert json.loads((tmp_path / "report.json").read_text()) == {
    "input_count": 5
  }
  assert (tmp_path / "quarantine.csv").read_text() == (
    "path,id,start_s,end_s,reason,detail\n"
    '"c, d.mp4",,,,truncated,"ends ""early"""\n'
    "y.mp4,,,,damaged,nothing\n"
    "z.mp4,,,,damaged,no frame\n"
  )


def test_rows_of_one_file_are_told_apart(tmp_path):
  outcomes = [
    shard_writer.Outcome(
      "a.mp4", "", "no_frames", "x", clip_id="b", start_s="7.5", end_s="9"
    ),
    shard_writer.Outcome(
      "a.mp4", "", "damaged", "y", clip_id="a", start_s="0", end_s="2"
    ),
    shard_writer.Outcome(
      "a.mp4", "", clips=["rgb"], clip_id="c", start_s="2", remarks=["short"]
    ),
  ]
  found = report.summary(
    outcomes,
    labels_left_out=[],
    ignored_columns=[],
    duplicates=[],
    coverage=None,
  )
  assert found["remarks"] == [
    {
      "path": "a.mp4",
      "id": "c",
      "start_s": "2",
      "end_s": "",
      "remark": "short",
    }
  ]
  assert [row["id"] for row in found["quarantined"]] == ["a", "b"]
  report.write_report(tmp_path, found, outcomes)
  assert (tmp_path / "quarantine.csv").read_text() == (
    "path,id,start_s,end_s,reason,detail\n"
    "a.mp4,a,0,2,damaged,y\n"
    "a.mp4,b,7.5,9,no_frames,x\n"
  )


def test_missing_clips_are_a_table(tmp_path):
  report.write_missing(tmp_path, [["train", "dog", "x", "0", ""]])
  assert (tmp_path / "missing.csv").read_text() == (
    "split,label,name,start_s,end_s\ntrain,dog,x,0,\n"
  )


def test_manifest_lists_the_shards_of_its_split_that_have_records(tmp_path):
  shards = [
    shard_writer.ShardPlan("test/clips-00000.tfrecord", [2]),
    shard_writer.ShardPlan("train/clips-00000.tfrecord", [0]),
    shard_writer.ShardPlan("train/clips-00001.tfrecord", [1]),
  ]
  results = [
    shard_writer.ShardResult([_OUTCOMES[2]], 10, "aa"),
    shard_writer.ShardResult([_OUTCOMES[0]], 20, "bb"),
    shard_writer.ShardResult([_OUTCOMES[1]]),
  ]
  report.write_manifests(
    tmp_path,
    shards,
    results,
    splits=["train", "test"],
    classes=["dog"],
    config={"short_side": 64},
    config_hash="cc",
  )
  train = manifest.load_manifest(tmp_path / "train")
  assert train.clip_count == 2
  assert train.classes == ["dog"]
  (shard,) = train.shards
  assert shard.file == "clips-00000.tfrecord"
  assert (shard.record_count, shard.bytes, shard.sha256) == (2, 20, "bb")
  assert shard.modalities == ["rgb+audio", "rgb"]
  assert manifest.load_manifest(tmp_path / "test").clip_count == 1
