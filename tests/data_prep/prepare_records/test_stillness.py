"""Pictures that stand still but for what a codec does to them."""

import numpy as np

from data_prep.prepare_records import stillness


def _is_still(*values):
  look = stillness.Stillness()
  for value in values:
    frame = np.full([4, 4, 3], 16, np.uint8)
    frame[1, 2] = value
    assert look.seen(frame) is frame
  return look.is_still


def test_pictures_are_compared_with_the_first():
  assert _is_still(16, 16, 16)
  assert _is_still(16, 19, 13)
  assert not _is_still(16, 20, 16)
  assert not _is_still(16, 12)
  assert not _is_still(255, 0)
  assert not _is_still(16, 18, 20)  # a slow fade


def test_one_picture_does_not_stand_still():
  assert not _is_still(16)
  assert not _is_still()
