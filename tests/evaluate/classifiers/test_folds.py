"""Folds: all rows of a file together, every row held out once."""

import numpy as np
import pytest

from tfvssl.evaluate.classifiers import folds


def test_files_stay_together_and_every_row_is_held_out_once():
  labels = np.repeat([0, 1, 0, 1, 0, 1], 2)
  sources = [str(row // 2) for row in range(12)]
  parts = folds.split(labels, sources, 3)
  assert len(parts) == 3
  held_out = np.concatenate([rows for _, rows in parts])
  np.testing.assert_array_equal(np.sort(held_out), np.arange(12))
  for fitted, rows in parts:
    assert not {sources[i] for i in fitted} & {sources[i] for i in rows}
    assert set(labels[rows]) == {0, 1}


def test_there_are_no_more_folds_than_files_of_a_class():
  labels = np.array([0, 0, 0, 1, 1])
  assert len(folds.split(labels, list("abcde"), 3)) == 2
  with pytest.raises(ValueError, match="at least 2 files per class; one class"):
    folds.split(labels, list("abcdd"), 3)
