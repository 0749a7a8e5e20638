"""Networks of basic blocks against the released ones in PyTorch.

Tolerances are of the largest value, as the README of the vectors says: 5e-6 in
evaluation, 3e-4 in training, where an independent forward pass was seen to
differ by 1.8e-6 and 5.6e-5.
"""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.stica import parameters
from tfvssl.backbones import basic_resnet
from tfvssl.backbones import r2plus1d
from tfvssl.backbones import residual_3d

_EVALUATION, _TRAINING = 5e-6, 3e-4
_MOMENTUM = 0.1  # PyTorch's
# The files hold what goes into the first convolution.
_FORM = residual_3d.pytorch_form(is_normalised=False)
_CONFIGS = {
  "r2plus1d_18": r2plus1d.R2Plus1DConfig(
    mid_width=r2plus1d.MidWidth.BLOCK, form=_FORM
  ),
  "r3d_18": basic_resnet.BasicR3DConfig(form=_FORM),
  "resnet9": basic_resnet.BasicAudioResNetConfig(form=_FORM),
  "resnet34_1ch": basic_resnet.BasicAudioResNetConfig(
    blocks=(3, 4, 6, 3), form=_FORM
  ),
}


def _ours(array):
  """Returns [B, T, H, W, C] or, of spectrograms, [B, S, M(, C)]."""
  if array.ndim == 5:
    return np.transpose(array, (0, 2, 3, 4, 1)).astype(np.float32)
  return np.transpose(array, (0, 3, 2, 1)).astype(np.float32)


def _input(array):
  ours = _ours(array)
  return tf.constant(ours if array.ndim == 5 else ours[..., 0])


@pytest.fixture(scope="module", params=sorted(_CONFIGS))
def case(request, stica_golden, stica_parameters):
  """The file, the filled network, its weights by name, and its input."""
  name = request.param
  arrays = stica_golden(name)
  network = _CONFIGS[name].build(name)
  inputs = _input(arrays["x"])
  network(inputs[:1])
  weights = network.torch_weights()
  filled = stica_parameters(name, arrays["seed"])
  parameters.fill(weights, filled)
  return arrays, network, weights, inputs, filled


def _check(arrays, outputs, mode, share):
  """Compares every array of a mode: maps, their means, and what is pooled."""
  expected = {
    key.removeprefix(f"{mode}_"): array
    for key, array in arrays.items()
    if key in (f"{mode}_layer4", f"{mode}_pooled")
  }
  assert expected
  for key, array in expected.items():
    found = outputs[key]
    wanted = _ours(array) if key == "layer4" else array
    atol = share * np.abs(array).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol, err_msg=key)


def _outputs(network, inputs, training):
  feature_map = network.feature_map(inputs, training=training)
  pooled = tf.reduce_mean(feature_map, axis=range(1, feature_map.ndim - 1))
  return {"layer4": feature_map, "pooled": pooled}


def test_evaluation(case):
  arrays, network, _, inputs, _ = case
  outputs = _outputs(network, inputs, training=False)
  _check(arrays, outputs, "eval", _EVALUATION)
  np.testing.assert_array_equal(network(inputs), outputs["pooled"])
  if "eval_layer4_maxpool_1x3_s12" in arrays:
    # Frequencies are the second axis of ours; theirs are the first.
    found = tf.nn.max_pool2d(outputs["layer4"], [3, 1], [2, 1], "VALID")
    wanted = _ours(arrays["eval_layer4_maxpool_1x3_s12"])
    atol = _EVALUATION * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=atol)


def test_training_and_moving_statistics(case):
  arrays, network, weights, inputs, filled = case
  parameters.fill(weights, filled)
  outputs = _outputs(network, inputs, training=True)
  _check(arrays, outputs, "train", _TRAINING)
  for key, array in arrays.items():
    if not key.startswith("after_"):
      continue
    module, leaf = re.fullmatch(
      "after_(.+)[._]running_(mean|var)", key
    ).groups()
    name = f"{module}.running_{leaf}"
    found = weights[name].variable.numpy()
    if leaf == "var":
      found = _unbiased(found, filled[name], _count(module, inputs.shape))
    np.testing.assert_allclose(found, array, atol=5e-5, err_msg=key)


def _count(module, shape):
  """Returns how many values of a channel the norm of a module sees."""
  batch, *sizes = shape[: 4 if len(shape) == 5 else 3]
  number = re.match(r"layer(\d)", module)
  depth = int(number[1]) if number else 1  # the stem halves height and width
  *times, height, width = (np.array(size) for size in sizes)
  counts = [batch, *(-(-time // 2 ** (depth - 1)) for time in times)]
  return np.prod([*counts, -(-height // 2**depth), -(-width // 2**depth)])


def _unbiased(found, before, count):
  """Returns the variance as PyTorch keeps it, of one pass: n / (n - 1)."""
  biased = (found - (1 - _MOMENTUM) * before) / _MOMENTUM
  unbiased = biased * count / (count - 1)
  return (1 - _MOMENTUM) * before + _MOMENTUM * unbiased
