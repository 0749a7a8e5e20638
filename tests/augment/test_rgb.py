import numpy as np
import pytest
import tensorflow as tf

from tfvssl.augment import blur
from tfvssl.augment import colour
from tfvssl.augment import rgb
from tfvssl.config import pictures

_SAMPLES = 4000
# Four standard deviations of a share of 4000, at most.
_SHARE = 4 * 0.5 / _SAMPLES**0.5


def _none(**changes) -> pictures.RgbAugmentation:
  """Returns a spec that changes nothing, but for `changes`."""
  spec = pictures.RgbAugmentation(
    flip_probability=0.0,
    colour_probability=0.0,
    greyscale_probability=0.0,
    blur_probability=0.0,
  )
  for name, value in changes.items():
    setattr(spec, name, value)
  return spec


def _one_colour(**changes) -> pictures.RgbAugmentation:
  """Returns a spec of one colour change, applied to every clip."""
  neutral = {
    "colour_probability": 1.0,
    "brightness_delta": 0.0,
    "saturation": (1.0, 1.0),
    "contrast": (1.0, 1.0),
    "hue_delta": 0.0,
  }
  return _none(**{**neutral, **changes})


def _augment(video, spec, *, epoch=0, view="narrow", seed=0):
  samples = np.arange(len(video))
  return rgb.augment(
    tf.convert_to_tensor(video),
    spec,
    seed=seed,
    epoch=np.full_like(samples, epoch),
    sample_index=samples,
    view=view,
  ).numpy()


def _noise(*shape, low=0.0, high=1.0):
  draw = np.random.RandomState(0)
  return draw.uniform(low, high, (*shape, 3)).astype(np.float32)


def _many(width=4):
  """Returns one small image, 4000 times."""
  return np.broadcast_to(
    _noise(1, 1, 2, width, low=0.3, high=0.6), (_SAMPLES, 1, 2, width, 3)
  )


def _changed(video, spec, **key):
  output = _augment(video, spec, **key)
  return np.abs(output - video).max(axis=(1, 2, 3, 4)) > 1e-6


def test_no_augmentation_returns_the_clip():
  video = _noise(2, 3, 8, 8)
  np.testing.assert_array_equal(_augment(video, _none()), video)


def test_bytes_are_scaled_to_one():
  video = np.arange(192, dtype=np.uint8).reshape(1, 1, 8, 8, 3)
  np.testing.assert_allclose(
    _augment(video, _none()), video / 255, rtol=0, atol=1e-7
  )


@pytest.mark.parametrize("probability", [0.5, 0.1])
def test_flip_probability(probability):
  video = _many()
  output = _augment(video, _none(flip_probability=probability))
  kept = (output == video).all(axis=(1, 2, 3, 4))
  mirrored = (output == video[:, :, :, ::-1]).all(axis=(1, 2, 3, 4))
  assert (kept ^ mirrored).all()
  np.testing.assert_allclose(mirrored.mean(), probability, atol=_SHARE)


def test_colour_probability():
  spec = _one_colour(contrast=(0.5, 0.5), colour_probability=0.8)
  np.testing.assert_allclose(_changed(_many(), spec).mean(), 0.8, atol=_SHARE)


def test_greyscale_probability():
  output = _augment(_many(), _none(greyscale_probability=0.2))
  grey = np.ptp(output, axis=-1).max(axis=(1, 2, 3)) == 0
  np.testing.assert_allclose(grey.mean(), 0.2, atol=_SHARE)


def test_blur_probability():
  spec = _none(blur_probability=0.3, blur_sigma=(1.0, 1.0))
  np.testing.assert_allclose(
    _changed(_many(width=20), spec).mean(), 0.3, atol=_SHARE
  )


def test_operations_are_drawn_apart():
  flipped = _changed(_many(), _none(flip_probability=0.5))
  coloured = _changed(
    _many(), _one_colour(contrast=(0.5, 0.5), colour_probability=0.5)
  )
  np.testing.assert_allclose(np.mean(flipped & coloured), 0.25, atol=_SHARE)


def test_views_epochs_and_seeds_are_drawn_apart():
  spec = _none(flip_probability=0.5)
  first = _changed(_many(), spec)
  for key in ({"view": "broad"}, {"epoch": 1}, {"seed": 1}):
    np.testing.assert_allclose(
      np.mean(first & _changed(_many(), spec, **key)), 0.25, atol=_SHARE
    )


def test_brightness_is_uniform_up_to_its_bound():
  output = _augment(_many(), _one_colour(brightness_delta=0.2))
  deltas = (output - _many())[:, 0, 0, 0, 0]
  np.testing.assert_allclose(deltas.min(), -0.2, atol=0.001)
  np.testing.assert_allclose(deltas.max(), 0.2, atol=0.001)
  np.testing.assert_allclose(deltas.std(), 0.4 / 12**0.5, rtol=0.05)


def test_contrast_is_uniform_between_its_bounds():
  video = _many()
  output = _augment(video, _one_colour(contrast=(0.6, 1.4)))
  factors = (np.ptp(output, (2, 3)) / np.ptp(video, (2, 3)))[:, 0, 0]
  np.testing.assert_allclose(factors.min(), 0.6, atol=0.002)
  np.testing.assert_allclose(factors.max(), 1.4, atol=0.002)
  np.testing.assert_allclose(factors.mean(), 1.0, atol=0.015)


@pytest.mark.parametrize(
  "change, function, parameter",
  [
    ({"saturation": (1.3, 1.3)}, colour.adjust_saturation, 1.3),
    ({"contrast": (0.7, 0.7)}, colour.adjust_contrast, 0.7),
  ],
)
def test_bounds_that_meet_give_that_value(change, function, parameter):
  video = _noise(3, 2, 6, 6, low=0.3, high=0.6)
  np.testing.assert_allclose(
    _augment(video, _one_colour(**change)),
    colour.on_planes(
      lambda planes: function(planes, tf.fill([3], parameter)), video
    ),
    atol=1e-6,
  )


def test_hue_delta_bounds_the_turn():
  # Pure red turned by d of the circle is (1, 6 d, 0) for 0 <= d <= 1/6, and
  # (1, 0, -6 d) below.
  video = np.broadcast_to(
    np.array([1, 0, 0], np.float32), (_SAMPLES, 1, 1, 1, 3)
  )
  output = _augment(video, _one_colour(hue_delta=0.1)).reshape(-1, 3)
  turns = (output[:, 1] - output[:, 2]) / 6
  np.testing.assert_allclose(output[:, 0], 1, atol=1e-6)
  np.testing.assert_allclose(turns.min(), -0.1, atol=0.001)
  np.testing.assert_allclose(turns.max(), 0.1, atol=0.001)


def test_only_coloured_clips_are_cut():
  video = np.full((_SAMPLES, 1, 1, 1, 3), 1.5, np.float32)
  spec = _one_colour(contrast=(0.9, 1.1), colour_probability=0.5)
  output = _augment(video, spec)[:, 0, 0, 0, 0]
  assert set(np.unique(output)) == {1.0, 1.5}


def test_order_of_the_paper_and_of_the_released_code():
  video = _noise(2, 2, 24, 24)
  spec = _one_colour(
    saturation=(1.4, 1.4), blur_probability=1.0, blur_sigma=(1.0, 1.0)
  )

  def saturate(x):
    return colour.adjust_colour(x, saturation=tf.fill([2], 1.4))

  def soften(x):
    return blur.gaussian_blur(x, tf.fill([2], 1.0), 2)

  paper = soften(saturate(video))
  released = saturate(soften(video))
  assert np.abs(paper - released).max() > 0.01
  np.testing.assert_allclose(_augment(video, spec), paper, atol=1e-6)
  spec.order = pictures.Order.RELEASED
  np.testing.assert_allclose(_augment(video, spec), released, atol=1e-6)


def test_all_frames_of_a_clip_are_augmented_alike():
  video = np.repeat(_noise(6, 1, 24, 24), 3, axis=1)
  output = _augment(video, pictures.RgbAugmentation(random_convolution=True))
  for number in (1, 2):
    np.testing.assert_allclose(
      output[:, number], output[:, 0], rtol=0, atol=2e-6
    )


def test_random_convolution_is_the_last_operation():
  video = _noise(4, 1, 24, 24)
  spec = pictures.RgbAugmentation()
  before = _augment(video, spec)
  assert before.min() >= 0 and before.max() <= 1
  convolution = _none(random_convolution=True)
  expected = _augment(before, convolution)
  spec.random_convolution = True
  np.testing.assert_allclose(_augment(video, spec), expected, atol=2e-6)


def test_what_changes_nothing_is_not_in_the_graph():
  def operations(spec):
    def run(video):
      return rgb.augment(
        video,
        spec,
        seed=0,
        epoch=tf.zeros([2], tf.int64),
        sample_index=tf.range(2, dtype=tf.int64),
        view="narrow",
      )

    signature = tf.TensorSpec([2, 1, 24, 24, 3], tf.float32)
    graph = (
      tf.function(run, autograph=False).get_concrete_function(signature).graph
    )
    kinds = {operation.type for operation in graph.get_operations()}
    return kinds & {"ReverseV2", "BatchMatMulV2", "Mean"}

  assert operations(_none()) == set()
  assert operations(_none(flip_probability=0.5)) == {"ReverseV2"}
  assert operations(_none(blur_probability=1.0)) == {"BatchMatMulV2"}
  assert operations(_one_colour()) == set()
  assert operations(_one_colour(contrast=(0.5, 1.5))) == {"Mean"}
