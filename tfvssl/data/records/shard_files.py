"""The bytes of a TFRecord shard, read without trusting them."""

from collections.abc import Callable, Iterator
import struct

import google_crc32c

from tfvssl.runtime import storage

HEADER_BYTES = 12  # length, checksum of the length
FOOTER_BYTES = 4  # checksum of the payload
_FEW = 4096  # bytes
_MASK_DELTA = 0xA282EAD8  # of TFRecord


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
      length = length_of(header)
      most = min(length, limit)
      begin = file.read(most if needed is None else min(_FEW, most))
      if needed is not None:
        begin += file.read(max(0, min(needed(begin), most) - len(begin)))
      yield number, begin
      offset += HEADER_BYTES + length + FOOTER_BYTES
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
  room = bytes_left - HEADER_BYTES - FOOTER_BYTES
  if length_of(header) > room:
    return f"it claims {length_of(header)} bytes, the file has {max(room, 0)}"
  return ""


def length_of(header: bytes) -> int:
  """Returns the bytes of the payload that a header announces."""
  return struct.unpack("<Q", header[:8])[0]


def masked_crc32c(data: bytes) -> int:
  """Returns the CRC-32C of `data` as TFRecord files store it."""
  value = google_crc32c.value(data)
  rotated = (value >> 15) | (value << 17) & 0xFFFFFFFF
  return (rotated + _MASK_DELTA) & 0xFFFFFFFF
