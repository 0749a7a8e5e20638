"""Audio ResNet against the released network."""

import pytest
import tensorflow as tf

from tests.golden import backbone_reference
from tfvssl.backbones import resnet_audio


@pytest.fixture(scope="module", params=["audio_resnet50"])
def result(request, golden):
  arrays = golden(request.param)
  arguments = backbone_reference.config_arguments(
    arrays, "~/block_group_{unit}/block_{block}/"
  )
  backbone = resnet_audio.AudioResNetConfig(**arguments).build("audio")
  log_mel = tf.constant(arrays["input"])
  return backbone_reference.run(arrays, backbone, log_mel)


def test_published_names_are_those_of_the_file(result):
  assert result.names == list(result.arrays["param_names"])


def test_embeddings(result):
  backbone_reference.check_embeddings(result)


def test_endpoints(result):
  backbone_reference.check_endpoints(result)


def test_moving_statistics_and_gradients(result):
  backbone_reference.check_training(result)
