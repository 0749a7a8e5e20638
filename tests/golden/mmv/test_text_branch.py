"""Text backbone against the released one.

2e-6 of the largest value; the README of the files suggests 1e-4.
"""

import json

import tensorflow as tf

from tests.golden.mmv import parameters
from tfvssl.backbones import haiku_names
from tfvssl.backbones import word_embedding

_ROOT = "text_audio_video/text_module"


def test_representation(mmv_dir, mmv_golden):
  tensors = json.loads((mmv_dir / "heads_tensors.json").read_text("utf-8"))
  # The text network is the same whatever graph stands behind it.
  for model, published in tensors["tensors"].items():
    arrays = mmv_golden(f"heads_dv{model.rpartition('_dv')[2]}")
    _check(arrays, published["params"], tensors["seed"])


def _check(arrays, published, seed):
  word_ids, theirs = arrays["word_ids"], arrays["text_repr"]
  assert len(word_ids) == len(theirs) > 0
  assert not word_ids[-1].any()  # nothing but padding
  backbone = word_embedding.WordEmbeddingConfig(
    vocabulary_size=int(arrays["vocab"])
  ).build("text")
  word_ids = tf.constant(word_ids)
  backbone(word_ids)
  named = backbone.haiku_variables(_ROOT)
  shapes = {
    key: [size for size in shape if size != 1]
    for key, shape in published.items()
    if key.startswith(_ROOT)
  }
  assert shapes == {
    haiku_names.checkpoint_key(name): variable.shape.as_list()
    for name, variable in named.items()
  }
  parameters.fill(named, seed)
  parameters.check_close(
    backbone(word_ids), theirs, atol=2e-6, name="text_repr"
  )
