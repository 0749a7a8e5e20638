"""Records as bytes, against what TensorFlow writes and what damage does."""

import gzip
import struct

import pytest
import tensorflow as tf

from tfvssl.data.records import payloads
from tfvssl.data.records import shard_files

_PAYLOADS = [b"first", b"", b"the third record"]
# Length and checksum before, checksum after.
_AROUND = 12 + 4


@pytest.fixture
def shard(tmp_path):
  path = tmp_path / "shard.tfrecord"
  with tf.io.TFRecordWriter(str(path)) as writer:
    for payload in _PAYLOADS:
      writer.write(payload)
  return path


def _change(path, offset, value):
  content = bytearray(path.read_bytes())
  content[offset] = value
  path.write_bytes(content)


def test_every_record_of_the_writer(shard):
  found = list(payloads.scan(shard))
  assert [record.payload for record in found] == _PAYLOADS
  assert [record.number for record in found] == [0, 1, 2]
  second = _AROUND + 5
  assert [record.offset for record in found] == [0, second, second + _AROUND]
  assert not any(record.problem for record in found)


def test_empty_file_has_no_record(tmp_path):
  path = tmp_path / "empty"
  path.write_bytes(b"")
  assert not list(payloads.scan(path))
  assert not list(shard_files.beginnings(path, 4))


def test_damaged_payload_is_passed_over(shard):
  _change(shard, 12, 0)
  first, second, third = payloads.scan(shard)
  assert first.payload is None
  assert first.problem == "its checksum does not match"
  assert [second.payload, third.payload] == _PAYLOADS[1:]
  assert not second.problem and not third.problem


def test_damaged_length_ends_the_search(shard):
  _change(shard, _AROUND + 5, 99)
  first, second = payloads.scan(shard)
  assert first.payload == b"first"
  assert (second.number, second.offset) == (1, _AROUND + 5)
  assert second.problem == "the checksum of its length does not match"


@pytest.mark.parametrize(
  ("kept", "problem"),
  [
    (_AROUND + 5 + 7, "the file ends after 7 of the 12 header bytes"),
    (12 + 4 + 4, "it claims 5 bytes, the file has 4"),
    (12 + 3, "it claims 5 bytes, the file has 0"),
  ],
)
def test_cut_file(shard, kept, problem):
  shard.write_bytes(shard.read_bytes()[:kept])
  *_, last = payloads.scan(shard)
  assert last.payload is None
  assert last.problem == problem


def test_compressed_file_is_named(shard):
  shard.write_bytes(gzip.compress(shard.read_bytes()))
  (record,) = payloads.scan(shard)
  assert record.problem.startswith("it is compressed with GZIP; records are")


def test_length_that_would_fill_the_memory_is_not_read(tmp_path):
  path = tmp_path / "huge"
  with tf.io.TFRecordWriter(str(path)) as writer:
    writer.write(b"x")
  length = struct.pack("<Q", 1 << 60)
  checksum = shard_files.masked_crc32c(length)
  path.write_bytes(length + struct.pack("<I", checksum) + b"x" * 8)
  (record,) = payloads.scan(path)
  assert record.problem == f"it claims {1 << 60} bytes, the file has 4"


def test_as_many_bytes_are_read_as_the_first_few_say(tmp_path):
  path = tmp_path / "clips.tfrecord"
  with tf.io.TFRecordWriter(str(path)) as writer:
    for payload in (b"a" * 9000, b"b" * 5):
      writer.write(payload)

  def lengths(limit, needed):
    found = shard_files.beginnings(path, limit, lambda _: needed)
    return [len(begin) for _, begin in found]

  assert lengths(8000, 100) == [4096, 5]
  assert lengths(8000, 5000) == [5000, 5]
  assert lengths(8000, 1 << 40) == [8000, 5]
  assert lengths(10, 0) == [10, 5]


def test_beginnings_of_payloads(shard):
  found = list(shard_files.beginnings(shard, 5))
  assert found == [(0, b"first"), (1, b""), (2, b"the t")]
  # Payloads are not checked, lengths are.
  _change(shard, 16, ord("T"))
  assert next(shard_files.beginnings(shard, 9)) == (0, b"firsT")
  _change(shard, _AROUND + 5, 99)
  with pytest.raises(
    ValueError, match="shard.tfrecord: record 1 at byte 21: the checksum of its"
  ):
    list(shard_files.beginnings(shard, 5))
