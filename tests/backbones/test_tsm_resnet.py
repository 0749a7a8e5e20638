import numpy as np
import pytest
import tensorflow as tf

from tfvssl.backbones import tsm_resnet

_SMALL = {"blocks": (1, 2, 1), "width": 0.125}


def _small(seed=0, **changes):
  tf.keras.utils.set_random_seed(seed)
  config = tsm_resnet.TSMResNetConfig(**{**_SMALL, **changes})
  return config.build("backbone")


def _video(shape=(2, 4, 24, 20, 3)):
  return tf.random.stateless_uniform(shape, [0, 1])


@pytest.fixture(scope="module")
def network():
  backbone = _small()
  backbone(_video())
  return backbone


def test_number_of_parameters_is_the_papers():
  config = tsm_resnet.TSMResNetConfig()
  backbone = config.build("backbone")
  assert config.output_dim == backbone(_video((1, 1, 8, 8, 3))).shape[-1]
  sizes = [np.prod(v.shape) for v in backbone.trainable_variables]
  # Source: paper appendix A.1, 23.5 million.
  assert sum(sizes) == 23_500_352


def test_representation_is_the_mean_of_the_feature_map(network):
  features = network.feature_map(_video())
  assert features.shape == [2, 4, 2, 2, 128]
  np.testing.assert_allclose(
    network(_video()), np.mean(features, axis=(1, 2, 3)), rtol=1e-5
  )


def test_endpoints_have_published_names(network):
  shapes = {
    name: endpoint.shape.as_list()
    for name, endpoint in network.endpoints(_video()).items()
  }
  assert shapes == {
    "tsm_resnet_stem": [2, 4, 6, 5, 8],
    "tsm_resnet_unit_0": [2, 4, 6, 5, 32],
    "tsm_resnet_unit_1": [2, 4, 3, 3, 64],
    "tsm_resnet_unit_2": [2, 4, 2, 2, 128],
    "last_conv": [2, 4, 2, 2, 128],
  }


def _change_of_frames(backbone, num_frames):
  """Returns per frame how much features change with frame 0, [T]."""
  video = _video((1, num_frames, 16, 16, 3))
  first = tf.one_hot(0, num_frames)[:, tf.newaxis, tf.newaxis, tf.newaxis]
  change = backbone.feature_map(video + 0.5 * first)
  change -= backbone.feature_map(video)
  return np.abs(change).max(axis=(0, 2, 3, 4))


def test_frames_see_only_neighbours_within_reach(network):
  # Four blocks: a change in frame 0 reaches frame 4 and not frame 5.
  change = _change_of_frames(network, 7)
  assert (change[:5] > 0).all()
  np.testing.assert_array_equal(change[5:], [0, 0])


def test_without_shift_frames_are_independent():
  change = _change_of_frames(_small(shift_fraction=0.0), 3)
  assert change[0] > 0
  np.testing.assert_array_equal(change[1:], [0, 0])


def test_one_frame_and_flow_are_allowed():
  flow = tf.zeros([2, 1, 16, 16, 2])
  assert np.isfinite(_small()(flow, training=True)).all()


def test_same_seed_gives_the_same_weights():
  first, again, other = _small(3), _small(3), _small(4)
  # Whatever is called first.
  for backbone in (other, again, first):
    backbone(_video())
  for one, two in zip(first.get_weights(), again.get_weights()):
    np.testing.assert_array_equal(one, two)
  assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_layers_do_not_repeat_each_others_weights(network):
  same_shape = [
    network.units[1][block].convs[1].kernel.numpy() for block in (0, 1)
  ]
  assert same_shape[0].shape == same_shape[1].shape
  assert np.abs(same_shape[0] - same_shape[1]).max() > 0.01


def test_unknown_sizes_give_the_values_of_known_ones(network):
  # As in an exported model.
  @tf.function(
    input_signature=[tf.TensorSpec([None, None, None, None, 3], tf.float32)]
  )
  def any_size(video):
    return network(video)

  for shape in ((2, 4, 24, 20, 3), (1, 3, 17, 33, 3)):
    video = _video(shape)
    np.testing.assert_allclose(
      any_size(video), network(video), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("batch", [2, None])
def test_known_sizes_stay_static(network, batch):
  @tf.function(
    input_signature=[tf.TensorSpec([batch, 4, 24, 20, 3], tf.float32)]
  )
  def features(video):
    return network.feature_map(video, training=True)

  graph = features.get_concrete_function()
  assert graph.outputs[0].shape.as_list() == [batch, 4, 2, 2, 128]
  operations = [operation.type for operation in graph.graph.get_operations()]
  assert "Shape" not in operations


def test_compiled_training_pass_equals_the_plain_one():
  def gradient_norms(compiled):
    backbone = _small(blocks=(1,))
    backbone(_video())

    @tf.function(jit_compile=compiled)
    def gradients(video):
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(backbone(video, training=True) ** 2)
      return tape.gradient(loss, backbone.trainable_variables)

    return [np.linalg.norm(gradient) for gradient in gradients(_video())]

  # Sums in another order; a relu at zero may flip.
  np.testing.assert_allclose(
    gradient_norms(True), gradient_norms(False), rtol=5e-3
  )


def test_identical_frames_train_without_nan():
  backbone = _small()
  video = tf.fill([2, 4, 24, 20, 3], 0.7)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(backbone(video, training=True) ** 2)
  for gradient in tape.gradient(loss, backbone.trainable_variables):
    assert np.isfinite(gradient).all()


def test_bfloat16_is_close_and_returns_float32(network):
  expected = network(_video())
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    backbone = _small()
    backbone(_video())
    backbone.set_weights(network.get_weights())
    representation = backbone(_video())
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert representation.dtype == tf.float32
  # 8 bits of mantissa through 13 layers.
  np.testing.assert_allclose(
    representation, expected, atol=0.03 * np.abs(expected).max()
  )


def test_saved_model_gives_the_same(tmp_path):
  network = _small(blocks=(1,))
  network(_video())

  @tf.function(
    input_signature=[tf.TensorSpec([None, None, None, None, 3], tf.float32)]
  )
  def serve(video):
    return network(video)

  module = tf.Module()
  module.backbone = network
  module.serve = serve
  tf.saved_model.save(module, str(tmp_path))
  loaded = tf.saved_model.load(str(tmp_path))
  np.testing.assert_allclose(
    loaded.serve(_video()), network(_video()), rtol=1e-5
  )


def test_published_names_cover_every_variable_once(network):
  named = network.haiku_variables("narrow_video_embedding/TSMResNetV2")
  assert {v.ref() for v in named.values()} == {
    v.ref() for v in network.variables
  }
  assert len(named) == len(network.variables)
  name = (
    "narrow_video_embedding/TSMResNetV2/tsm_resnet_unit_1/block_1/"
    "batch_norm_2/~/var_ema/average"
  )
  assert named[name] is network.units[1][1].norms[2].moving_variance


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"blocks": ()}, r"`blocks` \(\(\)\) must hold 1 to 4 numbers"),
    ({"blocks": (1, 0)}, r"`blocks` \(\(1, 0\)\) must hold 1 to 4"),
    ({"blocks": (1,) * 5}, r"must hold 1 to 4 numbers above 0"),
    ({"width": 0.3}, r"`width` \(0.3\) must be a positive multiple"),
    ({"width": 0.0}, r"`width` \(0.0\) must be a positive multiple"),
    ({"shift_fraction": 0.6}, r"`shift_fraction` \(0.6\) must be in"),
  ],
)
def test_config_that_breaks_a_rule(change, message):
  with pytest.raises(ValueError, match=message):
    tsm_resnet.TSMResNetConfig(**change).build("backbone")


def test_input_of_another_rank(network):
  with pytest.raises(
    ValueError, match=r"input of `backbone` .* must be \[B, T, H, W, C\]"
  ):
    network(tf.zeros([2, 24, 20, 3]))


def test_input_of_integers(network):
  with pytest.raises(TypeError, match=r"\(uint8\) must be floating; scale"):
    network(tf.zeros([2, 4, 24, 20, 3], tf.uint8))


def test_published_names_before_the_first_call():
  with pytest.raises(ValueError, match="has no weights yet; call the network"):
    _small().haiku_variables("root")
