"""TSM-ResNet against the released network."""

import pytest
import tensorflow as tf

from tests.golden import backbone_reference
from tfvssl.backbones import tsm_resnet


@pytest.fixture(
  scope="module",
  params=["tsm50_narrow", "tsm50_narrow_odd", "tsm50x2_narrow"],
)
def result(request, golden):
  arrays = golden(request.param)
  arguments = backbone_reference.config_arguments(
    arrays, "tsm_resnet_unit_{unit}/block_{block}/"
  )
  backbone = tsm_resnet.TSMResNetConfig(**arguments).build("narrow_backbone")
  video = tf.cast(arrays["input"], tf.float32) * (1.0 / 255.0)
  return backbone_reference.run(arrays, backbone, video)


def test_published_names_are_those_of_the_file(result):
  assert result.names == list(result.arrays["param_names"])


def test_embeddings(result):
  backbone_reference.check_embeddings(result)


def test_endpoints(result):
  backbone_reference.check_endpoints(result)


def test_moving_statistics_and_gradients(result):
  backbone_reference.check_training(result)
