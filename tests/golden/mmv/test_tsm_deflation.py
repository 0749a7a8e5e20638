"""Naive deflation of TSM-50 and the still clip, with the released network."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.mmv import parameters
from tfvssl.backbones import deflation
from tfvssl.backbones import tsm_resnet


@pytest.fixture(scope="module")
def result(mmv_golden, mmv_seed):
  """The file, and what we have for its keys."""
  arrays = mmv_golden("tsm50_deflation")
  images = parameters.video(arrays["images"])[:, tf.newaxis]
  still = tf.repeat(images, int(arrays["T"]), axis=1)
  backbone = tsm_resnet.TSMResNetConfig()
  network = parameters.network(backbone, parameters.TSM_ROOT, still, mmv_seed)
  deflated = deflation.deflate(network, backbone, "deflated")
  return arrays, {
    "inflated": network(still).numpy(),
    "naive_deflated": deflated(images).numpy(),
  }


@pytest.mark.parametrize("key", ["inflated", "naive_deflated"])
def test_representation(result, key):
  arrays, ours = result
  # As in evaluation: 1.9e-6 of 5.
  parameters.check_close(ours[key], arrays[key], atol=2e-6, name=key)


def test_first_loss_of_trained_deflation(result):
  arrays, ours = result
  difference = ours["naive_deflated"] - ours["inflated"]
  np.testing.assert_allclose(
    np.abs(difference).mean(), arrays["l1_mean"], rtol=1e-5
  )
