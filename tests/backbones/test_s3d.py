import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.backbones import reference_3d
from tfvssl.backbones import batch_norm
from tfvssl.backbones import s3d
from tfvssl.config import stored_config
from tfvssl.config import tree

_RGB = s3d.Stem.RGB
_ROOT = "text_audio_video/visual_module/~/S3D"


def _small(seed=0, **changes):
  tf.keras.utils.set_random_seed(seed)
  return s3d.S3DConfig(**{"width": 0.0625, **changes}).build("backbone")


def _video(shape=(2, 4, 24, 20, 3)):
  return tf.random.stateless_uniform(shape, [0, 1])


@pytest.fixture(scope="module")
def network():
  backbone = _small()
  backbone(_video())
  return backbone


@pytest.fixture(scope="module")
def rgb_network():
  backbone = _small(stem=_RGB)
  backbone(_video())
  return backbone


def _without_weights(settings, shape):
  """Returns the network and its endpoints in a graph that never runs."""
  with tf.Graph().as_default():
    backbone = settings.build("backbone")
    return backbone, backbone.endpoints(tf.zeros(shape))


@functools.cache
def _as_published(stem):
  return _without_weights(s3d.S3DConfig(stem=stem), [1, 16, 224, 224, 3])


@pytest.mark.parametrize(
  ("stem", "count"),
  # Source: paper Table 1, 9.1 million.
  [
    (s3d.Stem.SPACE_TO_DEPTH, 9_146_000),
    pytest.param(s3d.Stem.RGB, 9_162_704, marks=pytest.mark.slow),
  ],
)
def test_number_of_parameters_is_the_papers(stem, count):
  backbone, _ = _as_published(stem)
  sizes = [v.shape.num_elements() for v in backbone.trainable_variables]
  assert sum(sizes) == count
  norms = [
    module
    for module in backbone.submodules
    if isinstance(module, batch_norm.SynchronizedBatchNorm)
  ]
  assert len(norms) == 76
  assert s3d.S3DConfig(stem=stem).output_dim == backbone.output_dim == 1024


def test_the_published_network_is_the_default():
  assert s3d.S3DConfig().stem is s3d.Stem.SPACE_TO_DEPTH


@pytest.mark.parametrize(
  "stem",
  [
    s3d.Stem.SPACE_TO_DEPTH,
    pytest.param(s3d.Stem.RGB, marks=pytest.mark.slow),
  ],
)
def test_endpoints_of_sixteen_frames(stem):
  # Source: the released s3d_test.py.
  _, endpoints = _as_published(stem)
  sizes = {
    "Conv2d_1a_7x7": (8, 112, 64),
    "MaxPool_2a_3x3": (8, 56, 64),
    "Conv2d_2b_1x1": (8, 56, 64),
    "Conv2d_2c_3x3": (8, 56, 192),
    "MaxPool_3a_3x3": (8, 28, 192),
    "Mixed_3b": (8, 28, 256),
    "Mixed_3c": (8, 28, 480),
    "MaxPool_4a_3x3": (4, 14, 480),
    "Mixed_4b": (4, 14, 512),
    "Mixed_4c": (4, 14, 512),
    "Mixed_4d": (4, 14, 512),
    "Mixed_4e": (4, 14, 528),
    "Mixed_4f": (4, 14, 832),
    "MaxPool_5a_2x2": (2, 7, 832),
    "Mixed_5b": (2, 7, 832),
    "Mixed_5c": (2, 7, 1024),
  }
  shapes = {name: [1, t, s, s, c] for name, (t, s, c) in sizes.items()}
  shapes["Embeddings"] = [1, 1024]
  assert {
    name: endpoint.shape.as_list() for name, endpoint in endpoints.items()
  } == shapes


def test_channels_are_rounded_and_never_none():
  settings = s3d.S3DConfig(width=0.05)
  # 3.2, 4.8, 6.4, 0.8, 1.6, 1.6
  assert settings.channels("Mixed_3b") == [3, 5, 6, 1, 2, 2]
  # 19.2 + 19.2 + 6.4 + 6.4
  assert settings.output_dim == 19 + 19 + 6 + 6
  assert s3d.S3DConfig(width=1e-3).channels("Mixed_3b") == [1] * 6
  assert _small(width=0.05)(_video()).shape == [2, 50]


def test_channels_of_a_block_are_frame_row_column_colour():
  video = tf.reshape(tf.range(24), [1, 2, 2, 2, 3])
  np.testing.assert_array_equal(
    s3d.space_to_depth(video), np.arange(24).reshape([1, 1, 1, 1, 24])
  )


def test_blocks_lie_side_by_side():
  frame, row, column = np.ogrid[:4, :2, :4]
  video = (100 * frame + 10 * row + column)[np.newaxis, ..., np.newaxis]
  blocks = s3d.space_to_depth(tf.constant(video))
  assert blocks.shape == [1, 2, 1, 2, 8]
  np.testing.assert_array_equal(
    blocks[0, 1, 0, 1], [202, 203, 212, 213, 302, 303, 312, 313]
  )
  images = s3d.space_to_depth(tf.constant(video), frames=1)
  assert images.shape == [1, 4, 1, 2, 4]
  np.testing.assert_array_equal(images[0, 3, 0, 0], [300, 301, 310, 311])


def test_regrouped_rgb_kernel_gives_the_same_output():
  # Source: released s3d.py: zeros after the last tap of 3x7x7.
  rgb = _small(stem=_RGB, rgb_stem_frames=3)
  blocks = _small()
  video = _video((2, 6, 24, 20, 3))
  rgb(video)
  blocks(video)
  reference_3d.randomise(rgb, seed=1)
  kernel, *others = rgb.get_weights()
  assert kernel.shape == (3, 7, 7, 3, 4)
  padded = np.pad(kernel, [(0, 1), (0, 1), (0, 1), (0, 0), (0, 0)])
  regrouped = padded.reshape([2, 2, 4, 2, 4, 2, 3, 4])
  regrouped = regrouped.transpose([0, 2, 4, 1, 3, 5, 6, 7])
  blocks.set_weights([regrouped.reshape([2, 4, 4, 24, 4]), *others])
  expected = rgb.endpoints(video)
  for name, endpoint in blocks.endpoints(video).items():
    np.testing.assert_allclose(
      endpoint, expected[name], rtol=1e-4, atol=1e-6, err_msg=name
    )


def _stages_of(names, part):
  """Returns the stages, in order, that have a variable with `part`."""
  stages = [name.split("/")[1] for name in names if part in name]
  return list(dict.fromkeys(stages))


_MIXED = [f"Mixed_{block}" for block in ("3b", "3c")]
_MIXED += [f"Mixed_4{letter}" for letter in "bcdef"] + ["Mixed_5b", "Mixed_5c"]


@pytest.mark.parametrize(
  ("gating", "temporal", "gated", "three_frames"),
  [
    ("Conv2d_2c_3x3", "Mixed_3b", ["Conv2d_2c_3x3", *_MIXED], _MIXED),
    ("Mixed_5c", s3d.NEVER, ["Mixed_5c"], []),
    pytest.param(
      s3d.NEVER,
      "Mixed_5b",
      [],
      ["Mixed_5b", "Mixed_5c"],
      marks=pytest.mark.slow,
    ),
  ],
)
def test_gating_and_temporal_kernels_start_where_they_are_told(
  gating, temporal, gated, three_frames
):
  settings = s3d.S3DConfig(
    width=0.0625, gating_start=gating, temporal_start=temporal
  )
  backbone, _ = _without_weights(settings, [1, 2, 8, 8, 3])
  named = backbone.haiku_variables("root")
  assert _stages_of(named, "self_gating") == gated
  second = {
    name: kernel.shape[0]
    for name, kernel in named.items()
    if "conv3_d_1" in name
  }
  longer = [name for name, frames in second.items() if frames == 3]
  assert _stages_of(longer, "") == three_frames
  # A second kernel is there even where it sees one frame.
  assert _stages_of(second, "") == ["Conv2d_2c_3x3", *_MIXED]
  assert set(second.values()) <= {1, 3}


@pytest.mark.parametrize("frames", [1, 3, 5, 7])
def test_rgb_stem_sees_as_many_frames_as_told(frames):
  backbone = _small(stem=_RGB, rgb_stem_frames=frames, temporal_start=s3d.NEVER)
  video = _video((1, 15, 8, 8, 3))
  middle = tf.one_hot(7, 15)[:, tf.newaxis, tf.newaxis, tf.newaxis]
  stem = [
    backbone.stages["Conv2d_1a_7x7"](clip) for clip in (video, video + middle)
  ]
  changed = np.abs(stem[1] - stem[0]).max(axis=(0, 2, 3, 4)) > 0
  # With 15 frames, SAME at stride 2 centres output t on frame 2 t.
  reach = frames // 2
  assert changed.tolist() == [abs(2 * t - 7) <= reach for t in range(8)]


_COMPARED = ("Conv2d_1a_7x7", "Conv2d_2c_3x3", "Mixed_3b")


@pytest.mark.slow
def test_compiled_training_pass_equals_the_plain_one():
  def gradient_norms(compiled):
    backbone = _small()
    video = _video((2, 8, 32, 32, 3))
    backbone(video)

    @tf.function(jit_compile=compiled, autograph=False)
    def value_and_gradients(video):
      with tf.GradientTape() as tape:
        # Later blocks have batch norms over too few values to compare.
        features = backbone.endpoints(video, training=True)["Mixed_3b"]
        loss = tf.reduce_mean(features**2)
      stages = [backbone.stages[name] for name in _COMPARED]
      variables = [v for stage in stages for v in stage.trainable_variables]
      return [loss, *tape.gradient(loss, variables)]

    return [np.linalg.norm(value) for value in value_and_gradients(video)]

  # Sums in another order; a relu at zero may flip. What batch norm undoes has
  # no gradient but rounding.
  np.testing.assert_allclose(
    gradient_norms(True), gradient_norms(False), rtol=1e-3, atol=1e-6
  )


@pytest.mark.slow
def test_compiled_evaluation_equals_the_plain_one(network):
  compiled = tf.function(network, jit_compile=True, autograph=False)
  np.testing.assert_allclose(
    compiled(_video()), network(_video()), rtol=1e-4, atol=1e-6
  )


def test_published_names_cover_every_variable_once(network):
  named = network.haiku_variables(_ROOT)
  assert len(named) == len(network.variables)
  block = network.stages["Mixed_4c"]
  unit = block.branches[2][1]
  path = f"{_ROOT}/Mixed_4c/Branch_2_Conv2d_0b_3x3"
  assert named[f"{path}/~/conv3_d/w"] is unit.convs[0].conv.kernel
  assert named[f"{path}/~/conv3_d_1/w"] is unit.convs[1].conv.kernel
  assert named[f"{path}/batch_norm_1/scale"] is unit.convs[1].norm.gamma
  assert named[f"{path}/self_gating/b"] is unit.gate.bias


def test_config_survives_its_file_form():
  settings = s3d.S3DConfig(stem=_RGB, gating_start="Mixed_4b", width=0.5)
  assert stored_config.from_tree(tree.to_tree(settings)) == settings


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"rgb_stem_frames": 2}, r"`rgb_stem_frames` \(2\) must be 1, 3, 5 or 7"),
    ({"width": 0.0}, r"`width` \(0.0\) must be above 0; try 0.25"),
    (
      {"gating_start": "Mixed_4g"},
      r"`gating_start` \('Mixed_4g'\) must be an endpoint that can have it;"
      r" did you mean `Mixed_4",
    ),
    (
      {"temporal_start": ""},
      r"`temporal_start` \(''\) must .* known: Conv2d_2c_3x3, .*, never\.",
    ),
  ],
)
def test_config_that_breaks_a_rule(change, message):
  with pytest.raises(ValueError, match=message):
    _small(**change)


@pytest.mark.parametrize(
  "shape", [(1, 3, 8, 8, 3), (1, 4, 9, 8, 3), (1, 4, 8, 7, 3)]
)
def test_odd_sizes_have_no_blocks(network, rgb_network, shape):
  with pytest.raises(
    ValueError,
    match=r"must have T, H and W divisible by 2, 2 and 2 .* set `stem` to rgb",
  ):
    network(tf.zeros(shape))
  assert np.isfinite(rgb_network(tf.zeros(shape))).all()


def test_deflated_network_takes_one_frame():
  deflated = _small(deflated=True)
  with pytest.raises(ValueError, match=r"must have one frame, as the network"):
    deflated(_video())
  with pytest.raises(ValueError, match=r"divisible by 1, 2 and 2"):
    deflated(tf.zeros([1, 1, 9, 8, 3]))
