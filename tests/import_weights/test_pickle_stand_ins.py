"""Stand-ins rebuild arrays of bytes that are there, and refuse the rest.

tests/import_weights/test_restricted_pickle.py has them in whole files.
"""

import numpy as np
import pytest

from tfvssl.import_weights import pickle_stand_ins


def test_what_is_quoted_of_a_file_is_short_and_plain():
  shared: list = []
  for _ in range(50):  # its text would have 2 ** 50 brackets
    shared = [shared, shared]
  assert pickle_stand_ins.quoted(shared) == "a list"
  assert pickle_stand_ins.quoted("a\x1b[2J\n") == r"'a\x1b[2J\n'"
  assert len(pickle_stand_ins.quoted("a" * 10**6)) == 205
  assert pickle_stand_ins.quoted(0.5) == "0.5"
  with pytest.raises(ValueError, match="array of dtype a list; only numbers"):
    pickle_stand_ins._DType(shared)


def _number(code, order="<"):
  made = pickle_stand_ins._DType(code)
  made.__setstate__((3, order, None, None, None, -1, -1, 0))
  return made


def test_array_has_its_order_of_bytes_and_of_axes():
  values = np.arange(6, dtype=">f4").reshape(2, 3)
  array = pickle_stand_ins.Array()
  array.fill((2, 3), _number("f4", ">"), "F", values.tobytes("F"))
  np.testing.assert_array_equal(array.value, values)


def test_array_takes_its_content_once_and_no_byte_too_many():
  array = pickle_stand_ins.Array()
  with pytest.raises(ValueError, match=r"shape \(3,\), whose bytes are not"):
    array.fill((3,), _number("f4"), "C", bytes(16))
  with pytest.raises(ValueError, match="builds an array twice"):
    array.fill((4,), _number("f4"), "C", bytes(16))


def test_functions_cannot_be_changed():
  with pytest.raises(ValueError, match="changes a function"):
    pickle_stand_ins.StandIn(len).__setstate__({})
