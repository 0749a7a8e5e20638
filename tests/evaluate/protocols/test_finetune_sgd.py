"""Fine-tuning by SGD: the update, the falling rate, and what is learnt."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from tests.evaluate import grey_records
from tfvssl.backbones import tsm_resnet
from tfvssl.config import pictures
from tfvssl.config import protocols
from tfvssl.evaluate.protocols import finetune_sgd
from tfvssl.methods import base
from tfvssl.methods import mmv
from tfvssl.optim import sgd

_RECIPE = protocols.FineTuneSgd(
  steps=40,
  decay_steps=(20, 30),
  learning_rate=0.1,
  batch_size=4,
  image_size=16,
  test_short_side=18,
)


def _protocol(recipe=_RECIPE):
  spec = finetune_sgd.view_of(grey_records.plain_spec(), recipe)
  settings = grey_records.settings(spec, test_short_side=18)
  return finetune_sgd.FineTuneSgdProtocol("video", settings, recipe=recipe)


def test_defaults_are_those_of_table_5():
  recipe = protocols.FineTuneSgd()
  found = finetune_sgd.rate_in_steps(recipe)
  rates = [float(found(step)) for step in (0, 2499, 2500, 5000, 7500, 9999)]
  np.testing.assert_allclose(rates, [1, 1, 0.1, 0.01, 1e-3, 1e-3], rtol=1e-6)
  other = protocols.FINE_TUNE_SGD_UCF101
  assert (other.steps, other.weight_decay, other.learning_rate) == (
    25_000,
    1e-7,
    1.0,
  )
  spec = finetune_sgd.view_of(mmv.video_view(), recipe)
  assert (spec.image_size, spec.num_frames) == (256, 32)
  assert spec.crop == pictures.JitterCrop(scale=(0.8, 1.2), share=1.0)


def test_momentum_everywhere_and_decay_of_the_classifier_alone():
  kernels = [
    tf.Variable([[0.0]], name=name)
    for name in ("backbone/linear/kernel", "linear_head/linear/kernel")
  ]
  for kernel in kernels:
    kernel.assign([[2.0]])
  optimizer = sgd.SgdConfig(weight_decay=0.5).build(0.1, kernels)
  expected, speed = [2.0, 2.0], [0.0, 0.0]
  for _ in range(3):
    optimizer.apply_gradients((tf.constant([[3.0]]), k) for k in kernels)
    for i, decay in enumerate((0.0, 0.5)):
      speed[i] = 0.9 * speed[i] - 0.1 * (3.0 + decay * expected[i])
      expected[i] += speed[i]
  np.testing.assert_allclose(
    [float(kernel[0, 0]) for kernel in kernels], expected, rtol=1e-6
  )


@pytest.mark.parametrize(
  ("settings", "message"),
  [
    ({"momentum": 1.0}, r"`optimizer.momentum` \(1.0\) must be in \[0, 1\)"),
    ({"weight_decay": -1.0}, r"`optimizer.weight_decay` \(-1.0\) must be at l"),
  ],
)
def test_bad_values_of_the_optimiser(settings, message):
  with pytest.raises(ValueError, match=message):
    sgd.SgdConfig(**settings).validate()


@pytest.mark.parametrize(
  ("settings", "message"),
  [
    (
      {"decay_steps": (5, 5)},
      r"`x.decay_steps` \(\(5, 5\)\) must be whole num",
    ),
    ({"decay_steps": (0.5, 7)}, r"\(\(0.5, 7\)\) must be whole numbers from 1"),
    ({"decay_steps": (5, math.inf)}, r"inf\)\) must be whole numbers from 1"),
    ({"decay_steps": (math.nan,)}, r"nan,\)\) must be whole numbers from 1 on"),
    ({"decay_steps": ()}, r"that rise; for example 2500,5000,7500"),
    ({"weight_decay": -1.0}, r"`x.weight_decay` \(-1.0\) must be at least 0"),
    ({"image_size": 0}, r"`x.image_size` \(0\) must be above 0"),
  ],
)
def test_bad_values_of_the_protocol(settings, message):
  with pytest.raises(ValueError, match=message):
    protocols.FineTuneSgd(**settings).validate("x")


@pytest.mark.slow
def test_network_learns_what_is_dark_and_bright(tmp_path):
  folders = [
    str(grey_records.bright_and_dark(tmp_path / name, 8, first=first))
    for name, first in (("train", 0), ("test", 20))
  ]
  protocol = _protocol()
  splits = protocol.open_splits(folders[:1] * 2, folders[1:] * 2)
  tf.keras.utils.set_random_seed(0)
  network = tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125).build("f")
  network(np.zeros([1, 4, 16, 16, 3], np.float32))
  before = [variable.numpy() for variable in network.variables]
  encoder = base.Encoder(grey_records.plain_spec(), network, [])
  result = protocol.evaluate(encoder, splits)
  assert result["mean"]["top_1"] == 1.0
  # The second training began where the first did.
  assert (
    result["splits"][0]["predictions"] == result["splits"][1]["predictions"]
  )
  for value, variable in zip(before, network.variables, strict=True):
    assert not np.array_equal(value, variable), variable.name
  tree = protocol.to_tree()
  assert (tree["name"], tree["head"]) == ("finetune_sgd", "linear")
  assert tree["optimizer"]["weight_decay"] == 5e-3
  assert tree["recipe"]["steps"] == 40
  other = dataclasses.replace(_RECIPE, weight_decay=0.25)
  assert _protocol(other).to_tree()["optimizer"]["weight_decay"] == 0.25
