"""Text backbone against the released one.

2e-6 of the largest value; the README of the files suggests 1e-4.
"""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.golden.mmv import parameters
from tfvssl.backbones import haiku_names
from tfvssl.backbones import word_embedding

_ROOT = "text_audio_video/text_module"


@pytest.mark.parametrize("size", [1024, 2048])
def test_representation(golden_root, size):
  folder = golden_root / "mmv"
  tensors = json.loads((folder / "heads_tensors.json").read_text("utf-8"))
  arrays = np.load(folder / f"heads_dv{size}.npz", allow_pickle=False)
  backbone = word_embedding.WordEmbeddingConfig(
    vocabulary_size=int(arrays["vocab"])
  ).build("text")
  word_ids = tf.constant(arrays["word_ids"])
  backbone(word_ids)
  named = backbone.haiku_variables(_ROOT)
  published = tensors["tensors"][f"fac_relu_dv{size}"]["params"]
  shapes = {
    key: [size for size in shape if size != 1]
    for key, shape in published.items()
    if key.startswith(_ROOT)
  }
  assert shapes == {
    haiku_names.checkpoint_key(name): variable.shape.as_list()
    for name, variable in named.items()
  }
  parameters.fill(named, tensors["seed"])
  theirs = arrays["text_repr"]
  np.testing.assert_allclose(
    backbone(word_ids), theirs, rtol=0, atol=2e-6 * theirs.max()
  )
  assert theirs.shape == (12, 2048)
  assert not arrays["word_ids"][-1].any()  # nothing but padding
