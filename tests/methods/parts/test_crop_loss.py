"""NCE between crops; totals of released code and paper are in golden/stica."""

import numpy as np
import pytest
import tensorflow as tf

from tests import two_replicas
from tfvssl.methods.parts import contrastive
from tfvssl.methods.parts import crop_loss

_ALL, _RELEASED = crop_loss.Pairs.ALL, crop_loss.Pairs.RELEASED


def _embeddings(crops, seed, batch=5):
  z = tf.random.stateless_normal([batch, crops, 6], [seed, 1])
  return tf.math.l2_normalize(z, axis=-1)


def _terms(first, second, num_large, pairs=_ALL, detached=False):
  return crop_loss.terms(
    first, second, num_large, temperature=0.5, detached=detached, pairs=pairs
  )


def test_one_pair_is_the_nce_of_the_other_losses():
  first, second = _embeddings(1, 2), _embeddings(1, 3)
  expected = contrastive.loss(
    first[:, 0],
    second,
    tf.ones([5]),
    temperature=0.5,
    form=contrastive.Form.SYMMETRIC,
  )
  found = _terms(first, second, 1)
  assert found.shape == [2]
  np.testing.assert_allclose(tf.reduce_sum(found), expected, rtol=1e-6)


@pytest.mark.parametrize(
  # 2 ((m + n)^2 - n^2); STiCA app. 6.1.1.
  ("large", "small", "count"),
  [(2, 4, 40), (2, 1, 16), (4, 5, 112), (1, 0, 2), (2, 0, 8)],
)
def test_number_of_terms(large, small, count):
  crops = large + small
  terms = _terms(_embeddings(crops, 2), _embeddings(crops, 3), large)
  assert terms.shape == [count]


def test_two_small_crops_are_never_compared():
  first, second = tf.Variable(_embeddings(3, 2)), _embeddings(3, 3)
  terms = _terms(first, second, 1).numpy()
  expected = [
    crop_loss.directed(
      first[:, i : i + 1],
      second[:, j : j + 1],
      temperature=0.5,
      detached=False,
    )
    for i, j in ((0, 0), (0, 1), (0, 2), (1, 0), (2, 0))
  ]
  np.testing.assert_allclose(terms[:5], np.ravel(expected), rtol=1e-6)


@pytest.mark.parametrize("detached", [False, True])
def test_gradient_of_the_keys(detached):
  anchors, keys = tf.Variable(_embeddings(1, 2)), tf.Variable(_embeddings(1, 3))
  with tf.GradientTape() as tape:
    value = crop_loss.directed(
      anchors, keys, temperature=0.5, detached=detached
    )
  of_anchors, of_keys = tape.gradient(value, [anchors, keys])
  assert np.abs(of_anchors).max() > 0
  assert (of_keys is None) == detached


def test_released_small_crops_are_those_of_the_second_view():
  first, second = (tf.Variable(_embeddings(4, seed)) for seed in (2, 3))
  with tf.GradientTape() as tape:
    terms = _terms(first, second, 2, _RELEASED, detached=True)
    total = tf.reduce_sum(terms)
  assert terms.shape == [1 + 2 * 2]
  of_first, of_second = tape.gradient(total, [first, second])
  # Of the first view the second large crop alone, in the term of both.
  assert np.abs(of_first[:, 1]).max() > 0
  assert not np.any(of_first.numpy()[:, [0, 2, 3]])
  assert np.abs(of_second[:, 1:]).min(axis=(0, 2)).max() > 0
  assert not np.any(of_second.numpy()[:, 0])


def test_released_pairs_of_one_large_crop_are_none():
  z = _embeddings(1, 2)
  with pytest.raises(ValueError, match="pairs of 1 large crops and no small"):
    _terms(z, z, 1, _RELEASED)


def test_numbers_of_large_crops_are_checked():
  z = _embeddings(4, 2)
  with pytest.raises(ValueError, match=r"`num_large` \(0\) must be at least 1"):
    _terms(z, z, 0)
  with pytest.raises(ValueError, match="at most 2 large crops, not 3; take"):
    _terms(z, z, 3, _RELEASED)


def test_mean_and_sum_are_over_the_terms_of_all_families():
  terms = [tf.constant([1.0, 2.0]), tf.constant([6.0])]
  mean, total = (
    crop_loss.reduced(terms, reduction) for reduction in crop_loss.Reduction
  )
  assert (float(mean), float(total)) == (3.0, 9.0)


def test_compiled_equals_eager():
  first, second = _embeddings(3, 2), _embeddings(3, 3)
  compiled = tf.function(_terms, jit_compile=True, autograph=False)
  np.testing.assert_allclose(
    compiled(first, second, 2), _terms(first, second, 2), rtol=1e-5
  )


def test_two_replicas_equal_one(tmp_path):
  # 1e-6 of the largest: sums over the batch in another order.
  count = 3 * 2 * len(crop_loss.Pairs)
  two_replicas.check_equal(
    "tests.methods.parts.crops_on_replicas", tmp_path, count, 1e-6
  )
