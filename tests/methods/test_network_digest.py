"""A network's digest: of its weights and their order, of nothing else."""

import numpy as np
import tensorflow as tf

from tests.evaluate import grey_records
from tfvssl.methods import base
from tfvssl.methods import network_digest


def _digest(*values):
  network = tf.keras.Sequential()
  for _ in values:
    network.add(tf.keras.layers.Dense(2, use_bias=False))
  network.build([None, 2])
  network.set_weights([np.full([2, 2], value, np.float32) for value in values])
  encoder = base.Encoder(grey_records.plain_spec(), network, [])
  return network_digest.digest(encoder)


def test_equal_weights_have_one_digest_whatever_keras_calls_them():
  assert _digest(1, 2) == _digest(1, 2)
  assert len(_digest(1)) == 64
  assert len({_digest(1, 2), _digest(2, 1), _digest(1, 3), _digest(1)}) == 4
