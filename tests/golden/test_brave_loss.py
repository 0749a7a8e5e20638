"""The loss against the released `_regression_loss` and the paper's rule.

Released terms are half of the paper's. Rows of the file: a prediction that is
a multiple of its target, an opposite one, a zero target, a prediction below
the smallest norm.
"""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.methods.parts import losses

# Sums of 128 float32 products; values are of order 1.
_TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def arrays(golden):
  return golden("brave_loss")


def _pairs(arrays, prefix, pattern=r"(\w+)_to_(\w+)"):
  pairs = {
    key: re.fullmatch(pattern, key.removeprefix(prefix)).groups()
    for key in arrays
    if key.startswith(prefix) and "total" not in key
  }
  assert pairs
  return pairs.items()


def _released(arrays, prediction, target):
  return 0.5 * losses.regression_loss(
    tf.constant(arrays[f"h_{prediction}"]), arrays[f"z_{target}"]
  )


def test_loss_per_example(arrays):
  for key, (source, target) in _pairs(arrays, "ref_per_example_"):
    np.testing.assert_allclose(
      _released(arrays, source, target), arrays[key], atol=_TOLERANCE
    )


def test_mean_loss(arrays):
  for key, (source, target) in _pairs(arrays, "ref_loss_"):
    np.testing.assert_allclose(
      np.mean(_released(arrays, source, target)),
      arrays[key],
      atol=_TOLERANCE,
    )


def test_gradient(arrays):
  pattern = r"h_\w+_of_(\w+)_to_(\w+)"
  for key, (source, target) in _pairs(arrays, "ref_grad_", pattern):
    prediction = tf.constant(arrays[f"h_{source}"])
    with tf.GradientTape() as tape:
      tape.watch(prediction)
      loss = 0.5 * tf.reduce_mean(
        losses.regression_loss(prediction, arrays[f"z_{target}"])
      )
    # The row below the smallest norm has a gradient of order 1e4.
    np.testing.assert_allclose(
      tape.gradient(loss, prediction), arrays[key], rtol=1e-5, atol=1e-7
    )


def _directions(arrays, count):
  broad = [f"b{k}" for k in range(1, count + 1)]
  directions = losses.brave_loss(
    arrays["h_n"],
    arrays["z_n"],
    [arrays[f"h_{name}"] for name in broad],
    [arrays[f"z_{name}"] for name in broad],
  )
  return [float(tf.reduce_mean(direction)) for direction in directions]


def test_released_total_of_one_view(arrays):
  ours = 0.5 * np.mean(_directions(arrays, 1))
  np.testing.assert_allclose(
    ours, arrays["ref_loss_total_one_view"], atol=_TOLERANCE
  )


def test_released_total_of_two_modalities(arrays):
  second = losses.brave_loss(
    arrays["h_n"], arrays["z_n"], [arrays["h_b2"]], [arrays["z_b2"]]
  )
  terms = [*_directions(arrays, 1), *map(tf.reduce_mean, second)]
  np.testing.assert_allclose(
    0.5 * np.mean(terms),
    arrays["ref_loss_total_two_modalities"],
    atol=_TOLERANCE,
  )


def test_several_views_of_one_modality(arrays):
  counts = {
    int(match[1])
    for key in arrays
    if (match := re.match(r"paper_K(\d+)_", key))
  }
  assert counts
  for count in counts:
    narrow_to_broad, broad_to_narrow = _directions(arrays, count)
    total = narrow_to_broad + broad_to_narrow
    # The file's terms have the released factor 0.5; its totals have both.
    for key, ours in (
      ("loss_n_to_b", 0.5 * narrow_to_broad),
      ("loss_b_to_n", 0.5 * broad_to_narrow),
      ("total_code_scale", 0.25 * total),
      ("total_paper_scale", total),
    ):
      np.testing.assert_allclose(
        ours, arrays[f"paper_K{count}_{key}"], rtol=_TOLERANCE, err_msg=key
      )
