import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import blur


@pytest.mark.parametrize("jit_compile", [False, True])
def test_an_impulse_becomes_the_outer_product_of_the_kernel(jit_compile):
  video = np.zeros((2, 3, 15, 21, 3), np.float32)
  video[:, 1, 7, 10] = [1.0, 0.5, 0.25]
  sigma = np.array([0.4, 1.7], np.float32)
  run = tf.function(
    blur.gaussian_blur, jit_compile=jit_compile, autograph=False
  )
  output = run(video, sigma, 6).numpy()
  for clip, width in zip(output, sigma, strict=True):
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / (2 * width**2))
    kernel /= kernel.sum()
    expected = np.zeros((15, 21))
    expected[4:11, 7:14] = np.outer(kernel, kernel)
    np.testing.assert_allclose(clip[1, ..., 0], expected, atol=1e-7)
    np.testing.assert_allclose(clip[1, ..., 2], expected / 4, atol=1e-7)
  assert (output[:, [0, 2]] == 0).all()


def test_edges_darken_and_the_middle_stays():
  video = np.ones((1, 1, 16, 16, 3), np.float32)
  output = blur.gaussian_blur(video, tf.constant([2.0]), 6).numpy()[0, 0]
  np.testing.assert_allclose(output[3:-3, 3:-3], 1, atol=1e-6)
  assert output[0, 8, 0] < 0.7 and output[0, 0, 0] < 0.49


def test_an_odd_argument_reaches_as_far_as_the_even_one_below():
  video = np.random.RandomState(0).rand(1, 1, 12, 12, 3).astype(np.float32)
  sigma = tf.constant([1.0])
  np.testing.assert_array_equal(
    blur.gaussian_blur(video, sigma, 5), blur.gaussian_blur(video, sigma, 4)
  )


@pytest.mark.parametrize("kernel_argument", [0, 1])
def test_images_below_20_pixels_are_not_blurred(kernel_argument):
  video = np.random.RandomState(0).rand(2, 2, 8, 8, 3).astype(np.float32)
  output = blur.gaussian_blur(video, tf.constant([0.1, 2.0]), kernel_argument)
  np.testing.assert_array_equal(output, video)


def test_a_kernel_wider_than_the_image_is_cut():
  video = np.ones((1, 1, 3, 3, 1), np.float32)
  output = blur.gaussian_blur(video, tf.constant([50.0]), 10)
  # Eleven nearly equal taps, of which the middle pixel sees three.
  np.testing.assert_allclose(output[0, 0, 1, 1], [(3 / 11) ** 2], rtol=0.02)
