"""Crops of a feature map, their embeddings and both losses."""

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.stica import parameters
from tfvssl.backbones import temporal_transformer
from tfvssl.methods.parts import crop_loss
from tfvssl.methods.parts import feature_crop
from tfvssl.methods.parts import unit_head

_TEMPERATURE = 0.5
_KINDS = ("space_large", "space_small", "time_large", "time_small")


@pytest.fixture(scope="module")
def arrays(stica_golden):
  return stica_golden("feature_crop")


def _tokens(arrays, view, kind):
  """Returns the steps of every crop of a view, C of [B, L, D]."""
  feature_map = np.transpose(arrays["fmap"][view], (0, 2, 3, 4, 1))
  feature_map = tf.constant(feature_map.astype(np.float32))
  boxes = arrays[f"boxes_{kind}_{view}"]
  batch = len(feature_map)
  sizes = (boxes[:, 1] - boxes[:, 0]).tolist()
  starts = np.tile(boxes[np.newaxis, :, ::2], (batch, 1, 1)).astype(np.int32)
  if kind.startswith("space"):
    return tf.unstack(
      feature_crop.crop_space(feature_map, starts, sizes), axis=1
    )
  return feature_crop.crop_time(feature_map, starts, sizes)


def _full(arrays, view):
  feature_map = arrays["fmap"][view].astype(np.float32)
  return tf.constant(feature_map.mean((3, 4)).swapaxes(1, 2))


def test_steps_that_enter_the_transformer(arrays):
  for view in range(len(arrays["fmap"])):
    for kind in _KINDS:
      expected = arrays[f"tokens_{kind}_{view}"]
      # The first crop's, brought to the released number of steps.
      found = feature_crop.stretch(
        _tokens(arrays, view, kind)[0], expected.shape[1]
      )
      np.testing.assert_allclose(found, expected, atol=5e-5, err_msg=kind)


@pytest.fixture(scope="module", params=[0, 2])
def network(request, arrays, stica_parameters):
  """Layers of the transformer, and what maps steps [B, L, D] to z."""
  layers = request.param
  filled = stica_parameters(f"crop_head_layers{layers}", arrays["seed"])
  head, pooling = unit_head.UnitHead(), None
  steps = arrays["fmap"].shape[3]
  weights = {}
  if layers:
    pooling = temporal_transformer.TemporalTransformer(layers, "pooling")
    pooling(tf.zeros([1, steps, arrays["fmap"].shape[2]]))
    prefix = next(n for n in filled if "transformer" in n).split("transformer")
    for name, weight in pooling.torch_weights().items():
      weights[prefix[0] + name] = weight
  head(tf.zeros([1, arrays["fmap"].shape[2]]))
  for name, weight in head.torch_weights().items():
    weights[f"mlp_v.{name}"] = weight

  def embed(tokens, training):
    parameters.fill(weights, filled)
    if pooling is None:
      return head(tf.reduce_mean(tokens, axis=1), training=training)
    # The released code brings every crop to as many steps.
    return head(pooling(feature_crop.stretch(tokens, steps)), training=training)

  return layers, embed


@pytest.fixture(scope="module", params=["eval", "train_nodrop"])
def embedded(request, network, arrays):
  """The files' prefix, and z by kind and view, [B, C, E]."""
  layers, embed = network
  training = request.param != "eval"
  found = {}
  for view in range(len(arrays["fmap"])):
    found["full", view] = embed(_full(arrays, view), training)
    for kind in _KINDS:
      crops = [embed(x, training) for x in _tokens(arrays, view, kind)]
      found[kind, view] = tf.stack(crops, axis=1)
  return f"L{layers}_{request.param}", found


def test_embeddings(embedded, arrays):
  prefix, found = embedded
  for (kind, view), z in found.items():
    expected = arrays[f"{prefix}_z_{kind}_{view}"]
    ours = z if kind == "full" else np.swapaxes(z, 0, 1)
    np.testing.assert_allclose(ours, expected, atol=5e-5, err_msg=kind)


def _terms(found, families, pairs, *, detached):
  first, second = (
    tf.concat(
      [found[f"{family}_large", view] for family in families]
      + [found[f"{family}_small", view] for family in families],
      axis=1,
    )
    for view in (0, 1)
  )
  num_large = sum(found[f"{family}_large", 0].shape[1] for family in families)
  return crop_loss.terms(
    first,
    second,
    num_large,
    temperature=_TEMPERATURE,
    detached=detached,
    pairs=pairs,
  )


def test_losses_of_equation_6(embedded, arrays):
  prefix, found = embedded
  for name, families in (
    ("space", ["space"]),
    ("time", ["time"]),
    ("merged", ["space", "time"]),
  ):
    terms = _terms(found, families, crop_loss.Pairs.ALL, detached=False)
    assert len(terms) == arrays[f"{prefix}_paper_eq6_{name}_count"]
    total = crop_loss.reduced([terms], crop_loss.Reduction.SUM)
    expected = arrays[f"{prefix}_paper_eq6_{name}"]
    np.testing.assert_allclose(total, expected, rtol=1e-5, err_msg=name)


def test_released_losses(embedded, arrays):
  prefix, found = embedded
  terms = [
    _terms(found, [family], crop_loss.Pairs.RELEASED, detached=True)
    for family in ("space", "time")
  ]
  # Of each family the one term of two large crops comes first.
  losses = [part for x in terms for part in (x[:1], x[1:])]
  np.testing.assert_array_equal(
    [len(part) for part in losses], arrays[f"{prefix}_code_counts"]
  )
  np.testing.assert_allclose(
    [tf.reduce_sum(part) for part in losses],
    arrays[f"{prefix}_code_losses"],
    rtol=1e-5,
  )
  np.testing.assert_allclose(
    crop_loss.reduced(terms, crop_loss.Reduction.MEAN),
    arrays[f"{prefix}_code_total"],
    rtol=1e-5,
  )
