"""Where crops of a feature map lie; their values are in golden/stica."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.methods.parts import feature_crop
from tfvssl.runtime import randomness

_UNIFORM, _RELEASED = feature_crop.Places.UNIFORM, feature_crop.Places.RELEASED


def _keys(clips, view="narrow"):
  return randomness.key(0, 0, tf.range(clips), view, "space")


def _starts(sizes, lengths, places, clips=4000):
  keys = _keys(clips)
  return feature_crop.draw_starts(keys, sizes, lengths, places).numpy()


@pytest.mark.parametrize(
  ("places", "large", "small"), [(_UNIFORM, 2, 4), (_RELEASED, 1, 3)]
)
def test_every_place_is_as_likely(places, large, small):
  starts = _starts([6, 4], (7, 7), places)
  assert starts.shape == (4000, 2, 2) and starts.dtype == np.int32
  for crop, count in enumerate((large, small)):
    pairs = starts[:, crop] @ [count, 1]
    found = np.bincount(pairs, minlength=count**2)
    assert len(found) == count**2
    # Of 4000 draws, five standard deviations.
    share = 4000 / count**2
    assert np.abs(found - share).max() <= 5 * np.sqrt(share)


def test_released_large_crops_in_time_never_move():
  starts = _starts([3, 3, 2], (4,), _RELEASED)
  assert not starts[:, :2].any()
  assert set(np.ravel(starts[:, 2])) == {0, 1}
  # Of 8 steps: two places of 6, and four of 4.
  starts = _starts([6, 4], (8,), _RELEASED)
  assert set(np.ravel(starts[:, 0])) == {0, 1}
  assert set(np.ravel(starts[:, 1])) == {0, 1, 2, 3}


def test_a_crop_of_everything_has_one_place():
  for places in feature_crop.Places:
    assert not _starts([7], (7, 7), places, clips=9).any()


def test_crops_of_a_clip_depend_on_the_clip_alone():
  starts = feature_crop.draw_starts(_keys(6), [4, 4], (7, 7), _UNIFORM)
  part = feature_crop.draw_starts(_keys(6)[4:], [4, 4], (7, 7), _UNIFORM)
  np.testing.assert_array_equal(starts[4:], part)
  other = _keys(6, "broad")
  assert np.any(
    starts != feature_crop.draw_starts(other, [4, 4], (7, 7), _UNIFORM)
  )
  # Crops of one clip are drawn one by one, and may coincide.
  assert np.any(starts[:, 0] != starts[:, 1])


def _map(batch=3, steps=4, side=5, channels=2):
  return tf.random.stateless_normal(
    [batch, steps, side, side + 1, channels], [1, 2]
  )


def test_crop_in_space_is_the_mean_of_its_slice():
  feature_map, sizes = _map(), [4, 2, 2]
  starts = np.array(
    [[[0, 0], [3, 4], [1, 2]], [[1, 2], [0, 0], [3, 0]], [[1, 1]] * 3]
  )
  found = feature_crop.crop_space(
    feature_map, tf.constant(starts, tf.int32), sizes
  )
  for clip, crop in np.ndindex(3, 3):
    y, x = starts[clip, crop]
    slices = feature_map[clip, :, y : y + sizes[crop], x : x + sizes[crop]]
    np.testing.assert_allclose(
      found[clip, crop], np.mean(slices, (1, 2)), rtol=1e-5, atol=1e-6
    )


def test_crop_in_time_is_shorter():
  feature_map, sizes = _map(), [3, 2]
  starts = np.array([[[0], [2]], [[1], [0]], [[1], [1]]])
  found = feature_crop.crop_time(
    feature_map, tf.constant(starts, tf.int32), sizes
  )
  tokens = np.mean(feature_map, (2, 3))
  for clip, crop in np.ndindex(3, 2):
    first = starts[clip, crop, 0]
    np.testing.assert_allclose(
      found[crop][clip], tokens[clip, first : first + sizes[crop]], rtol=1e-5
    )


def test_gradient_reaches_what_is_inside_alone():
  feature_map = tf.Variable(_map())
  starts = tf.ones([3, 1, 2], tf.int32)
  with tf.GradientTape() as tape:
    total = tf.reduce_sum(feature_crop.crop_space(feature_map, starts, [2]))
  gradient = tape.gradient(total, feature_map).numpy()
  expected = np.zeros(gradient.shape)
  expected[:, :, 1:3, 1:3] = 1 / 4
  np.testing.assert_allclose(gradient, expected)


@pytest.mark.parametrize(
  ("length", "windows"),
  [
    (3, [[0], [0, 1], [1, 2], [2]]),
    (2, [[0], [0], [1], [1]]),
    (8, [[0, 1], [2, 3], [4, 5], [6, 7]]),
    (4, [[0], [1], [2], [3]]),
  ],
)
def test_windows_of_a_stretched_sequence(length, windows):
  tokens = tf.random.stateless_normal([2, length, 3], [3, 4])
  expected = [np.mean(tokens.numpy()[:, x], axis=1) for x in windows]
  np.testing.assert_allclose(
    feature_crop.stretch(tokens, 4), np.stack(expected, 1), rtol=1e-5
  )


def test_compiled_equals_eager():
  feature_map = _map()

  def crops():
    sizes = [4, 2]
    starts = feature_crop.draw_starts(_keys(3), sizes, (5, 5), _UNIFORM)
    times = feature_crop.draw_starts(_keys(3), [3], (4,), _UNIFORM)
    in_time = feature_crop.crop_time(feature_map, times, [3])
    return [feature_crop.crop_space(feature_map, starts, sizes), *in_time]

  compiled = tf.function(crops, jit_compile=True, autograph=False)
  for found, expected in zip(compiled(), crops(), strict=True):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def _family(**changes):
  return feature_crop.Family(
    **{
      "large": 2,
      "large_size": 6,
      "small": 4,
      "small_size": 4,
      **changes,
    }
  )


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"large": -1}, r"`space.large` \(-1\) must be 0 or more, and"),
    ({"small_size": 0}, r"`space.small_size` \(0\) 1 or more"),
    ({"large": 0}, r"`space.large` \(0\) must be 1 or more where there are"),
    ({"large_size": 3}, r"`space.large_size` \(3\) must be at least"),
  ],
)
def test_rules_of_a_family(changes, message):
  with pytest.raises(ValueError, match=message):
    _family(**changes).validate("space")


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"large_size": 8}, r"`space.large_size` \(8\) must be at most 7"),
    ({"large": 5}, r"`space.large` \(5\) must be at most 4, the places that"),
    ({"small": 17}, r"`space.small` \(17\) must be at most 16"),
  ],
)
def test_crops_must_fit(changes, message):
  with pytest.raises(ValueError, match=message):
    _family(**changes).check_fits("space", (7, 7))


def test_families_of_the_paper_are_valid():
  for family, lengths in (
    (feature_crop.space_family(), (7, 7)),
    (feature_crop.time_family(), (4,)),
  ):
    family.validate("family")
    family.check_fits("family", lengths)
  assert feature_crop.time_family().sizes == [3, 3, 2]
  _family(small=0, large=0).check_fits("none", (1, 1))
