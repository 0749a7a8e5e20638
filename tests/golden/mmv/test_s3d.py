"""S3D-G against the released network.

A second implementation differed by 2e-5 in evaluation, where values reach 10,
and by 2.6e-3 in training, where values reach 2.
"""

import functools
import re

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.mmv import parameters
from tfvssl.backbones import s3d

_EVALUATION = 5e-6
_RGB = s3d.S3DConfig(stem=s3d.Stem.RGB)


def _network(backbone, video, seed):
  return parameters.network(backbone, parameters.S3D_ROOT, video, seed)


@functools.cache
def _evaluated_rgb(seed):
  """Returns the one network whose weights no test changes."""
  return _network(_RGB, tf.zeros([1, 2, 32, 32, 3]), seed)


@pytest.mark.parametrize(
  ("model", "stem"),
  [
    ("s3d_rgb", s3d.Stem.RGB),
    ("s3d_space_to_depth", s3d.Stem.SPACE_TO_DEPTH),
  ],
)
def test_published_keys_are_covered_one_to_one(mmv_tensors, model, stem):
  ours = parameters.keys_and_shapes(
    s3d.S3DConfig(stem=stem), parameters.S3D_ROOT, [1, 2, 8, 8, 3]
  )
  assert ours == parameters.published_keys_and_shapes(mmv_tensors[model])


@pytest.mark.parametrize("name", ["s3d_eval", "s3d_eval_oddsize"])
def test_endpoints(mmv_golden, mmv_seed, name):
  arrays = mmv_golden(name)
  video = parameters.video(arrays["frames"])
  network = _evaluated_rgb(mmv_seed)
  endpoints = network.endpoints(video)
  parameters.check_endpoints(arrays, endpoints, atol=_EVALUATION)
  shapes = [key for key in arrays if key.startswith("shape|")]
  if name == "s3d_eval":
    assert [f"shape|{endpoint}" for endpoint in endpoints] == shapes
  np.testing.assert_array_equal(network(video), endpoints["Embeddings"])


def test_space_to_depth_stem(mmv_golden, mmv_seed):
  arrays = mmv_golden("s3d_s2d_eval")
  video = parameters.video(arrays["frames"])
  network = _network(s3d.S3DConfig(), video, mmv_seed)
  parameters.check_endpoints(arrays, network.endpoints(video), atol=_EVALUATION)
  np.testing.assert_array_equal(
    s3d.space_to_depth(video)[0, 0, :2, :2], arrays["s2d_probe"]
  )


def _variant(name):
  """Returns the config of a case: nogate, gate4b, temporal4b, first3."""
  fields = {
    "nogate": lambda _: {"gating_start": s3d.NEVER},
    "gate": lambda block: {"gating_start": f"Mixed_{block}"},
    "temporal": lambda block: {"temporal_start": f"Mixed_{block}"},
    "first": lambda frames: {"rgb_stem_frames": int(frames)},
  }
  kind, value = re.fullmatch(r"([a-z]+)(\d[a-z]?)?", name).groups()
  return s3d.S3DConfig(stem=s3d.Stem.RGB, **fields[kind](value))


def test_variants(mmv_golden, mmv_seed):
  arrays = mmv_golden("s3d_variants_eval")
  video = parameters.video(arrays["frames"])
  for case in parameters.cases(arrays, "out|"):
    network = _network(_variant(case), video, mmv_seed)
    key = f"out|{case}"
    parameters.check_close(
      network(video), arrays[key], atol=_EVALUATION, name=key
    )
    sizes = [tf.size(variable) for variable in network.trainable_variables]
    assert sum(sizes) == arrays[f"n_params|{case}"], case


def test_training_steps_and_averages(mmv_golden, mmv_seed):
  arrays = mmv_golden("s3d_train")

  def frames(step):
    return parameters.video(arrays[f"frames_step{step}"])

  network = _network(_RGB, frames(1), mmv_seed)
  parameters.check_training(
    arrays,
    network,
    network.haiku_variables(parameters.S3D_ROOT),
    frames,
    # The reference's E[x^2] - E[x]^2 in float32 loses digits of the variances
    # of the last blocks, which are those of 16 values: 1.6e-3 was seen.
    atol=3e-3,
    tolerance=lambda path: 2e-3 if "/Mixed_5c/" in path else 5e-5,
  )
