import numpy as np
import pytest
import tensorflow as tf

from tests.data import jpegs
from tfvssl.config import pictures
from tfvssl.data import crops
from tfvssl.data import decode
from tfvssl.runtime import randomness


def _key(index=0, operation="crop"):
  return randomness.key(0, 0, index, "narrow", operation)


def _with_size(jpeg, height, width):
  """Returns the JPEG with another size in its header (SOF0)."""
  data = bytearray(jpeg.numpy())
  place = data.index(b"\xff\xc0") + 5
  data[place : place + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
  return tf.constant(bytes(data))


def test_view_shows_its_window_and_nothing_else():
  frames = tf.stack([jpegs.of_coordinates(60, 80)] * 2)
  for index in range(5):
    y, x, height, width = decode.random_window(
      tf.constant([60, 80]), pictures.Crop(), _key(index)
    ).numpy()
    video = decode.decode_view(frames, pictures.Crop(), 16, _key(index)).numpy()
    assert video.shape == (2, 16, 16, 3)
    # Half-pixel centres: value at i is 2 * (start + (i + 0.5) * size / 16 -
    # 0.5); the JPEG and the rounding cost up to 3.
    place = np.arange(16) + 0.5
    column = 2 * (x + place * width / 16 - 0.5)
    row = 2 * (y + place * height / 16 - 0.5)
    assert np.abs(video[0, 8, 1:-1, 0] - column[1:-1]).max() < 3
    assert np.abs(video[0, 1:-1, 8, 1] - row[1:-1]).max() < 3
    np.testing.assert_array_equal(video[0], video[1])


def test_window_has_the_area_and_aspect_of_its_spec():
  windows = np.stack(
    [
      decode.random_window(
        tf.constant([240, 320]),
        pictures.Crop((0.3, 0.6), (0.5, 2.0)),
        _key(index),
      )
      for index in range(100)
    ]
  )
  height, width = windows[:, 2], windows[:, 3]
  share = height * width / (240 * 320)
  assert share.min() > 0.29
  assert share.max() < 0.61
  assert (width / height).min() > 0.49
  assert (width / height).max() < 2.02
  assert np.all(windows[:, 0] + height <= 240)
  assert np.all(windows[:, 1] + width <= 320)
  assert len({tuple(window) for window in windows}) > 95


def _literally(image, crop, key, short_side):
  """Returns the crop of an image that is really scaled, resized and cut."""
  height, width = image.shape[:2]
  draws = randomness.uniform(key, (4,)).numpy()
  low, high = crop.scale
  scale = low + draws[:2] * (high - low)
  scaled = scale * [height, width]
  resized = np.round(scaled * short_side / scaled.min()).astype(int)
  whole = tf.image.resize(image, resized, method="bilinear").numpy()
  size = round(crop.share * short_side)
  y, x = np.round(draws[2:] * (resized - size)).astype(int)
  return whole[y : y + size, x : x + size]


@pytest.mark.parametrize("shape", [(120, 160), (128, 96)])
def test_jitter_crop_is_scaling_resizing_and_cropping(shape):
  crop = pictures.JitterCrop()
  y, x = np.mgrid[: shape[0], : shape[1]]
  image = np.stack([x, y, 0 * x], -1).astype(np.float32)
  for index in range(20):
    window = decode.random_window(tf.constant(shape), crop, _key(index))
    top, left, height, width = window.numpy()
    assert top >= 0
    assert left >= 0
    assert top + height <= shape[0]
    assert left + width <= shape[1]
    cut = image[np.newaxis, top : top + height, left : left + width]
    found = decode.resize(cut, 224, 224)[0].numpy()
    expected = _literally(image, crop, _key(index), 256)
    # A window of whole pixels: its edges are half a pixel off at most, and so
    # is the corner of the resized image, by less. The outermost rows repeat
    # what lies outside of the window.
    inside = np.s_[2:-2, 2:-2]
    assert np.abs(found[inside] - expected[inside]).max() < 1.1


def test_jitter_crops_reach_the_shapes_of_their_scale():
  windows = np.stack(
    [
      decode.random_window(
        tf.constant([240, 240]), pictures.JitterCrop(), _key(index)
      )
      for index in range(200)
    ]
  )
  aspect = windows[:, 3] / windows[:, 2]
  # Width and height are scaled apart by 0.8 to 1.2.
  assert 0.8 / 1.2 - 0.01 < aspect.min() < 0.72
  assert 1.38 < aspect.max() < 1.2 / 0.8 + 0.01
  # The side that is scaled least is the short one: 7/8 of it is seen.
  np.testing.assert_array_equal(windows[:, 2:].max(axis=1), 210)
  assert windows[:, :2].max() > 90


def test_window_of_the_base_class_is_refused():
  with pytest.raises(TypeError, match="must be Crop or JitterCrop, not Window"):
    decode.random_window(tf.constant([60, 80]), pictures.Window(), _key())


def test_window_is_the_centre_where_none_fits():
  # No window of a 400 x 50 image is a square of its whole area.
  crop = pictures.Crop((0.99, 1.0), (0.99, 1.01))
  window = decode.random_window(tf.constant([50, 400]), crop, _key())
  assert window.numpy().tolist() == [16, 191, 18, 18]


def test_centre_of_a_tiny_image_leaves_nothing_out():
  square = decode.centre_square(tf.constant([32, 40]), 16)
  assert square.numpy().tolist() == [0, 4, 32, 32]


def test_resize_rounds_to_the_nearest():
  pixels = decode.to_uint8(tf.constant([0.4, 0.6, 254.6]))
  assert pixels.numpy().tolist() == [0, 1, 255]


@pytest.mark.parametrize("size", [(4000, 4000), (20000, 20000), (65500, 65500)])
def test_jpeg_that_claims_too_many_pixels_is_not_decoded(size):
  frames = tf.stack([_with_size(jpegs.of_coordinates(40, 60), *size)])
  for read in (
    lambda: decode.decode_view(frames, pictures.Crop(), 16, _key()),
    lambda: crops.decode_crops(frames, short_side=40, size=16, num_crops=1),
  ):
    with pytest.raises(
      tf.errors.InvalidArgumentError, match="must have at most 9437184 pixels"
    ):
      read()


def test_pixel_cap_holds_inside_a_graph():
  frames = tf.stack([_with_size(jpegs.of_coordinates(40, 60), 4000, 4000)])
  dataset = tf.data.Dataset.from_tensors(frames).map(
    lambda f: decode.decode_view(
      tf.ensure_shape(f, [1]), pictures.Crop(), 16, _key()
    )
  )
  with pytest.raises(tf.errors.InvalidArgumentError, match="must have at most"):
    next(iter(dataset))


def test_frames_of_unequal_size_are_an_error():
  frames = tf.stack(
    [jpegs.of_coordinates(40, 60), jpegs.of_coordinates(40, 64)]
  )
  with pytest.raises(tf.errors.InvalidArgumentError, match="equal in size"):
    decode.decode_view(frames, pictures.Crop(), 16, _key())


def test_half_a_jpeg_is_an_error():
  whole = jpegs.of_coordinates(40, 60).numpy()
  frames = tf.constant([whole[: len(whole) // 2]])
  with pytest.raises(tf.errors.InvalidArgumentError):
    decode.decode_view(frames, pictures.Crop(), 16, _key())
