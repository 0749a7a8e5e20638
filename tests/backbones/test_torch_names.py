"""PyTorch's order of axes; the names are tested in golden/stica."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import basic_resnet
from tfvssl.backbones import torch_names


def test_array_is_laid_in_our_order():
  variable = tf.Variable(tf.zeros([1, 2, 3, 4, 5]))
  weight = torch_names.Weight(variable, (3, 2, 1, 0))
  assert weight.shape == (5, 4, 3, 2)
  array = np.arange(120, dtype=np.float32).reshape(weight.shape)
  weight.assign(array)
  for out, channel, height, width in np.ndindex(*weight.shape):
    found = variable[0, width, height, channel, out]
    assert found == array[out, channel, height, width]


def test_linear_layer_with_and_without_bias():
  layer = tf.keras.layers.Dense(3)
  layer(tf.zeros([1, 2]))
  weights = torch_names.of_linear("a", layer)
  assert {n: w.shape for n, w in weights.items()} == {
    "a.weight": (3, 2),
    "a.bias": (3,),
  }
  layer = tf.keras.layers.Dense(3, use_bias=False)
  layer(tf.zeros([1, 2]))
  assert list(torch_names.of_linear("a", layer)) == ["a.weight"]


def test_network_without_weights_is_refused():
  network = basic_resnet.BasicR3DConfig(blocks=(1,)).build("x")
  with pytest.raises(ValueError, match="layer 'stem' has no weights yet; call"):
    network.torch_weights()
