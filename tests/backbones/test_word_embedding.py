"""Text backbone; the released one's output is in tests/golden/mmv."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import word_embedding

IDS = np.array([[1, 3, 0], [2, 2, 2], [0, 0, 0]], np.int32)


def _config(**fields):
  return word_embedding.WordEmbeddingConfig(
    **{"vocabulary_size": 4, "word_dim": 3, "output_dim": 5, **fields}
  )


def _build(**fields):
  backbone = _config(**fields).build("text")
  backbone(tf.zeros([1, 1], tf.int32))
  return backbone


def test_largest_of_the_words_after_the_relu():
  backbone = _build(word_dim=2, output_dim=3)
  backbone.embeddings.embeddings.assign([[0, 0], [1, 0], [0, 1], [-2, 1]])
  backbone.linear.kernel.assign([[1, 2, 3], [4, -5, 6]])
  backbone.linear.bias.assign([0.5, 0.25, -7])
  # W e + b: pad [.5 .25 -7], 1 [1.5 2.25 -4], 2 [4.5 -4.75 -1],
  # 3 [2.5 -8.75 -7].
  found = backbone(tf.constant(IDS))
  assert found.dtype == tf.float32
  np.testing.assert_array_equal(
    found, [[2.5, 2.25, 0], [4.5, 0, 0], [0.5, 0.25, 0]]
  )


def test_padding_takes_part():
  backbone = _build()
  backbone.linear.bias.assign([9.0] * 5)
  backbone.embeddings.embeddings.assign(tf.zeros([4, 3]))
  backbone.embeddings.embeddings[3].assign([-99.0, -99.0, -99.0])
  backbone.linear.kernel.assign(tf.ones([3, 5]))
  found = backbone(tf.constant([[3, 3, 0], [3, 3, 3]]))
  np.testing.assert_array_equal(found, [[9.0] * 5, [0.0] * 5])


def test_sizes_are_the_published_ones():
  backbone = word_embedding.WordEmbeddingConfig().build("text")
  assert backbone(tf.zeros([2, 16], tf.int32)).shape == [2, 2048]
  assert backbone.output_dim == 2048
  assert backbone.embeddings.embeddings.shape == [65_536, 300]
  sizes = [np.prod(v.shape) for v in backbone.trainable_variables]
  assert sizes == [300 * 2048, 2048]


def test_table_is_frozen_and_the_linear_layer_is_not():
  backbone = _build()
  assert [v.shape for v in backbone.non_trainable_variables] == [[4, 3]]
  with tf.GradientTape() as tape:
    tape.watch(backbone.trainable_variables)
    loss = tf.reduce_sum(backbone(tf.constant(IDS), training=True))
  kernel, bias = tape.gradient(loss, backbone.trainable_variables)
  assert np.abs(kernel).max() > 0 and np.abs(bias).max() > 0


def test_random_table_is_standard_normal_and_fixed_by_the_seed():
  tables = []
  for seed in (1, 1, 2):
    tf.keras.utils.set_random_seed(seed)
    backbone = _build(vocabulary_size=1000, word_dim=300)
    tables.append(backbone.embeddings.embeddings.numpy())
  np.testing.assert_array_equal(tables[0], tables[1])
  assert np.abs(tables[0] - tables[2]).max() > 1
  # 300k draws: standard errors 1.8e-3 and 1.3e-3.
  assert abs(tables[0].mean()) < 0.01
  assert tables[0].std() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_table_of_a_file(tmp_path, dtype):
  table = np.arange(12).reshape(4, 3).astype(dtype) / 8
  np.save(tmp_path / "table.npy", table)
  backbone = _build(table=str(tmp_path / "table.npy"))
  np.testing.assert_array_equal(backbone.embeddings.embeddings, table)
  assert backbone.embeddings.embeddings.dtype == tf.float32
  assert not backbone.embeddings.trainable


@pytest.mark.parametrize("jit_compile", [False, True])
def test_id_outside_the_table_is_not_a_number(jit_compile):
  backbone = _build()

  @tf.function(jit_compile=jit_compile, autograph=False)
  def run(ids):
    return backbone(ids)

  ids = np.array([[0, 3, 1], [0, 4, 1], [-1, 2, 2], [3, 3, 3]], np.int32)
  found = run(tf.constant(ids)).numpy()
  np.testing.assert_array_equal(
    np.isnan(found), [[False] * 5, [True] * 5, [True] * 5, [False] * 5]
  )
  # float32 products, added in another order
  np.testing.assert_allclose(
    found[[0, 3]], backbone(tf.constant(ids[[0, 3]])), rtol=1e-6
  )


def test_activations_may_be_bfloat16():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    backbone = _build()
    found = backbone(tf.constant(IDS))
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert found.dtype == tf.float32
  assert backbone.linear.kernel.dtype == tf.float32
  words = backbone.embeddings.embeddings.numpy()[IDS]
  kernel = backbone.linear.kernel.numpy()
  expected = np.maximum(words @ kernel, 0).max(axis=1)
  # 8 bits of mantissa: three products of values near 1
  np.testing.assert_allclose(found, expected, atol=0.05)


def test_published_names_cover_every_variable_once():
  backbone = _build()
  root = "text_audio_video/text_module"
  named = backbone.haiku_variables(root)
  assert {id(v) for v in named.values()} == {id(v) for v in backbone.variables}
  assert named[f"{root}/~/embed/embeddings"] is backbone.embeddings.embeddings
  assert named[f"{root}/~/text_conv1/w"] is backbone.linear.kernel
  assert named[f"{root}/~/text_conv1/b"] is backbone.linear.bias
  with pytest.raises(ValueError, match="has no weights yet"):
    _config().build("text").haiku_variables(root)


@pytest.mark.parametrize("name", ["vocabulary_size", "word_dim", "output_dim"])
def test_sizes_must_be_above_zero(name):
  with pytest.raises(ValueError, match=rf"`{name}` \(0\) must be above 0"):
    _config(**{name: 0}).validate()
  _config().validate()


def test_input_that_is_no_word_ids():
  backbone = _config().build("text")
  with pytest.raises(
    ValueError, match=r"input of `text` \(2, 3, 4\) must be \[N, L\], of rank 2"
  ):
    backbone(tf.zeros([2, 3, 4], tf.int32))
  with pytest.raises(TypeError, match="is float32; it must be word ids, int32"):
    backbone(tf.zeros([2, 3]))


def test_table_that_does_not_exist(tmp_path):
  with pytest.raises(
    FileNotFoundError, match=r"`table` \(.*none.npy\) does not exist; leave it"
  ):
    _config(table=str(tmp_path / "none.npy")).build("text")


@pytest.mark.parametrize(
  ("array", "message"),
  [
    (
      np.zeros([4, 2], np.float32),
      r"float32 \[4, 2\]; it must hold float \[4,",
    ),
    (
      np.zeros([4, 3], np.int32),
      r"int32 \[4, 3\]; it must hold float \[4, 3\]",
    ),
    (np.zeros([12], np.float32), r"float32 \[12\]; it must hold"),
    (np.array([[None] * 3] * 4), "is no .npy of numbers .* numpy.save"),
  ],
)
def test_table_of_another_kind(tmp_path, array, message):
  np.save(tmp_path / "table.npy", array)
  with pytest.raises(ValueError, match=message) as caught:
    _config(table=str(tmp_path / "table.npy")).build("text")
  assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["empty", "text", "zip", "half_zip", "cut"])
def test_table_that_is_no_array(tmp_path, name):
  path = tmp_path / "table.npy"
  np.save(path, np.zeros([4, 3], np.float32))
  np.savez(tmp_path / "zip.npz", table=np.zeros([4, 3], np.float32))
  whole = (tmp_path / "zip.npz").read_bytes()
  content = {
    "empty": b"",
    "text": b"0 0 0\n",
    "zip": whole,
    "half_zip": whole[: len(whole) // 2],
    "cut": path.read_bytes()[:-1],
  }
  path.write_bytes(content[name])
  with pytest.raises(ValueError, match="is no .npy of numbers"):
    _config(table=str(path)).build("text")
