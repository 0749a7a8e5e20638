"""Known answers, distributions, and what a draw may depend on."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.runtime import randomness


def _both(function, *arguments):
  """Returns the results without and with XLA as arrays."""
  return [
    tf.function(function, jit_compile=jit_compile, autograph=False)(
      *arguments
    ).numpy()
    for jit_compile in (False, True)
  ]


def _keys(count, operation="flip", seed=0):
  samples = tf.range(count, dtype=tf.int64)
  return randomness.key(
    seed, tf.zeros_like(samples), samples, "narrow", operation
  )


# Random123, kat_vectors: threefry2x32 with 20 rounds; counter, key, result.
@pytest.mark.parametrize(
  "counter, key, expected",
  [
    ([0, 0], [0, 0], [0x6B200159, 0x99BA4EFE]),
    ([2**32 - 1] * 2, [2**32 - 1] * 2, [0x1CB996FC, 0xBB002BE7]),
    (
      [0x243F6A88, 0x85A308D3],
      [0x13198A2E, 0x03707344],
      [0xC4923A9C, 0x483DF7A0],
    ),
  ],
)
def test_threefry_gives_the_published_answers(counter, key, expected):
  for result in _both(
    randomness.threefry,
    tf.constant(key, tf.uint32),
    tf.constant(counter, tf.uint32),
  ):
    assert result.tolist() == expected


def test_xla_draws_the_same():
  keys = _keys(500)
  for draw in (
    lambda x: randomness.bits(x, (3,)),
    lambda x: randomness.uniform(x, (3,)),
    lambda x: randomness.uniform_int(x, 7, (3,)),
  ):
    plain, xla = _both(draw, keys)
    np.testing.assert_array_equal(plain, xla)
  # Scaled, the compiler may fuse multiplication and addition.
  plain, xla = _both(lambda x: randomness.uniform(x, (3,), 0.1, 2.0), keys)
  np.testing.assert_allclose(plain, xla, rtol=2e-7)
  plain, xla = _both(lambda x: randomness.truncated_normal(x, (3,)), keys)
  np.testing.assert_allclose(plain, xla, rtol=0, atol=2e-6)


def test_every_part_of_the_key_counts():
  parts = {
    "seed": 1,
    "epoch": tf.constant([2], tf.int64),
    "sample_index": tf.constant([3], tf.int64),
    "view": "narrow",
    "operation": "flip",
  }
  changes = [
    {},
    {"seed": 2},
    {"seed": 1 + 2**32},
    {"seed": -1},
    {"epoch": tf.constant([3], tf.int64)},
    {"sample_index": tf.constant([2], tf.int64)},
    {"sample_index": tf.constant([3 + 2**32], tf.int64)},
    {"view": "broad"},
    {"operation": "hue"},
    {"epoch": tf.constant([3], tf.int64), "sample_index": parts["epoch"]},
  ]
  seen = {
    tuple(randomness.key(**{**parts, **change})[0].numpy())
    for change in changes
  }
  assert len(seen) == len(changes)


def test_a_draw_does_not_depend_on_its_batch():
  whole = randomness.uniform(_keys(6), (4,)).numpy()
  for index in range(6):
    alone = randomness.key(0, 0, index, "narrow", "flip")
    np.testing.assert_array_equal(randomness.uniform(alone, (4,)), whole[index])


def test_more_draws_of_a_key_begin_with_the_fewer():
  keys = _keys(5)
  np.testing.assert_array_equal(
    randomness.bits(keys, (9,))[:, :4], randomness.bits(keys, (4,))
  )
  np.testing.assert_array_equal(
    tf.reshape(randomness.bits(keys, (2, 3)), [5, 6]),
    randomness.bits(keys, (6,)),
  )


def test_keys_of_several_operations_are_the_single_ones():
  samples = tf.range(4, dtype=tf.int64)
  operations = ("flip", "hue", "blur")
  keys = randomness.keys(7, samples + 1, samples, "broad", operations)
  for number, operation in enumerate(operations):
    np.testing.assert_array_equal(
      keys[:, number],
      randomness.key(7, samples + 1, samples, "broad", operation),
    )


def test_a_seed_may_be_a_tensor():
  np.testing.assert_array_equal(
    _keys(3, seed=5), _keys(3, seed=tf.constant(5, tf.int64))
  )


@pytest.mark.parametrize("shape", [(20_000, ()), (20, (1000,))])
def test_uniform_is_uniform(shape):
  count, inner = shape
  values = randomness.uniform(_keys(count), inner).numpy().ravel()
  assert values.min() >= 0 and values.max() < 1
  counts = np.histogram(values, bins=50, range=(0, 1))[0]
  # Chi-square with 49 degrees of freedom: 95 is passed once in 10^4.
  assert np.sum((counts - 400) ** 2 / 400) < 95


def test_uniform_keeps_its_bounds():
  values = randomness.uniform(_keys(20_000), (), -0.2, 0.6).numpy()
  assert -0.2 <= values.min() < -0.199 and 0.599 < values.max() <= 0.6
  np.testing.assert_allclose(values.mean(), 0.2, atol=4 * 0.8 / 12**0.5 / 141)


def test_uniform_int_gives_every_number_equally_often():
  counts = np.bincount(randomness.uniform_int(_keys(12_000), 6).numpy())
  assert len(counts) == 6
  # Chi-square with 5 degrees of freedom: 26 is passed once in 10^4.
  assert np.sum((counts - 2000) ** 2 / 2000) < 26


def test_uniform_int_takes_an_upper_bound_per_key():
  upper = np.array([1, 2, 1000, 2**31 - 1])
  values = randomness.uniform_int(_keys(4), upper).numpy()
  assert values[0] == 0 and (values >= 0).all() and (values < upper).all()


def test_truncated_normal_has_its_spread_and_bounds():
  values = randomness.truncated_normal(_keys(100), (500,)).numpy()
  assert np.abs(values).max() <= 2
  np.testing.assert_allclose(values.mean(), 0, atol=4 * 0.88 / 50_000**0.5)
  np.testing.assert_allclose(values.std(), 0.87962566, rtol=0.01)
  # Half of the mass, by the normal's quantile at 0.5 + 0.9545 / 4.
  np.testing.assert_allclose(np.mean(np.abs(values) < 0.6391), 0.5, atol=0.01)


def test_operations_are_not_correlated():
  names = ("flip", "colour", "brightness", "hue")
  draws = [randomness.uniform(_keys(10_000, name)).numpy() for name in names]
  draws.append(np.roll(draws[0], 1))  # neighbours in the same operation
  correlation = np.corrcoef(draws) - np.eye(len(draws))
  assert np.abs(correlation).max() < 0.04  # four standard errors


def test_threefry_is_the_same_in_a_graph_and_says_nothing(caplog):
  for size in range(1, 9):  # as many shapes as TensorFlow would warn of
    words = tf.cast(tf.range(4 * size), tf.uint32)
    key, counter = tf.reshape(words, [2, size, 2])
    found = tf.function(randomness.threefry, autograph=False)(key, counter)
    np.testing.assert_array_equal(randomness.threefry(key, counter), found)
  assert caplog.records == []
