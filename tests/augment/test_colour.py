import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import colour


def _video(low=0.0, high=1.0, shape=(4, 2, 9, 11, 3)):
  draw = np.random.RandomState(0).uniform(low, high, shape)
  return draw.astype(np.float32)


def _hue(video, delta):
  return colour.on_planes(lambda x: colour.adjust_hue(x, delta), video)


def _saturation(video, factor):
  return colour.on_planes(lambda x: colour.adjust_saturation(x, factor), video)


def _contrast(video, factor):
  return colour.on_planes(lambda x: colour.adjust_contrast(x, factor), video)


# Brightness and contrast leave [0, 1] before hue; the kernels differ there
# from plain HSV.
@pytest.mark.parametrize("bounds", [(0, 1), (-0.3, 1.4), (-1, -0.1)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_hue_equals_tf_image(bounds, jit_compile):
  video = _video(*bounds)
  deltas = np.array([-1.0, -0.2, 0.13, 0.5], np.float32)
  adjust = tf.function(_hue, jit_compile=jit_compile, autograph=False)
  output = adjust(video, deltas)
  for clip, delta, got in zip(video, deltas, output, strict=True):
    np.testing.assert_allclose(
      got, tf.image.adjust_hue(clip, delta), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("bounds", [(0, 1), (-0.3, 1.4), (-1, -0.1)])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_saturation_equals_tf_image(bounds, jit_compile):
  video = _video(*bounds)
  factors = np.array([0.0, 0.6, 1.4, 5.0], np.float32)
  adjust = tf.function(_saturation, jit_compile=jit_compile, autograph=False)
  output = adjust(video, factors)
  for clip, factor, got in zip(video, factors, output, strict=True):
    np.testing.assert_allclose(
      got, tf.image.adjust_saturation(clip, factor), rtol=0, atol=1e-6
    )


def test_contrast_is_about_each_frames_own_mean():
  video = _video(shape=(1, 3, 8, 8, 3))
  video[0, 1] *= 0.2
  output = _contrast(video, tf.constant([0.5])).numpy()
  np.testing.assert_allclose(
    output.mean(axis=(2, 3)), video.mean(axis=(2, 3)), atol=1e-6
  )
  np.testing.assert_allclose(
    output[0], tf.image.adjust_contrast(video[0], 0.5), atol=1e-6
  )


@pytest.mark.parametrize("jit_compile", [False, True])
def test_contrast_leaves_large_flat_frames(jit_compile):
  # A sum of 224 * 224 equal values in one go is wrong by up to 1e-3.
  video = np.full((2, 1, 224, 224, 3), 0.3, np.float32)
  adjust = tf.function(_contrast, jit_compile=jit_compile, autograph=False)
  output = adjust(video, np.array([0.6, 1.4], np.float32))
  np.testing.assert_allclose(output, video, rtol=0, atol=5e-6)


def test_greys_keep_their_value_under_hue_and_saturation():
  grey = np.broadcast_to(_video(shape=(2, 1, 4, 4, 1)), (2, 1, 4, 4, 3))
  factor = tf.constant([0.6, 1.4])
  np.testing.assert_array_equal(_saturation(grey, factor), grey)
  np.testing.assert_array_equal(_hue(grey, factor - 1), grey)


def test_changes_run_in_the_released_order_and_are_cut():
  video = _video()
  parameters = {
    "brightness": tf.constant([0.3, -0.2, 0.1, 0.0]),
    "saturation": tf.constant([0.6, 1.4, 1.0, 1.2]),
    "contrast": tf.constant([1.4, 1.8, 0.6, 1.0]),
    "hue": tf.constant([0.1, -0.1, 0.2, 0.0]),
  }
  expected = video + parameters["brightness"][:, None, None, None, None]
  expected = _saturation(expected, parameters["saturation"])
  expected = _contrast(expected, parameters["contrast"])
  expected = _hue(expected, parameters["hue"]).numpy()
  assert expected.min() < -0.05 and expected.max() > 1.1
  np.testing.assert_allclose(
    colour.adjust_colour(video, **parameters),
    np.clip(expected, 0, 1),
    atol=1e-7,
  )


def test_a_change_that_is_none_is_left_out():
  video = _video(0.2, 0.6)
  np.testing.assert_allclose(
    colour.adjust_colour(video, brightness=tf.fill([4], 0.25)),
    video + 0.25,
    atol=1e-7,
  )


def test_greyscale_equals_tf_image():
  video = _video()
  expected = tf.image.rgb_to_grayscale(video)
  output = colour.greyscale(video)
  for channel in range(3):
    np.testing.assert_allclose(
      output[..., channel], expected[..., 0], rtol=0, atol=1e-6
    )
