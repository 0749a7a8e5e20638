import numpy as np
import pytest
import tensorflow as tf

from tests.backbones import reference_3d
from tfvssl.backbones import s3d_blocks


def _video(shape=(2, 4, 24, 20, 3)):
  return tf.random.stateless_uniform(shape, [0, 1])


def test_gating_multiplies_channels_by_what_all_of_them_decide():
  unit = s3d_blocks.Unit(2, [(1, 1, 1)], gating=True, name="unit")
  clips = np.array([[[1.0, 0.0], [3.0, 4.0]], [[-2.0, 6.0], [0.0, 2.0]]])
  clips = tf.constant(clips.reshape([2, 2, 1, 1, 2]), tf.float32)
  unit(clips)
  unit.convs[0].conv.kernel.assign([[[np.eye(2)]]])
  unit.convs[0].norm.moving_variance.assign([1 - 1e-5] * 2)
  unit.gate.kernel.assign([[1.0, -1.0], [0.5, 0.0]])
  unit.gate.bias.assign([0.0, 2.0])
  # After relu the means are (2, 2) and (0, 4); times the matrix, plus bias:
  # (2 + 1, -2 + 2) and (0 + 2, 0 + 2).
  a, b, c = [1 / (1 + np.exp(-x)) for x in (3.0, 0.0, 2.0)]
  np.testing.assert_allclose(
    unit(clips)[:, :, 0, 0],
    [[[1 * a, 0], [3 * a, 4 * b]], [[0, 6 * c], [0, 2 * c]]],
    rtol=1e-6,
  )


def test_branches_follow_in_their_order():
  block = s3d_blocks.Inception(
    (1, 7, 2, 7, 3, 4), 3, gating=False, name="block"
  )
  block(_video())
  for number, branch in enumerate(block.branches):
    norm = branch[-1].convs[-1].norm
    norm.gamma.assign(tf.zeros_like(norm.gamma))
    norm.beta.assign(tf.fill(norm.beta.shape, float(number)))
  expected = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
  np.testing.assert_array_equal(
    block(_video()), np.broadcast_to(expected, [2, 4, 24, 20, 10])
  )


def _expected_unit(x, unit, sizes, training):
  for conv, size in zip(unit.convs, sizes, strict=True):
    x = reference_3d.relu(
      reference_3d.conv_norm(x, conv, size, (1, 1, 1), training)
    )
  if unit.gate is not None:
    mean = x.mean((1, 2, 3), keepdims=True)
    logits = mean @ unit.gate.kernel.numpy() + unit.gate.bias.numpy()
    x = x / (1 + np.exp(-logits))
  return x


def _expected_inception(x, block, temporal_size, training):
  pointwise = [(1, 1, 1)]
  separable = [(1, 3, 3), (temporal_size, 1, 1)]
  windows = reference_3d.windows(x, (3, 3, 3), (1, 1, 1), -np.inf)
  pooled = np.max([window for _, window in windows], axis=0)
  outputs = [x, x, x, pooled]
  plans = ([pointwise], *[[pointwise, separable]] * 2, [pointwise])
  for number, plan in enumerate(plans):
    for unit, sizes in zip(block.branches[number], plan, strict=True):
      outputs[number] = _expected_unit(outputs[number], unit, sizes, training)
  return np.concatenate(outputs, axis=-1)


@pytest.mark.parametrize("temporal_size", [1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_inception_is_that_of_the_definition(temporal_size, training):
  tf.keras.utils.set_random_seed(0)
  block = s3d_blocks.Inception(
    (2, 3, 4, 1, 3, 2), temporal_size, gating=True, name="block"
  )
  video = _video((2, 5, 7, 6, 3)) - 0.5
  block(video)
  reference_3d.randomise(block, seed=1)
  for branch in block.branches:
    assert [unit.gate is not None for unit in branch] == (
      [True] if len(branch) == 1 else [False, True]
    )
    gate = branch[-1].gate
    gate.bias.assign(tf.range(gate.units, dtype=tf.float32))
  expected = _expected_inception(
    video.numpy().astype(np.float64), block, temporal_size, training
  )
  np.testing.assert_allclose(
    block(video, training=training), expected, rtol=1e-5, atol=1e-5
  )


def test_training_keeps_the_statistics_of_all_frames_and_pixels():
  unit = s3d_blocks.Unit(2, [(1, 1, 1)], name="unit")
  video = _video((2, 3, 4, 5, 2))
  unit(video)
  unit.convs[0].conv.kernel.assign([[[np.eye(2)]]])
  unit(video, training=True)
  norm = unit.convs[0].norm
  np.testing.assert_allclose(
    norm.moving_mean, 0.1 * np.mean(video, axis=(0, 1, 2, 3)), rtol=1e-5
  )
  np.testing.assert_allclose(
    norm.moving_variance,
    0.9 + 0.1 * np.var(video, axis=(0, 1, 2, 3)),
    rtol=1e-5,
  )
