import numpy as np
import pytest
import tensorflow as tf

from tfvssl.methods.parts import losses


def test_regression_loss_by_hand():
  prediction = tf.constant([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
  target = tf.constant([[5.0, 0.0], [4.0, 0.0], [2.0, 0.0]])
  # Same direction, right angle, opposite.
  np.testing.assert_allclose(
    losses.regression_loss(prediction, target), [0, 2, 4], atol=1e-6
  )


def test_regression_loss_ignores_lengths_and_is_symmetric():
  h = tf.random.stateless_normal([5, 8], [0, 1])
  z = tf.random.stateless_normal([5, 8], [0, 2])
  loss = losses.regression_loss(h, z)
  np.testing.assert_allclose(losses.regression_loss(7 * h, z), loss, rtol=1e-5)
  np.testing.assert_allclose(losses.regression_loss(z, h), loss, rtol=1e-6)


def test_zero_vectors_give_numbers():
  h, z = tf.zeros([1, 4]), tf.constant([[0.0, 2.0, 0.0, 0.0]])
  for prediction, target in ((h, z), (z, h), (h, h)):
    with tf.GradientTape() as tape:
      tape.watch(prediction)
      loss = losses.regression_loss(prediction, target)
    assert np.isfinite(loss).all()
    assert np.isfinite(tape.gradient(loss, prediction)).all()


def test_gradient_stops_at_the_target_only():
  h, z = tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 1.0]])
  with tf.GradientTape(persistent=True) as tape:
    tape.watch([h, z])
    loss = losses.regression_loss(h, z)
  assert tape.gradient(loss, z) is None
  # d/dh ||h/|h| - t||^2 = -2 (t - (t.u) u) / |h|.
  u, t = h / tf.norm(h), z / tf.norm(z)
  expected = -2 * (t - tf.reduce_sum(t * u) * u) / tf.norm(h)
  np.testing.assert_allclose(tape.gradient(loss, h), expected, rtol=1e-5)


def test_loss_is_float32_under_bfloat16():
  h = tf.constant([[1.0, 0.0]], tf.bfloat16)
  assert losses.regression_loss(h, h).dtype == tf.float32


def test_narrow_predicts_the_mean_of_unnormalised_broad_embeddings():
  z_broad = [tf.constant([[4.0, 0.0]]), tf.constant([[0.0, 2.0]])]
  target = tf.constant([[2.0, 1.0]])
  directions = losses.brave_loss(
    tf.constant([[4.0, 2.0]]), target, z_broad, z_broad
  )
  np.testing.assert_allclose(directions.narrow_to_broad, [0.0], atol=1e-6)
  expected = np.mean([losses.regression_loss(z, target) for z in z_broad])
  np.testing.assert_allclose(directions.broad_to_narrow, [expected], rtol=1e-6)


def test_one_broad_view_is_the_pair_of_regressions():
  h_n, z_n, h_b, z_b = tf.unstack(tf.random.stateless_normal([4, 3, 8], [0, 1]))
  directions = losses.brave_loss(h_n, z_n, [h_b], [z_b])
  np.testing.assert_array_equal(
    directions.narrow_to_broad, losses.regression_loss(h_n, z_b)
  )
  np.testing.assert_array_equal(
    directions.broad_to_narrow, losses.regression_loss(h_b, z_n)
  )


def test_loss_of_predicting_the_mean():
  opposite = tf.constant([[1.0, 0.0], [-3.0, 0.0]])
  np.testing.assert_allclose(losses.mean_embedding_loss(opposite), 2.0)
  np.testing.assert_allclose(
    losses.mean_embedding_loss(tf.constant([[1.0, 1.0], [4.0, 4.0]])),
    0.0,
    atol=1e-6,
  )
  right_angle = tf.constant([[1.0, 0.0], [0.0, 1.0]])
  np.testing.assert_allclose(
    losses.mean_embedding_loss(right_angle), 2 - np.sqrt(2), rtol=1e-6
  )


def test_no_constant_prediction_is_better_than_the_mean():
  z = tf.random.stateless_normal([16, 4], [0, 1]) + 1.0
  bound = losses.mean_embedding_loss(z)
  mean = tf.reduce_mean(losses.unit(z), axis=0)
  for prediction in (mean, z[0], tf.ones([4])):
    constant = tf.broadcast_to(prediction, z.shape)
    loss = tf.reduce_mean(losses.regression_loss(constant, z))
    assert loss >= bound - 1e-6


def test_embedding_std_from_collapsed_to_even():
  np.testing.assert_allclose(
    losses.embedding_std(tf.constant([[1.0, 2.0], [3.0, 6.0]])),
    0.0,
    atol=1e-3,  # The root of a variance of 1e-7.
  )
  axes = tf.concat([tf.eye(4), -2.0 * tf.eye(4)], axis=0)
  np.testing.assert_allclose(losses.embedding_std(axes), 1.0, rtol=1e-6)


def test_collapse_is_measured_of_every_view():
  z = tf.constant([[2.0, 0.0], [0.0, 3.0]])
  targets = {
    "audio": tf.constant([[5.0, 0.0], [1.0, 0.0]]),  # one direction
    "flow": tf.constant([[-1.0, 0.0], [4.0, 0.0]]),  # two opposite ones
  }
  found = losses.collapse("narrow", z, targets, scale=0.25)
  assert list(found) == [
    "embedding_std/audio",
    "embedding_std/flow",
    "loss/mean_embedding",
    "embedding_std/narrow",
    "effective_rank/narrow",
  ]
  # Of unit z the mean is (1/2, 1/2), of length 2^-1/2: 2 - 2^1/2, for each of
  # the targets; theirs are 2 - 2 and 2 - 0.
  expected = 0.25 * (2 * (2 - 2**0.5) + 0 + 2)
  assert float(found["loss/mean_embedding"]) == pytest.approx(expected)
  assert float(found["embedding_std/audio"]) == pytest.approx(0, abs=1e-6)
  assert float(found["embedding_std/flow"]) == pytest.approx(1)
  # Variances of 1/4 in both directions.
  assert float(found["embedding_std/narrow"]) == pytest.approx(0.5**0.5)
  # z - mean is (1, -1.5) and its opposite: one direction.
  assert float(found["effective_rank/narrow"]) == pytest.approx(1)


def test_what_is_only_looked_at_has_no_gradient():
  z = tf.constant([[2.0, 0.0], [0.0, 3.0]])
  with tf.GradientTape() as tape:
    tape.watch(z)
    found = losses.collapse("narrow", z, {"audio": 2 * z})
    total = tf.add_n(list(found.values()))
  assert tape.gradient(total, z) is None
  np.testing.assert_array_equal(losses.whole_batch(z), z)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_effective_rank_counts_equal_directions(rank):
  axes = tf.eye(4)[:rank]
  z = 5.0 + tf.concat([axes, -axes], axis=0)
  np.testing.assert_allclose(losses.effective_rank(z), rank, rtol=1e-5)


def test_effective_rank_of_one_point():
  np.testing.assert_array_equal(losses.effective_rank(tf.ones([3, 4])), 0.0)
