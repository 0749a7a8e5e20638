"""Manifests that cannot be used, and what one says."""

import json

import pytest

from tfvssl.data.records import manifest
from tfvssl.data.records import schema


def _manifest(**changes):
  """Returns the text of a manifest whose first shard has other fields."""
  shard = {
    "file": "clips-00000.tfrecord",
    "record_count": 1,
    "bytes": 10,
    "sha256": "x",
    "modalities": ["rgb"],
  }
  return json.dumps(
    {
      "schema_version": schema.SCHEMA_VERSION,
      "clip_count": changes.pop("clip_count", 2),
      "classes": [],
      "config": {},
      "config_hash": "",
      "shards": [
        {**shard, **changes},
        {**shard, "file": "clips-00001.tfrecord"},
      ],
    }
  )


def test_longest_name_of_a_shard(tmp_path):
  (tmp_path / manifest.MANIFEST_NAME).write_text(_manifest(file="x" * 255))
  assert manifest.load_manifest(tmp_path).shards[0].file == "x" * 255


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("[" * 100_000, "recursion"),
    (
      _manifest(file="x" * 256),
      "is not a plain file name of at most 255 bytes",
    ),
    (
      _manifest(file="\u00fc" * 128),
      "not a plain file name of",
    ),
    (_manifest(file=""), "not a plain file name"),
    (_manifest(file=".."), "not a plain file name"),
    (_manifest(file="a/b"), "not a plain file name"),
    (_manifest(file="a\0b"), "not a plain file name"),
    (_manifest(file="\ud800"), "surrogates not allowed"),
    (
      _manifest(file="clips-00001.tfrecord"),
      "`file` ('clips-00001.tfrecord') stands twice",
    ),
    (_manifest(record_count=-1), "`record_count` (-1) must be a count >= 0"),
    (_manifest(record_count=1 << 62), "must be a count >= 0"),
    (_manifest(bytes=-1), "`bytes` (-1) must be a count >= 0"),
    (_manifest(clip_count=-1), "`clip_count` (-1) must be a count >= 0"),
    (_manifest(bytes=True), "`bytes` holds True, not int"),
    (_manifest(record_count=False), "`record_count` holds False, not int"),
    (
      _manifest(digests=["rgb:1", "rgb:2"]),
      "`digests` of clips-00000.tfrecord are 2, its clips 1",
    ),
    (_manifest(digests=[1]), "`digests` holds 1, not str"),
  ],
)
def test_manifest_that_cannot_be_used_is_one_line(tmp_path, text, message):
  (tmp_path / manifest.MANIFEST_NAME).write_text(text)
  with pytest.raises(ValueError, match="cannot be used") as caught:
    manifest.load_manifest(tmp_path)
  assert message in str(caught.value)
  assert "\n" not in str(caught.value)
