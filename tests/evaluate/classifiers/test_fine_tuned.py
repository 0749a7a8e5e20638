"""Dropout of features, which hangs on seed, epoch and clip.

What is trained by it stands in tests/evaluate/protocols/test_finetune.py.
"""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.evaluate.classifiers import fine_tuned


def test_dropout_keeps_the_mean_and_repeats():
  view = views.View(
    epoch=tf.constant([0, 0, 1], tf.int64),
    sample_index=tf.constant([5, 6, 5], tf.int64),
  )
  factors = fine_tuned.dropout_factors(0.8, 4000, view, seed=3).numpy()
  assert set(np.unique(factors)) == {0.0, np.float32(1 / (1 - 0.8))}
  # Binomial, 4000 draws: 3 standard deviations of the share are 0.019.
  np.testing.assert_allclose((factors > 0).mean(axis=1), 0.2, atol=0.019)
  assert not np.array_equal(factors[0], factors[1])
  assert not np.array_equal(factors[0], factors[2])
  again = fine_tuned.dropout_factors(0.8, 4000, view, seed=3).numpy()
  np.testing.assert_array_equal(factors, again)
  assert (fine_tuned.dropout_factors(0.0, 9, view, 3).numpy() == 1.0).all()
