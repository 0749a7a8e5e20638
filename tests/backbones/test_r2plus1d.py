import numpy as np
import pytest
import tensorflow as tf

from configs import tiny_brave_r2plus1d
from tests import tiny_runs
from tests.backbones import reference_3d
from tfvssl.backbones import r2plus1d
from tfvssl.config import stored_config
from tfvssl.config import tree

_BASIC, _BOTTLENECK = r2plus1d.Residual
_CONVOLUTION, _BLOCK = r2plus1d.MidWidth
_SMALL = {"blocks": (1, 2), "width": 0.0625}


def _small(seed=0, **changes):
  tf.keras.utils.set_random_seed(seed)
  return r2plus1d.R2Plus1DConfig(**{**_SMALL, **changes}).build("backbone")


def _video(shape=(2, 6, 24, 20, 3)):
  return tf.random.stateless_uniform(shape, [0, 1])


@pytest.mark.parametrize(
  # Printed: the paper's Table 6, then the model zoo of Tran et al.'s code.
  ("blocks", "residual", "expected", "features", "printed"),
  [
    ((2, 2, 2, 2), _BASIC, 33_165_639, 512, "33.3"),
    ((3, 4, 6, 3), _BOTTLENECK, 46_165_457, 2048, "46.9"),
    pytest.param(
      *((3, 4, 6, 3), _BASIC, 63_491_975, 512, "63.6"), marks=pytest.mark.slow
    ),
    pytest.param(
      *((3, 8, 36, 3), _BOTTLENECK, 117_407_185, 2048, "118.0"),
      marks=pytest.mark.slow,
    ),
  ],
)
def test_printed_sizes_are_convolutions_and_400_classes(
  blocks, residual, expected, features, printed
):
  weights = reference_3d.number_of_weights(
    r2plus1d.R2Plus1DConfig(blocks=blocks, residual=residual)
  )
  assert weights["all"] == expected
  counted = weights["kernels"] + (features + 1) * 400
  assert f"{counted / 1e6:.1f}" == printed


@pytest.mark.parametrize(
  ("blocks", "residual", "expected"),
  [
    # torchvision's r2plus1d_18 has 31,505,325, with 400 classes.
    ((2, 2, 2, 2), _BASIC, 31_505_325 - 513 * 400),
    ((3, 4, 6, 3), _BOTTLENECK, 53_130_091),
  ],
)
def test_number_of_parameters_by_block(blocks, residual, expected):
  weights = reference_3d.number_of_weights(
    r2plus1d.R2Plus1DConfig(blocks=blocks, residual=residual, mid_width=_BLOCK)
  )
  assert weights["all"] == expected


def test_number_of_parameters_with_640_channels():
  config = r2plus1d.R2Plus1DConfig(
    mid_width=_BLOCK, channels=(64, 128, 256, 640)
  )
  # The 42.8M of STiCA's Table 1d are these and a layer of 400 classes.
  assert reference_3d.number_of_weights(config)["all"] == 42_566_677


def test_two_units_of_equal_width_halve_the_second_one():
  network = r2plus1d.R2Plus1DConfig(
    blocks=(1, 1, 1), width=0.0625, channels=(64, 128, 128)
  ).build("backbone")
  # 24 -> 12 by the stem, and by two units.
  assert network.feature_map(_video()).shape == [2, 2, 3, 3, 8]


def test_every_unit_has_its_channels():
  with pytest.raises(
    ValueError, match=r"`channels` \(\(8, 16\)\) must have one"
  ):
    r2plus1d.R2Plus1DConfig(channels=(8, 16)).validate()


def _mid_widths(**changes):
  units = r2plus1d.R2Plus1DConfig(blocks=(2, 2), **changes).build("x").units
  return [
    [layer.conv.filters for layer in block.branch if "spatial" in layer.name]
    for unit in units
    for block in unit
  ]


@pytest.mark.parametrize(
  # Source: facebookresearch/VMZ issues 82 (bottlenecks) and 89.
  ("changes", "expected"),
  [
    ({}, [[144, 144], [144, 144], [230, 288], [288, 288]]),
    (
      {"mid_width": _BLOCK},
      [[144, 144], [144, 144], [230, 230], [288, 288]],
    ),
    ({"residual": _BOTTLENECK}, [[144], [144], [288], [288]]),
    (
      {"residual": _BOTTLENECK, "mid_width": _BLOCK},
      [[144], [177], [329], [354]],
    ),
  ],
)
def test_width_between_space_and_time(changes, expected):
  assert _mid_widths(**changes) == expected


def test_mid_channels_keep_the_number_of_weights():
  # 27 * 5 * 7 = 945 weights; 14 gives 9 * 5 * 14 + 3 * 14 * 7 = 924, 15 gives
  # 990.
  assert r2plus1d.mid_channels(5, 7) == 14
  assert r2plus1d.mid_channels(64, 64) == 144


def _expected(network, video, training):
  """Returns the feature map of `_SMALL` with basic or bottleneck blocks."""

  def conv(x, layer, size, stride):
    return reference_3d.conv_norm(x, layer, size, stride, training)

  def split_conv(x, spatial, temporal, stride):
    x = relu(conv(x, spatial, (1, 3, 3), (1, stride, stride)))
    return conv(x, temporal, (3, 1, 1), (stride, 1, 1))

  relu = reference_3d.relu
  x = video.numpy().astype(np.float64)
  x = relu(conv(x, network.stem[0], (1, 7, 7), (1, 2, 2)))
  x = relu(conv(x, network.stem[1], (3, 1, 1), (1, 1, 1)))
  for unit, block, stride in ((0, 0, 1), (1, 0, 2), (1, 1, 1)):
    layers = network.units[unit][block]
    shortcut = x
    if x.shape[-1] != network.units[unit][0].branch[-1].conv.filters:
      shortcut = conv(x, layers.shortcut, (1, 1, 1), (stride,) * 3)
    if "spatial" in layers.branch[0].name:
      x = relu(split_conv(x, *layers.branch[:2], stride))
      x = split_conv(x, *layers.branch[2:], 1)
    else:
      x = relu(conv(x, layers.branch[0], (1, 1, 1), (1, 1, 1)))
      x = relu(split_conv(x, *layers.branch[1:3], stride))
      x = conv(x, layers.branch[3], (1, 1, 1), (1, 1, 1))
    x = relu(shortcut + x)
  return x


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("mid_width", [_CONVOLUTION, _BLOCK])
@pytest.mark.parametrize(
  ("residual", "channels"), [(_BASIC, 8), (_BOTTLENECK, 32)]
)
def test_feature_map_is_that_of_the_definition(
  residual, channels, mid_width, training
):
  network = _small(residual=residual, mid_width=mid_width)
  network(_video())
  reference_3d.randomise(network, seed=1)
  video = _video((2, 5, 25, 18, 3))
  expected = _expected(network, video, training)
  features = network.feature_map(video, training)
  assert features.shape == [2, 3, 7, 5, channels]
  np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
  ("residual", "frames", "expected"),
  [(_BASIC, 16, [2, 7, 6, 32]), (_BOTTLENECK, 32, [4, 7, 6, 128])],
)
def test_time_and_space_are_halved_three_times(residual, frames, expected):
  backbone = _small(blocks=(1, 1, 1, 1), residual=residual)
  features = backbone.feature_map(_video((1, frames, 112, 96, 3)))
  assert features.shape == [1, *expected]
  assert backbone.output_dim == expected[-1]


@pytest.mark.parametrize(
  # The stem, and one or two convolutions in time per block.
  ("residual", "blocks", "reach"),
  [(_BASIC, (1,), 3), (_BASIC, (2,), 5), (_BOTTLENECK, (2,), 3)],
)
def test_every_split_convolution_reaches_one_frame_further(
  residual, blocks, reach
):
  backbone = _small(residual=residual, blocks=blocks)
  video = _video((1, 12, 16, 16, 3))
  first = tf.one_hot(6, 12)[:, tf.newaxis, tf.newaxis, tf.newaxis]
  change = backbone.feature_map(video + 0.5 * first)
  change -= backbone.feature_map(video)
  changed = np.abs(change).max(axis=(0, 2, 3, 4)) > 0
  assert changed.tolist() == [abs(t - 6) <= reach for t in range(12)]


def test_tiny_config_trains_the_narrow_backbone():
  experiment = tiny_brave_r2plus1d.get_config()
  experiment.validate()
  assert experiment.optimizer.weight_decay == 1e-7
  assert stored_config.from_tree(tree.to_tree(experiment)) == experiment
  method = experiment.method.build()
  assert isinstance(method.narrow_backbone, r2plus1d.R2Plus1D)
  with tf.GradientTape() as tape:
    loss = method.loss(tiny_runs.batch(method, 4), seed=0)[0]
  variables = method.narrow_backbone.trainable_variables
  for variable, gradient in zip(variables, tape.gradient(loss, variables)):
    assert np.abs(gradient).max() > 0, variable.name
