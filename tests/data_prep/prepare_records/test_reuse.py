"""Damage in another split's folder only means that it is decoded again."""

import hashlib
import json

import pytest

from data_prep.prepare_records import reuse
from data_prep.prepare_records import shard_writer
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema

CONTENT = b"the record"
DESCRIBED = ["a.mp4", "x", "train", "", 0.0, None, 7]
SHARD = "train/clips-00000.tfrecord"


def _outcome(**changes):
  return {
    "relative": "a.mp4",
    "split": "train",
    "clips": ["rgb"],
    "labels": ["x"],
    "bytes": len(CONTENT),
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    **changes,
  }


@pytest.fixture
def folder(tmp_path):
  """A prepared folder of one record, without ffmpeg or TensorFlow."""
  root = tmp_path / "split_1"
  (root / "train").mkdir(parents=True)
  (root / SHARD).write_bytes(CONTENT)
  shard = manifest_lib.Shard(
    "clips-00000.tfrecord", 1, len(CONTENT), "", ["rgb"]
  )
  manifest = manifest_lib.Manifest(
    schema.SCHEMA_VERSION, 1, ["x"], {}, "", [shard]
  )
  manifest.save(root / "train" / manifest_lib.MANIFEST_NAME)
  _write_state(root, json.dumps({"inputs": {"a.mp4": DESCRIBED}}))
  _write_outcome(root, _outcome())
  return root


def _write_state(root, text):
  path = root / shard_writer.STATE_FOLDER / "state.json"
  path.parent.mkdir(exist_ok=True)
  path.write_text(text)


def _write_outcome(root, outcome):
  path = shard_writer.result_path(root, SHARD)
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps({"outcomes": [outcome]}))


def _is_reused(root):
  output = shard_writer.Output(root.parent / "split_2")
  output.lock()
  output.begin({})
  found = reuse.Decoded([root], {}, ["x"]).stage(
    [*DESCRIBED[:2], "test", *DESCRIBED[3:]], output, 0
  )
  if found:
    staged = output.folder / ".prepare" / "staged" / "00000000.tfrecord"
    assert staged.read_bytes() == CONTENT
    assert output.staged(0).split == "test"
  return found


def test_whole_folder_is_reused(folder):
  assert _is_reused(folder)


@pytest.mark.parametrize(
  "text",
  [
    "{",
    "[]",
    "null",
    "[" * 100_000,
    '{"inputs": []}',
    '{"inputs": {"a.mp4": []}}',
    '{"inputs": {"a.mp4": ["a.mp4", "x"]}}',
    '{"inputs": {"a.mp4": null}}',
    '{"inputs": {"a.mp4": [[], "x", "train"]}}',
    '{"inputs": {"a.mp4": ["a.mp4", "x", 3]}}',
  ],
)
def test_damaged_state_is_not_reused(folder, text):
  _write_state(folder, text)
  assert not _is_reused(folder)


@pytest.mark.parametrize(
  "changes",
  [
    {"bytes": -1},
    {"bytes": 1 << 60},
    {"bytes": "10"},
    {"bytes": True},
    {"clips": [1]},
    {"tail_s": "x"},
    {"sha256": ""},
    {"relative": "b.mp4"},
    {"unknown": 1},
  ],
)
def test_damaged_outcome_is_not_reused(folder, changes):
  _write_outcome(folder, _outcome(**changes))
  assert not _is_reused(folder)
