import numpy as np
import pytest
import tensorflow as tf

from tests.data import jpegs
from tfvssl.data import crops


def test_crops_are_spaced_along_the_longer_side():
  frames = tf.stack([jpegs.of_coordinates(40, 100)])
  squares = crops.decode_crops(frames, short_side=40, size=20, num_crops=3)
  assert squares.shape == (3, 1, 20, 20, 3)
  left = squares[:, 0, 10, 0, 0].numpy().astype(int)
  # x = 0, 40, 80 and y = 10; JPEG's colours are off by up to 3.
  assert np.abs(left - [0, 80, 160]).max() <= 3
  top = squares[:, 0, 0, 10, 1].numpy().astype(int)
  assert np.abs(top - 20).max() <= 3


def test_one_crop_is_the_centre():
  frames = tf.stack([jpegs.of_coordinates(100, 40)])
  crop = crops.decode_crops(frames, short_side=40, size=40, num_crops=1)
  assert abs(int(crop[0, 0, 0, 20, 1]) - 60) <= 3  # y = 30


def test_crop_larger_than_the_short_side_is_an_error():
  with pytest.raises(ValueError, match=r"`image_size` \(64\) must be at most"):
    crops.decode_crops(
      tf.stack([jpegs.of_coordinates(40, 100)]),
      short_side=40,
      size=64,
      num_crops=1,
    )
