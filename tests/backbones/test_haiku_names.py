"""Keys of published files; the names themselves are tested per network."""

import pytest

from tfvssl.backbones import haiku_names


@pytest.mark.parametrize(
  ("name", "key"),
  [
    ("S3D/Conv2d_1a_7x7/~/conv3_d/w", "S3D/Conv2d_1a_7x7/~/conv3_d:w"),
    ("a/batch_norm/scale", "a/__cross_replica_batch_norm:scale"),
    (
      "a/batch_norm_2/~/var_ema/average",
      "a/__cross_replica_batch_norm_2/~/var_ema:average",
    ),
  ],
)
def test_key_of_mmvs_checkpoints(name, key):
  assert haiku_names.checkpoint_key(name) == key
