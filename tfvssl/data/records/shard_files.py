"""The bytes of a TFRecord shard, read without trusting them."""

from collections.abc import Callable, Iterator
import dataclasses
import struct

import google_crc32c

from tfvssl.runtime import storage

HEADER_BYTES = 12  # length, checksum of the length
_FOOTER_BYTES = 4  # checksum of the payload
_FEW = 4096  # bytes
_MASK_DELTA = 0xA282EAD8  # of TFRecord


@dataclasses.dataclass
class Record:
  """One record as it lies in its shard.

  Attributes:
    number: 0 for the first of the shard.
    offset: of its header, in bytes.
    payload: None where it cannot be had.
    problem: what is wrong; empty if nothing is.
  """

  number: int
  offset: int
  payload: bytes | None = None
  problem: str = ""


def scan(path: storage.Path) -> Iterator[Record]:
  """Yields every record; checks lengths before bytes are read.

  A damaged payload is reported and passed over. After a damaged length
  nothing more can be found, so that record is the last.
  """
  size = storage.size(path)
  number = offset = 0
  with path.open("rb") as file:
    while offset < size:
      header = file.read(HEADER_BYTES)
      problem = header_problem(header, size - offset)
      if problem:
        yield Record(number, offset, problem=problem)
        return
      length = _length(header)
      payload, footer = file.read(length), file.read(_FOOTER_BYTES)
      if struct.unpack("<I", footer)[0] == masked_crc32c(payload):
        yield Record(number, offset, payload)
      else:
        yield Record(number, offset, problem="its checksum does not match")
      offset += HEADER_BYTES + length + _FOOTER_BYTES
      number += 1


def beginnings(
  path: storage.Path,
  limit: int,
  needed: Callable[[bytes], int] | None = None,
) -> Iterator[tuple[int, bytes]]:
  """Yields (number, at most `limit` bytes) of every payload, unchecked.

  Args:
    path: of the shard.
    limit: of the bytes.
    needed: says by the first few bytes of a payload how many are; None for as
      many as there may be.

  Raises:
    ValueError: a record has a damaged header.
  """
  size = storage.size(path)
  number = offset = 0
  with path.open("rb") as file:
    while offset < size:
      file.seek(offset)
      header = file.read(HEADER_BYTES)
      problem = header_problem(header, size - offset)
      if problem:
        raise ValueError(f"{path}: record {number} at byte {offset}: {problem}")
      length = _length(header)
      most = min(length, limit)
      begin = file.read(most if needed is None else min(_FEW, most))
      if needed is not None:
        begin += file.read(max(0, min(needed(begin), most) - len(begin)))
      yield number, begin
      offset += HEADER_BYTES + length + _FOOTER_BYTES
      number += 1


def count(path: storage.Path) -> int:
  """Returns how many records a shard has, after a look at every header.

  A forged length whose checksum is right would end TensorFlow, which takes
  memory for it before it reads.

  Raises:
    ValueError: a record has a damaged header.
  """
  return sum(1 for _ in beginnings(path, 0))


def header_problem(header: bytes, bytes_left: int) -> str:
  """Returns what is wrong with a record's first 12 bytes, or nothing.

  Args:
    header: as many of them as the file has.
    bytes_left: bytes of the file from the header on.
  """
  if len(header) < HEADER_BYTES:
    return f"the file ends after {len(header)} of the 12 header bytes"
  if struct.unpack("<I", header[8:])[0] != masked_crc32c(header[:8]):
    if header[:2] == b"\x1f\x8b":
      return "it is compressed with GZIP; records are written uncompressed"
    return "the checksum of its length does not match"
  room = bytes_left - HEADER_BYTES - _FOOTER_BYTES
  if _length(header) > room:
    return f"it claims {_length(header)} bytes, the file has {max(room, 0)}"
  return ""


def _length(header):
  return struct.unpack("<Q", header[:8])[0]


def masked_crc32c(data: bytes) -> int:
  """Returns the CRC-32C of `data` as TFRecord files store it."""
  value = google_crc32c.value(data)
  rotated = (value >> 15) | (value << 17) & 0xFFFFFFFF
  return (rotated + _MASK_DELTA) & 0xFFFFFFFF
