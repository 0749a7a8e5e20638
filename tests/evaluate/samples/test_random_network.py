"""Calibration gives the statistics of the data and leaves the weights."""

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.data.records import reader
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import random_network
from tfvssl.methods import base
from tfvssl.runtime import exit_codes


@pytest.fixture(scope="module")
def records(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  grey_records.bright_and_dark(folder, 16)
  return reader.open_records(folder, {views.Modality.RGB})


def test_statistics_become_those_of_the_training_views(records):
  settings = grey_records.settings(batch_size=8)
  norm = tf.keras.layers.BatchNormalization(momentum=0.9)
  encoder = base.Encoder(
    settings.spec,
    tf.keras.Sequential([norm, tf.keras.layers.GlobalAveragePooling3D()]),
    [],
  )
  random_network.calibrate(encoder, records, settings)
  means = features.training_features(
    grey_records.mean_colour_encoder(settings.spec), records, settings, 2
  ).mean(axis=1)
  np.testing.assert_allclose(norm.moving_mean, means.mean(axis=0), atol=0.03)
  np.testing.assert_allclose(norm.moving_variance, means.var(axis=0), rtol=0.2)
  np.testing.assert_array_equal(norm.gamma, np.ones(3))
  np.testing.assert_array_equal(norm.beta, np.zeros(3))


def test_initial_statistics_are_forgotten():
  assert 0.9**random_network.CALIBRATION_PASSES < 2e-3


def test_lost_shard_ends_in_one_line(tmp_path):
  grey_records.bright_and_dark(tmp_path, 4)
  records = reader.open_records(tmp_path, {views.Modality.RGB})
  settings = grey_records.settings()
  encoder = grey_records.mean_colour_encoder(settings.spec)
  (tmp_path / records.manifest.shards[1].file).unlink()
  for read in (
    lambda: random_network.calibrate(encoder, records, settings),
    lambda: features.training_features(encoder, records, settings, 1),
    lambda: features.test_features(encoder, records, settings),
  ):
    with pytest.raises(exit_codes.UserError, match="tfrecord is missing"):
      read()
