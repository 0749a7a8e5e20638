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


def test_layers_do_not_repeat_each_others_weights(network):
  same_shape = [
    network.units[1][block].convs[1].kernel.numpy() for block in (0, 1)
  ]
  assert same_shape[0].shape == same_shape[1].shape
  assert np.abs(same_shape[0] - same_shape[1]).max() > 0.01


def test_saved_model_gives_the_same(tmp_path):
  network = _small(blocks=(1,))
  network(_video())

  @tf.function(
    input_signature=[tf.TensorSpec([None, None, None, None, 3], tf.float32)],
    autograph=False,
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


def test_shift_of_more_than_half_the_channels():
  settings = tsm_resnet.TSMResNetConfig(shift_fraction=0.6)
  with pytest.raises(ValueError, match=r"`shift_fraction` \(0.6\) must be in"):
    settings.build("backbone")
