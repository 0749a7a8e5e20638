"""The records of a shard with their payloads, checksums compared."""

from collections.abc import Iterator
import dataclasses
import struct

from tfvssl.data.records import shard_files
from tfvssl.runtime import storage


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
      header = file.read(shard_files.HEADER_BYTES)
      problem = shard_files.header_problem(header, size - offset)
      if problem:
        yield Record(number, offset, problem=problem)
        return
      length = shard_files.length_of(header)
      payload, footer = file.read(length), file.read(shard_files.FOOTER_BYTES)
      if struct.unpack("<I", footer)[0] == shard_files.masked_crc32c(payload):
        yield Record(number, offset, payload)
      else:
        yield Record(number, offset, problem="its checksum does not match")
      offset += shard_files.HEADER_BYTES + length + shard_files.FOOTER_BYTES
      number += 1
