"""What is asked of every backbone of pictures and sound, asked once."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.backbones import reference_3d
from tfvssl.backbones import basic_resnet
from tfvssl.backbones import r2plus1d
from tfvssl.backbones import r3d
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import s3d
from tfvssl.backbones import tsm_resnet
from tfvssl.optim import variable_roles


@dataclasses.dataclass(frozen=True)
class Case:
  """A small network and what is known of it.

  Attributes:
    config: of the network.
    feature_map: of an input [2, *shape], without the batch.
    weights: how many kernels the optimisers must find.
    trainable: how many trainable variables it has.
    shape: of an input, without the batch.
    larger: an input for the mean of the feature map, where that of `shape`
      has a single value; without the batch.
    other_shapes: inputs [B, ...] of other sizes, none if sizes are fixed.
    randomised: whether batch norms start from random values.
  """

  config: object
  feature_map: tuple[int, ...]
  weights: int
  trainable: int
  shape: tuple[int, ...] = (4, 24, 20, 3)
  larger: tuple[int, ...] | None = None
  other_shapes: tuple = ((1, 3, 17, 33, 3),)
  randomised: bool = False


def _r2plus1d(residual):
  return r2plus1d.R2Plus1DConfig(blocks=(1, 2), width=0.0625, residual=residual)


def _s3d(stem):
  return s3d.S3DConfig(width=0.0625, stem=stem)


_CASES = {
  "tsm_resnet": Case(
    tsm_resnet.TSMResNetConfig(blocks=(1, 2, 1), width=0.125),
    feature_map=(4, 2, 2, 128),
    # The stem, three shortcuts, three layers in each of four branches; a batch
    # norm of each but the shortcuts', and the last.
    weights=16,
    trainable=16 + 2 * 13,
  ),
  "r3d": Case(
    r3d.R3DConfig(blocks=(1, 1, 2), width=0.0625),
    feature_map=(4, 2, 2, 64),
    # As above, with a batch norm after each.
    weights=16,
    trainable=3 * 16,
    randomised=True,
  ),
  # Basic: no shortcut convolution in the first unit.
  "r2plus1d_basic": Case(
    _r2plus1d(r2plus1d.Residual.BASIC),
    feature_map=(3, 6, 5, 8),
    weights=2 + 3 * 4 + 1,
    trainable=3 * (2 + 3 * 4 + 1),
    shape=(6, 24, 20, 3),
    randomised=True,
  ),
  "r2plus1d_bottleneck": Case(
    _r2plus1d(r2plus1d.Residual.BOTTLENECK),
    feature_map=(3, 6, 5, 32),
    weights=2 + 3 * 4 + 2,
    trainable=3 * (2 + 3 * 4 + 2),
    shape=(6, 24, 20, 3),
    randomised=True,
  ),
  "basic_r3d": Case(
    basic_resnet.BasicR3DConfig(blocks=(1, 2), width=0.0625),
    feature_map=(3, 6, 5, 8),
    weights=1 + 3 * 2 + 1,
    trainable=3 * (1 + 3 * 2 + 1),
    shape=(6, 24, 20, 3),
    randomised=True,
  ),
  "s3d": Case(
    _s3d(s3d.Stem.SPACE_TO_DEPTH),
    feature_map=(1, 1, 1, 64),
    # Kernel, scale and offset of 76; kernel and bias of 37 gates.
    weights=76 + 37,
    trainable=3 * 76 + 2 * 37,
    larger=(16, 64, 64, 3),
    other_shapes=((1, 6, 18, 34, 3),),
  ),
  "resnet_audio": Case(
    resnet_audio.AudioResNetConfig(blocks=(1, 1), width=0.125),
    feature_map=(4, 3, 64),
    # The stem, two shortcuts, two branches; norms as in the first.
    weights=1 + 2 + 2 * 3,
    trainable=9 + 2 * 7,
    shape=(30, 20),
    other_shapes=((1, 17, 33),),
  ),
  "basic_audio_resnet": Case(
    basic_resnet.BasicAudioResNetConfig(blocks=(1, 1), width=0.125),
    feature_map=(4, 3, 16),
    weights=1 + 2 * 2 + 1,
    trainable=3 * (1 + 2 * 2 + 1),
    shape=(30, 20),
    other_shapes=((1, 17, 33),),
    randomised=True,
  ),
}
_VIDEO = [name for name in _CASES if "audio" not in name]
every_backbone = pytest.mark.parametrize("name", _CASES)
every_video_backbone = pytest.mark.parametrize("name", _VIDEO)


def _build(config, seed=0):
  tf.keras.utils.set_random_seed(seed)
  return config.build("backbone")


def _random(*shape):
  return tf.random.stateless_uniform(shape, [0, 1])


def _input(name):
  return _random(2, *_CASES[name].shape)


@functools.cache
def _network(name):
  """Returns the one network of a case; no test changes its kernels."""
  network = _build(_CASES[name].config)
  network(_input(name))
  if _CASES[name].randomised:
    reference_3d.randomise(network, seed=1)
  return network


@every_backbone
def test_representation_is_the_mean_of_the_feature_map(name):
  case, network = _CASES[name], _network(name)
  features = network.feature_map(_input(name))
  assert features.shape == [2, *case.feature_map]
  assert network.output_dim == case.feature_map[-1]
  inputs = _random(2, *(case.larger or case.shape))
  features = network.feature_map(inputs)
  assert np.prod(features.shape[1:-1]) > 1
  mean = np.mean(features, axis=tuple(range(1, len(features.shape) - 1)))
  np.testing.assert_allclose(network(inputs), mean, rtol=1e-5)


_OTHER_STEM = _s3d(s3d.Stem.RGB)


@pytest.mark.parametrize(
  "config",
  [
    *(case.config for case in _CASES.values()),
    pytest.param(_OTHER_STEM, marks=pytest.mark.slow),
  ],
  ids=[*_CASES, "s3d_rgb"],
)
def test_gradient_reaches_every_variable(config):
  network = _build(config)
  names = [name for name, case in _CASES.items() if case.config == config]
  inputs = _input(*names) if names else _input("s3d")
  network(inputs)
  if names and _CASES[names[0]].randomised:
    reference_3d.randomise(network, seed=1)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(network(inputs, training=True) ** 2)
  variables = network.trainable_variables
  if config == _OTHER_STEM:
    assert len(variables) == _CASES["s3d"].trainable
  for variable, gradient in zip(variables, tape.gradient(loss, variables)):
    # A kernel of S3D before batch norms over few values has little.
    least = 0 if isinstance(config, s3d.S3DConfig) else 1e-6
    assert np.abs(gradient).max() > least, variable.name


@every_backbone
def test_optimisers_know_every_variable(name):
  variables = _network(name).trainable_variables
  variable_roles.check(variables)
  roles = [variable_roles.role(variable.name) for variable in variables]
  assert roles.count(variable_roles.Role.WEIGHT) == _CASES[name].weights
  assert len(variables) == _CASES[name].trainable


@every_backbone
def test_one_training_pass_moves_the_statistics_of_every_norm(name):
  backbone = _build(_CASES[name].config)
  backbone(_input(name))
  backbone(_input(name), training=True)
  statistics = backbone.non_trainable_variables
  assert statistics
  for variable in statistics:
    start = 1.0 if "variance" in variable.name else 0.0
    assert np.abs(variable.numpy() - start).min() > 0, variable.name


@every_backbone
def test_same_seed_gives_the_same_weights(name):
  config = _CASES[name].config
  first, again, other = (_build(config, seed) for seed in (3, 3, 4))
  # Whatever is called first.
  for backbone in (other, again, first):
    backbone(_input(name))
  for one, two in zip(first.get_weights(), again.get_weights()):
    np.testing.assert_array_equal(one, two)
  assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(
  ("name", "batch"),
  [
    *((name, None) for name in _CASES),
    *((name, 2) for name in _CASES if name != "s3d"),
    pytest.param("s3d", 2, marks=pytest.mark.slow),
  ],
)
def test_known_sizes_stay_static(name, batch):
  case, network = _CASES[name], _network(name)

  @tf.function(
    input_signature=[tf.TensorSpec([batch, *case.shape], tf.float32)],
    autograph=False,
  )
  def features(inputs):
    return network.feature_map(inputs, training=True)

  graph = features.get_concrete_function()
  assert graph.outputs[0].shape.as_list() == [batch, *case.feature_map]
  operations = [operation.type for operation in graph.graph.get_operations()]
  assert "Shape" not in operations


@every_backbone
def test_unknown_sizes_give_the_values_of_known_ones(name):
  # As in an exported model.
  case, network = _CASES[name], _network(name)
  unknown = [None] * len(case.shape)
  if name in _VIDEO:
    unknown[-1] = case.shape[-1]

  @tf.function(
    input_signature=[tf.TensorSpec([None, *unknown], tf.float32)],
    autograph=False,
  )
  def any_size(inputs):
    return network(inputs)

  for shape in ((2, *case.shape), *case.other_shapes):
    inputs = _random(*shape)
    np.testing.assert_allclose(
      any_size(inputs), network(inputs), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
  "config",
  [
    tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
    r3d.R3DConfig(blocks=(1, 1, 1), width=0.0625),
  ],
  ids=["tsm_resnet", "r3d"],
)
def test_compiled_training_pass_equals_the_plain_one(config):
  video = _random(2, 4, 24, 20, 3)

  def gradient_norms(compiled):
    backbone = _build(config)
    backbone(video)

    @tf.function(jit_compile=compiled, autograph=False)
    def gradients(video):
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(backbone(video, training=True) ** 2)
      return tape.gradient(loss, backbone.trainable_variables)

    return [np.linalg.norm(gradient) for gradient in gradients(video)]

  # Sums in another order; a relu at zero may flip.
  np.testing.assert_allclose(
    gradient_norms(True), gradient_norms(False), rtol=5e-3
  )


@every_backbone
def test_bfloat16_is_close_and_returns_float32(name):
  network, inputs = _network(name), _input(name)
  expected = network(inputs)
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    backbone = _build(_CASES[name].config)
    backbone(inputs)
    backbone.set_weights(network.get_weights())
    representation = backbone(inputs)
    features = backbone.feature_map(inputs)
    endpoints = getattr(backbone, "endpoints", lambda _: {})(inputs)
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert representation.dtype == features.dtype == tf.float32
  assert {v.dtype for v in backbone.variables} == {tf.float32}
  if name == "s3d":
    kinds = {name: endpoint.dtype for name, endpoint in endpoints.items()}
    assert kinds.pop("Embeddings") == tf.float32
    assert set(kinds.values()) == {tf.bfloat16}
  # 8 bits of mantissa through 13 to 30 layers.
  np.testing.assert_allclose(
    representation, expected, atol=0.03 * np.abs(expected).max()
  )


@pytest.mark.parametrize("name", [name for name in _VIDEO if name != "s3d"])
def test_one_frame_and_flow_are_allowed(name):
  flow = tf.zeros([2, 1, 16, 16, 2])
  backbone = _build(_CASES[name].config)
  assert np.isfinite(backbone(flow, training=True)).all()


@pytest.mark.parametrize("name", ["tsm_resnet", "resnet_audio"])
def test_inputs_that_are_all_the_same_train_without_nan(name):
  backbone = _build(_CASES[name].config)
  value = 0.7 if name in _VIDEO else 0.0
  with tf.GradientTape() as tape:
    inputs = tf.fill([2, *_CASES[name].shape], value)
    loss = tf.reduce_sum(backbone(inputs, training=True) ** 2)
  gradients = tape.gradient(loss, backbone.trainable_variables)
  assert gradients
  for gradient in gradients:
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
  "config",
  [
    tsm_resnet.TSMResNetConfig,
    r3d.R3DConfig,
    r2plus1d.R2Plus1DConfig,
    resnet_audio.AudioResNetConfig,
  ],
)
@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"blocks": ()}, r"`blocks` \(\(\)\) must hold 1 to 4 numbers"),
    ({"blocks": (1, 0)}, r"`blocks` \(\(1, 0\)\) must hold 1 to 4"),
    ({"blocks": (1,) * 5}, r"must hold 1 to 4 numbers above 0"),
    ({"width": 0.3}, r"`width` \(0.3\) must be a positive multiple"),
    ({"width": 0.0}, r"`width` \(0.0\) must be a positive multiple"),
  ],
)
def test_config_that_breaks_a_rule(config, change, message):
  with pytest.raises(ValueError, match=message):
    config(**change).build("backbone")


@every_backbone
def test_input_of_another_rank(name):
  letters = "B, T, H, W, C" if name in _VIDEO else "B, S, M"
  rank = 1 + len(_CASES[name].shape)
  with pytest.raises(
    ValueError,
    match=rf"input of `backbone` .* must be \[{letters}\], of rank {rank}",
  ):
    _network(name)(tf.zeros([2, 24, 20, 3]))


@every_backbone
def test_input_of_integers(name):
  with pytest.raises(TypeError, match=r"\(uint8\) must be floating; scale"):
    _network(name)(tf.zeros([2, *_CASES[name].shape], tf.uint8))


@pytest.mark.parametrize("name", ["tsm_resnet", "resnet_audio", "s3d"])
def test_published_names_before_the_first_call(name):
  backbone = _build(_CASES[name].config)
  with pytest.raises(ValueError, match="has no weights yet; call the network"):
    backbone.haiku_variables("root")


@pytest.mark.parametrize("name", ["tsm_resnet", "resnet_audio", "s3d"])
def test_published_names_cover_every_variable_once(name):
  network = _network(name)
  named = network.haiku_variables("root")
  assert len(named) == len(network.variables)
  assert {variable.ref() for variable in named.values()} == {
    variable.ref() for variable in network.variables
  }
