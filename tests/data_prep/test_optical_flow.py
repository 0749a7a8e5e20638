"""Flow of known motion, and its bytes."""

import numpy as np
import pytest
import scipy.ndimage

from data_prep import optical_flow


def _texture(shift_x, shift_y, size=64):
  """Returns a smooth texture moved by a fraction of a pixel."""
  noise = np.random.default_rng(0).random((size, size))
  smooth = scipy.ndimage.gaussian_filter(noise, 3.0, mode="wrap")
  smooth = (smooth - smooth.min()) / np.ptp(smooth)
  moved = scipy.ndimage.shift(smooth, (shift_y, shift_x), mode="grid-wrap")
  return moved.astype(np.float32)


@pytest.mark.parametrize(("right", "down"), [(1.5, 0.0), (-0.75, 2.0)])
def test_flow_of_a_translation_through_the_bytes(right, down):
  settings = optical_flow.FlowSettings()
  packed = optical_flow.clip_flow(
    [_texture(0, 0), _texture(right, down)], settings
  )
  flow = optical_flow.unpack(packed[0], settings.bound_px)
  inner = flow[10:-10, 10:-10]
  error = np.abs(inner - np.float32([right, down])).mean(axis=(0, 1))
  assert error.max() < 0.1


def test_bytes_of_a_few_values():
  flow = np.float32([[[0.0, 20.0]], [[-20.0, -25.0]], [[10.0, 0.07]]])
  packed = optical_flow.pack(flow, 20.0)
  assert packed.dtype == np.uint8
  # u above v; rint(10 / 20 * 127) is 64, as 63.5 goes to the even number.
  assert packed[:, 0].tolist() == [128, 1, 192, 255, 1, 128]
  np.testing.assert_allclose(
    optical_flow.unpack(packed, 20.0)[:, 0],
    [[0.0, 20.0], [-20.0, -20.0], [64 * 20 / 127, 0.0]],
    rtol=1e-6,
  )


def test_error_of_packing_is_half_a_level():
  flow = np.random.default_rng(0).uniform(-20, 20, (8, 9, 2))
  flow = flow.astype(np.float32)
  back = optical_flow.unpack(optical_flow.pack(flow, 20.0), 20.0)
  assert np.abs(back - flow).max() <= 20 / 127 / 2 + 1e-5


def test_last_field_is_repeated():
  frames = [_texture(shift, 0) for shift in (0.0, 1.0, 3.0)]
  packed = optical_flow.clip_flow(frames, optical_flow.FlowSettings())
  assert len(packed) == 3
  np.testing.assert_array_equal(packed[1], packed[2])
  means = [
    optical_flow.unpack(image, 20.0)[10:-10, 10:-10, 0].mean()
    for image in packed
  ]
  np.testing.assert_allclose(means, [1.0, 2.0, 2.0], atol=0.1)


def test_single_frame_has_no_motion():
  settings = optical_flow.FlowSettings()
  packed = optical_flow.clip_flow([_texture(0, 0)], settings)
  assert len(packed) == 1
  assert packed[0].shape == (128, 64)
  assert (packed[0] == 128).all()


@pytest.mark.parametrize(
  ("field", "message"),
  [
    ({"short_side": 8}, r"`flow_short_side` \(8\) must be at least 16\."),
    ({"bound_px": 0.0}, r"`flow_bound_px` \(0\) must be above 0 and fin"),
    ({"bound_px": float("nan")}, r"`flow_bound_px` \(nan\) must be above"),
  ],
)
def test_sizes_that_make_no_sense(field, message):
  with pytest.raises(ValueError, match=message):
    optical_flow.FlowSettings(**field).validate()
