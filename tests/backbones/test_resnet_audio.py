import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import resnet_audio
from tfvssl.backbones import resnet_v2


def _small():
  config = resnet_audio.AudioResNetConfig(blocks=(1, 1), width=0.125)
  return config.build("audio")


def test_number_of_parameters_is_the_released_one():
  backbone = resnet_audio.AudioResNetConfig().build("audio")
  assert backbone(tf.zeros([1, 8, 8])).shape[-1] == backbone.output_dim
  sizes = [np.prod(v.shape) for v in backbone.trainable_variables]
  # Source: counted in the released network.
  assert sum(sizes) == 23_494_080


def test_time_is_the_height_of_the_image():
  endpoints = _small().endpoints(tf.zeros([2, 96, 80]))
  assert {name: e.shape.as_list() for name, e in endpoints.items()} == {
    "resnet_stem": [2, 24, 20, 8],
    "resnet_unit_0": [2, 24, 20, 32],
    "resnet_unit_1": [2, 12, 10, 64],
    "last_conv": [2, 12, 10, 64],
  }


def test_published_names_cover_every_variable_once():
  backbone = _small()
  backbone(tf.zeros([2, 30, 20]))
  named = backbone.haiku_variables("broad_audio_embedding/res_net_v2")
  assert len(named) == len(backbone.variables)
  path = "broad_audio_embedding/res_net_v2/~/block_group_1/block_0"
  block = backbone.units[1][0]
  assert named[f"{path}/~/shortcut_conv/w"] is block.shortcut_conv.kernel
  assert named[f"{path}/batch_norm_1/scale"] is block.norms[1].gamma


def test_network_without_endpoints():
  network = resnet_v2.ResNetV2(
    resnet_audio.AudioResNetConfig(blocks=(1,), width=0.125), "base"
  )
  with pytest.raises(TypeError, match="ResNetV2 defines no `endpoints`"):
    network.endpoints(tf.zeros([1, 8, 8, 3]))
