import numpy as np
import pytest
import tensorflow as tf

from tfvssl.data import flow_images
from tfvssl.runtime import randomness


def _key(index=0):
  return randomness.key(0, 0, index, "narrow", "crop")


def _flow(height, width, count=2, seed=0):
  """Returns u, v as uint8 [n, H, W, 2] and the PNGs that hold them."""
  rng = np.random.default_rng(seed)
  fields = rng.integers(0, 256, (count, height, width, 2), dtype=np.uint8)
  stacked = np.concatenate([fields[..., 0], fields[..., 1]], axis=1)
  images = [tf.io.encode_png(image[..., np.newaxis]) for image in stacked]
  return fields, tf.stack(images)


def test_flow_of_the_right_size_is_cut_without_change():
  fields, images = _flow(32, 44)
  corners = set()
  for index in range(20):
    view = flow_images.decode_view(images, 32, 24, _key(index)).numpy()
    found = [
      (y, x)
      for y in range(9)
      for x in range(21)
      if np.array_equal(view, fields[:, y : y + 24, x : x + 24])
    ]
    assert len(found) == 1
    corners.update(found)
  assert len(corners) > 15
  assert max(y for y, _ in corners) > 5
  assert max(x for _, x in corners) > 12


def test_flow_of_another_size_is_resized_with_its_values_kept():
  images = tf.stack(
    [tf.io.encode_png(tf.fill([128, 96, 1], tf.constant(77, tf.uint8)))]
  )
  view = flow_images.decode_view(images, 32, 32, _key())
  assert view.shape == (1, 32, 32, 2)
  assert set(view.numpy().ravel()) == {77}


def test_flow_crops_are_regular():
  fields, images = _flow(16, 30)
  crops = flow_images.decode_crops(
    images, short_side=16, size=16, num_crops=3
  ).numpy()
  for crop, x in zip(crops, (0, 7, 14), strict=True):
    np.testing.assert_array_equal(crop, fields[:, :, x : x + 16])


def test_png_that_claims_too_many_pixels_is_not_decoded():
  _, images = _flow(16, 30, count=1)
  data = bytearray(images[0].numpy())
  data[16:24] = (60_000).to_bytes(4, "big") * 2
  with pytest.raises(tf.errors.InvalidArgumentError, match="must have at most"):
    flow_images.decode_view(tf.constant([bytes(data)]), 16, 16, _key())
