"""The transformer over time against the released one."""

import numpy as np
import pytest

from tests.golden.stica import parameters
from tfvssl.backbones import temporal_transformer

_PREFIX = "transformer_pooling."


@pytest.fixture(scope="module")
def arrays(stica_golden):
  return stica_golden("transformer_pooling")


def _tags(arrays):
  return [key.removeprefix("x_") for key in arrays if key.startswith("x_")]


def test_every_kind_of_pooling(arrays, stica_parameters):
  tags = _tags(arrays)
  assert tags
  for tag in tags:
    filled = {
      name.removeprefix(_PREFIX): array
      for name, array in stica_parameters(
        f"transformer_pooling_{tag}", arrays["seed"]
      ).items()
    }
    positions = filled.get("pos_embs.0.weight")
    pooling = temporal_transformer.TemporalTransformer(
      num_layers=len({name.split(".")[1] for name in filled if "mha" in name}),
      name="pooling",
      most_positions=0 if positions is None else len(positions),
      projects_values="transformer.0.mha.v_lin.weight" in filled,
    )
    tokens = arrays[f"x_{tag}"].astype(np.float32)
    pooling(tokens)
    parameters.fill(pooling.torch_weights(), filled)
    # An independent forward pass differed by 4.3e-6.
    np.testing.assert_allclose(
      pooling.sequence(tokens), arrays[f"all_{tag}"], atol=5e-5, err_msg=tag
    )
    np.testing.assert_allclose(
      pooling(tokens), arrays[f"out_{tag}"], atol=5e-5, err_msg=tag
    )
