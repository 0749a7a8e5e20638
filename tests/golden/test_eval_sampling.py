"""Windows and resizing of test clips against eval_sampling.npz."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.data import crops
from tfvssl.data import decode
from tfvssl.data import regular_views


@pytest.fixture(scope="module", name="vectors")
def _vectors(golden):
  return golden("eval_sampling")


def _numbers(vectors, kind):
  """Yields (numbers in the key, value) of the keys `<kind>_<n>_<n>...`."""
  found = [key for key in vectors if key.startswith(f"{kind}_")]
  assert found, f"the file has no {kind}"
  for key in found:
    rest = key.removeprefix(f"{kind}_").replace("x", "_")
    yield [int(part) for part in rest.split("_")], vectors[key]


def test_starts_are_those_of_the_reference(vectors):
  for (length, clips, frames, step), expected in _numbers(vectors, "linspace"):
    starts = regular_views.linspace_starts(
      tf.constant(length), clips, frames, step
    )
    span = (frames - 1) * step + 1
    np.testing.assert_array_equal(starts, expected[:, 0])
    np.testing.assert_array_equal(starts.numpy() + span, expected[:, 1])
    assert set(expected[:, 2]) == {step}


def test_centre_square_is_that_of_the_reference(vectors):
  for (height, width, pad), expected in _numbers(vectors, "padcenter"):
    square = decode.centre_square(tf.constant([height, width]), pad)
    np.testing.assert_array_equal(square, expected)


def test_short_side_is_resized_as_in_the_reference(vectors):
  for (edge,), expected in _numbers(vectors, "resize_min"):
    video = crops.resize_short_side(tf.constant(vectors["resize_in"]), edge)
    np.testing.assert_array_equal(video, expected)


def test_bilinear_resize_is_that_of_the_reference(vectors):
  for (height, width), expected in _numbers(vectors, "resize_bilinear"):
    video = decode.resize(tf.constant(vectors["resize_in"]), height, width)
    np.testing.assert_allclose(video, expected, rtol=1e-6, atol=1e-6)
