import numpy as np
import pytest
import tensorflow as tf

from configs import tiny_brave_r3d
from tests import tiny_runs
from tests.backbones import reference_3d
from tfvssl.backbones import r3d
from tfvssl.config import tree
from tfvssl.optim import variable_roles

_SMALL = {"blocks": (1, 1, 2), "width": 0.0625}


def _small(seed=0, **changes):
  tf.keras.utils.set_random_seed(seed)
  return r3d.R3DConfig(**{**_SMALL, **changes}).build("backbone")


def _video(shape=(2, 4, 24, 20, 3)):
  return tf.random.stateless_uniform(shape, [0, 1])


@pytest.fixture(scope="module")
def network():
  backbone = _small()
  backbone(_video())
  reference_3d.randomise(backbone, seed=1)
  return backbone


def test_number_of_parameters_is_that_of_the_slow_pathway():
  count = reference_3d.number_of_weights(r3d.R3DConfig())["all"]
  assert count == 31_634_496
  # The paper's 31.8M needs a linear layer for the 101 classes of UCF101.
  assert f"{(count + 2049 * 101) / 1e6:.1f}" == "31.8"


def _expected(network, video, training):
  """Returns the feature map of `_SMALL`, in NumPy."""

  def conv(x, layer, size, stride):
    return reference_3d.conv_norm(x, layer, size, stride, training)

  relu = reference_3d.relu
  x = video.numpy().astype(np.float64)
  x = relu(conv(x, network.stem[0], (1, 7, 7), (1, 2, 2)))
  x = reference_3d.max_pool(x)
  # Unit, block, temporal size of conv_0, stride, is the shortcut x itself?
  for unit, block, frames, stride, identity in (
    (0, 0, 1, (1, 1, 1), False),
    (1, 0, 1, (1, 2, 2), False),
    (2, 0, 3, (1, 2, 2), False),
    (2, 1, 3, (1, 1, 1), True),
  ):
    layers = network.units[unit][block]
    shortcut = x
    if not identity:
      shortcut = conv(x, layers.shortcut, (1, 1, 1), stride)
    x = relu(conv(x, layers.branch[0], (frames, 1, 1), (1, 1, 1)))
    x = relu(conv(x, layers.branch[1], (1, 3, 3), stride))
    x = relu(shortcut + conv(x, layers.branch[2], (1, 1, 1), (1, 1, 1)))
  return x


@pytest.mark.parametrize("training", [False, True])
def test_feature_map_is_that_of_the_definition(training):
  network = _small()
  network(_video())
  reference_3d.randomise(network, seed=1)
  video = _video((2, 5, 41, 38, 3))
  expected = _expected(network, video, training)
  features = network.feature_map(video, training)
  assert features.shape == [2, 5, 3, 3, 64]
  np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)


def test_one_training_pass_moves_the_statistics_of_every_norm():
  backbone = _small()
  backbone(_video())
  backbone(_video(), training=True)
  for variable in backbone.non_trainable_variables:
    start = 1.0 if "variance" in variable.name else 0.0
    assert np.abs(variable.numpy() - start).min() > 0, variable.name


def test_representation_is_the_mean_of_the_feature_map(network):
  features = network.feature_map(_video())
  assert features.shape == [2, 4, 2, 2, 64]
  np.testing.assert_allclose(
    network(_video()), np.mean(features, axis=(1, 2, 3)), rtol=1e-5
  )


@pytest.mark.parametrize(
  # Every block of the third unit looks one frame further.
  ("blocks", "reach"),
  [((1, 1), 0), ((1, 2), 0), ((1, 1, 1), 1), ((1, 1, 2), 2)],
)
def test_frames_meet_only_from_the_third_unit_on(blocks, reach):
  backbone = _small(blocks=blocks)
  video = _video((1, 7, 32, 32, 3))
  first = tf.one_hot(3, 7)[:, tf.newaxis, tf.newaxis, tf.newaxis]
  change = backbone.feature_map(video + 0.5 * first)
  change -= backbone.feature_map(video)
  changed = np.abs(change).max(axis=(0, 2, 3, 4)) > 0
  assert changed.tolist() == [abs(t - 3) <= reach for t in range(7)]


def test_gradient_reaches_every_variable(network):
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(network(_video(), training=True) ** 2)
  variables = network.trainable_variables
  # Of the stem, three shortcuts, and three layers in each of four branches.
  assert len(variables) == 3 * (1 + 3 + 4 * 3)
  for variable, gradient in zip(variables, tape.gradient(loss, variables)):
    assert np.abs(gradient).max() > 1e-6, variable.name


def test_optimisers_know_every_variable(network):
  variable_roles.check(network.trainable_variables)
  roles = [variable_roles.role(v.name) for v in network.trainable_variables]
  assert roles.count(variable_roles.Role.WEIGHT) == 16


def test_same_seed_gives_the_same_weights():
  first, again, other = _small(3), _small(3), _small(4)
  for backbone in (other, again, first):
    backbone(_video())
  for one, two in zip(first.get_weights(), again.get_weights()):
    np.testing.assert_array_equal(one, two)
  assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_one_frame_and_flow_are_allowed():
  flow = tf.zeros([2, 1, 16, 16, 2])
  assert np.isfinite(_small()(flow, training=True)).all()


@pytest.mark.parametrize("batch", [2, None])
def test_known_sizes_stay_static(network, batch):
  @tf.function(
    input_signature=[tf.TensorSpec([batch, 4, 24, 20, 3], tf.float32)]
  )
  def features(video):
    return network.feature_map(video, training=True)

  graph = features.get_concrete_function()
  assert graph.outputs[0].shape.as_list() == [batch, 4, 2, 2, 64]
  operations = [operation.type for operation in graph.graph.get_operations()]
  assert "Shape" not in operations


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


def test_compiled_training_pass_equals_the_plain_one():
  def gradient_norms(compiled):
    backbone = _small(blocks=(1, 1, 1))
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


def test_bfloat16_is_close_and_returns_float32(network):
  expected = network(_video())
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    backbone = _small()
    backbone(_video())
    backbone.set_weights(network.get_weights())
    representation = backbone(_video())
    features = backbone.feature_map(_video())
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert representation.dtype == features.dtype == tf.float32
  # 8 bits of mantissa through 13 layers.
  np.testing.assert_allclose(
    representation, expected, atol=0.03 * np.abs(expected).max()
  )


def test_tiny_config_trains_the_narrow_backbone():
  experiment = tiny_brave_r3d.get_config()
  experiment.validate()
  # 6.25 of 25 frames per second.
  assert experiment.method.narrow.frame_step == 4
  assert tree.from_tree(tree.to_tree(experiment)) == experiment
  method = experiment.method.build()
  assert isinstance(method.narrow_backbone, r3d.R3D)
  with tf.GradientTape() as tape:
    loss = method.loss(tiny_runs.batch(method, 4), seed=0)[0]
  variables = method.narrow_backbone.trainable_variables
  for variable, gradient in zip(variables, tape.gradient(loss, variables)):
    assert np.abs(gradient).max() > 0, variable.name


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"blocks": ()}, r"`blocks` \(\(\)\) must hold 1 to 4 numbers"),
    ({"blocks": (1, 0)}, r"`blocks` \(\(1, 0\)\) must hold 1 to 4"),
    ({"width": 0.3}, r"`width` \(0.3\) must be a positive multiple"),
  ],
)
def test_config_that_breaks_a_rule(change, message):
  with pytest.raises(ValueError, match=message):
    r3d.R3DConfig(**change).build("backbone")


def test_input_of_another_rank(network):
  with pytest.raises(
    ValueError, match=r"input of `backbone` .* must be \[B, T, H, W, C\]"
  ):
    network(tf.zeros([2, 24, 20, 3]))


def test_input_of_integers(network):
  with pytest.raises(TypeError, match=r"\(uint8\) must be floating; scale"):
    network(tf.zeros([2, 4, 24, 20, 3], tf.uint8))
