import numpy as np
import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.augment import flow
from tfvssl.data.records import schema


def _augment(stored, probability, *, bound_px=20.0, scale_px=20.0):
  samples = np.arange(len(stored))
  spec = views.FlowViewSpec(flip_probability=probability, scale_px=scale_px)
  return flow.augment(
    tf.convert_to_tensor(stored),
    spec,
    bound_px=bound_px,
    seed=0,
    epoch=np.zeros_like(samples),
    sample_index=samples,
    view="broad_flow",
  ).numpy()


def _noise(*shape):
  draw = np.random.RandomState(0)
  return draw.randint(1, 256, (*shape, 2)).astype(np.uint8)


def test_bytes_become_pixels_per_frame():
  stored = np.array([1, 128, 255, 192], np.uint8)
  np.testing.assert_allclose(
    flow.to_pixels(stored, 20.0), [-20, 0, 20, 64 / 127 * 20], rtol=1e-6
  )
  assert schema.FLOW_ZERO == 128 and schema.FLOW_LEVELS == 127


@pytest.mark.parametrize("bound_px, scale_px", [(20.0, 20.0), (10.0, 5.0)])
def test_flow_is_in_units_of_the_scale(bound_px, scale_px):
  stored = _noise(2, 3, 4, 6)
  output = _augment(stored, 0.0, bound_px=bound_px, scale_px=scale_px)
  expected = (stored.astype(np.float64) - 128) / 127 * bound_px / scale_px
  np.testing.assert_allclose(output, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("scale_px", [20.0, 5.0])
def test_a_mirrored_clip_moves_the_other_way(scale_px):
  stored = _noise(3, 2, 5, 7)
  kept = _augment(stored, 0.0, scale_px=scale_px)
  mirrored = _augment(stored, 1.0, scale_px=scale_px)
  np.testing.assert_array_equal(mirrored[..., 0], -kept[:, :, :, ::-1, 0])
  np.testing.assert_array_equal(mirrored[..., 1], kept[:, :, :, ::-1, 1])


def test_flip_probability():
  stored = np.full((4000, 1, 1, 1, 2), 200, np.uint8)
  u = _augment(stored, 0.5)[:, 0, 0, 0, 0]
  np.testing.assert_allclose(np.mean(u < 0), 0.5, atol=4 * 0.5 / 4000**0.5)


def test_no_motion_stays_exactly_zero():
  stored = np.full((4, 1, 3, 3, 2), schema.FLOW_ZERO, np.uint8)
  assert not _augment(stored, 0.5).any()


def test_xla_gives_the_same():
  stored = _noise(8, 2, 6, 6)
  samples = np.arange(8)
  spec = views.FlowViewSpec()

  def run(stored):
    return flow.augment(
      stored,
      spec,
      bound_px=20.0,
      seed=4,
      epoch=samples,
      sample_index=samples,
      view="broad_flow",
    )

  plain, xla = (
    tf.function(run, jit_compile=jit_compile, autograph=False)(stored).numpy()
    for jit_compile in (False, True)
  )
  np.testing.assert_allclose(plain, xla, rtol=0, atol=1e-6)
  assert (plain[..., 0] != (_augment(stored, 0.0)[..., 0])).any()
