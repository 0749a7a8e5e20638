import os

import pytest
import tensorflow as tf

from tfvssl.data.records import crc32c


def test_checksum_of_the_standard_example():
  assert crc32c.checksum(b"123456789") == 0xE3069283  # RFC 3720, B.4
  assert crc32c.checksum(bytes(32)) == 0x8A9136AA
  assert crc32c.checksum(b"\xff" * 32) == 0x62A8AB43


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 70_000, 262_144])
def test_lanes_agree_with_the_files_of_tensorflow(tmp_path, size):
  data = os.urandom(size)
  path = tmp_path / "one.tfrecord"
  with tf.io.TFRecordWriter(str(path)) as writer:
    writer.write(data)
  content = path.read_bytes()
  assert content[12:-4] == data
  assert int.from_bytes(content[-4:], "little") == crc32c.masked(data)
  assert int.from_bytes(content[8:12], "little") == crc32c.masked(content[:8])
