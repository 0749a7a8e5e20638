"""CRC-32C of TFRecord files, so that damage is found before TensorFlow reads.

TensorFlow allocates what a forged length field claims, and may crash.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_MASK_DELTA = 0xA282EAD8  # of TFRecord
_LANE_BYTES = 256


def masked(data: bytes) -> int:
  """Returns the checksum as TFRecord files store it."""
  value = checksum(data)
  rotated = (value >> 15) | (value << 17) & 0xFFFFFFFF
  return (rotated + _MASK_DELTA) & 0xFFFFFFFF


def checksum(data: bytes) -> int:
  """Returns the CRC-32C of `data`.

  The register is linear over GF(2): the bytes are split into lanes that run
  side by side, and a lane's register is moved past the later lanes by a
  matrix. That makes NumPy fast enough for records of megabytes.
  """
  if len(data) < 4 * _LANE_BYTES:
    return _bytewise(data)
  values = np.frombuffer(data, np.uint8)
  lanes = 1 << (-(-len(values) // _LANE_BYTES) - 1).bit_length()
  padded = np.zeros(lanes * _LANE_BYTES, np.uint8)
  begin = padded.size - len(values)  # zeros in front leave a zero register
  padded[begin:] = values
  padded[begin : begin + 4] ^= 0xFF  # the register starts with all bits set
  columns = np.ascontiguousarray(padded.reshape(lanes, _LANE_BYTES).T)
  table = _table()
  state = np.zeros(lanes, np.uint32)
  for column in columns:
    state = table[(state ^ column) & 0xFF] ^ (state >> 8)
  matrix = _lane_matrix()
  while len(state) > 1:
    state = _apply(matrix, state[::2]) ^ state[1::2]
    matrix = _apply(matrix, matrix)
  return int(state[0]) ^ 0xFFFFFFFF


def _bytewise(data):
  table = _table().tolist()
  state = 0xFFFFFFFF
  for byte in data:
    state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
  return state ^ 0xFFFFFFFF


@functools.cache
def _table():
  """Returns the register after one byte, uint32 [256]."""
  table = np.arange(256, dtype=np.uint32)
  one, polynomial = np.uint32(1), np.uint32(_POLYNOMIAL)
  for _ in range(8):
    table = (table >> one) ^ (table & one) * polynomial
  return table


@functools.cache
def _lane_matrix():
  """Returns what a lane of zeros makes of each bit, uint32 [32]."""
  bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
  matrix = _table()[bits & 0xFF] ^ (bits >> 8)
  for _ in range(_LANE_BYTES.bit_length() - 1):
    matrix = _apply(matrix, matrix)
  return matrix


def _apply(matrix, values):
  """Returns the GF(2) product of the matrix with each of `values`."""
  result = np.zeros_like(values)
  for bit in range(32):
    present = (values >> np.uint32(bit)) & np.uint32(1)
    result ^= present * matrix[bit]
  return result
