"""Flow of known motion, its bytes, and the way through a record."""

import numpy as np
import pytest
import scipy.ndimage
from skimage import registration
import tensorflow as tf

from data_prep.prepare_records import optical_flow
from tests.data import record_fixture
from tfvssl import views
from tfvssl.augment import flow as flow_augmentation
from tfvssl.data import clip_views
from tfvssl.data import one_pass
from tfvssl.data.records import reader

# Pixels to the right and down, from one frame to the next; 4 px is the most.
_DISPLACEMENTS = (
  (0.5, 0.0),
  (4.0, 0.0),
  (-4.0, 1.25),
  (0.0, 4.0),
  (1.9, -4.0),
  (-2.83, -2.83),
  (-0.2, 0.35),
)


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


@pytest.mark.parametrize("prefilter", [False, True])
@pytest.mark.parametrize("shape", [(36, 50), (32, 32), (70, 41), (20, 18)])
def test_solver_is_that_of_scikit_image_to_the_last_bit(shape, prefilter):
  settings = optical_flow.FlowSettings(prefilter=prefilter)
  rng = np.random.default_rng(3)
  first = scipy.ndimage.gaussian_filter(rng.random(shape), 1.5)
  second = scipy.ndimage.shift(first, (1.2, -0.4), mode="nearest")
  second[5:12, 5:15] = 0.5  # flat, so nothing is known there
  second += rng.normal(0, 0.02, shape)
  pairs = (first, second), (first, first), (np.zeros(shape), second)
  for one, two in pairs:
    one, two = (np.float32(np.clip(image, 0, 1)) for image in (one, two))
    rows, columns = registration.optical_flow_tvl1(
      one,
      two,
      attachment=settings.attachment,
      tightness=settings.tightness,
      num_warp=settings.num_warp,
      num_iter=settings.num_iter,
      tol=settings.tol,
      prefilter=prefilter,
    )
    found = optical_flow.tvl1(one, two, settings)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.stack([columns, rows], axis=-1))


def _moving_frames(height, width, sigma):
  """Returns 8-bit frames of a texture that _DISPLACEMENTS move, exactly.

  The texture repeats, so a shift is a factor on its Fourier transform.
  """
  noise = np.random.default_rng(1).random((height, width))
  smooth = scipy.ndimage.gaussian_filter(noise, sigma, mode="wrap")
  spectrum = np.fft.fft2((smooth - smooth.min()) / np.ptp(smooth))
  places = np.cumsum([(0.0, 0.0), *_DISPLACEMENTS], axis=0)
  frames = [
    np.fft.ifft2(scipy.ndimage.fourier_shift(spectrum, (down, right))).real
    for right, down in places
  ]
  return [np.float32(np.rint(255 * frame.clip(0, 1)) / 255) for frame in frames]


@pytest.fixture(scope="module", params=[2.0, 4.0])
def flow_records(request, tmp_path_factory):
  """Records of one clip with flow at the paper's short side, 128 px."""
  settings = optical_flow.FlowSettings()
  fields = optical_flow.clip_flow(
    _moving_frames(128, 170, request.param), settings
  )
  clip = record_fixture.make_clip(0, num_frames=1, modalities=("flow",))
  clip.flow = [tf.io.encode_png(field[..., None]).numpy() for field in fields]
  clip.flow_bound_px = settings.bound_px
  clip.flow_short_side_px = settings.short_side
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.write_records(folder, [clip], num_shards=1)


def _read_flow(folder, flip_probability):
  """Returns the input of the flow network in pixels, [T, 112, 112, 2]."""
  spec = views.FlowViewSpec(
    num_frames=len(_DISPLACEMENTS),
    frame_step=1,
    flip_probability=flip_probability,
    scale_px=2.5,
  )
  records = reader.open_for_views(folder, [spec])

  def sample_views(clip, seed):
    start = tf.constant(0)
    return {"flow": clip_views.view(clip, spec, start, seed=seed, name="flow")}

  (batch,) = one_pass.dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=0,
    batch_size=1,
  )
  view = batch["flow"]
  velocity = flow_augmentation.augment(
    view.flow,
    spec,
    bound_px=spec.bound_px,
    seed=0,
    epoch=view.epoch,
    sample_index=view.sample_index,
    view="flow",
  )
  return velocity[0].numpy() * spec.scale_px


def test_translations_come_back_from_a_record_within_a_tenth(flow_records):
  read = _read_flow(flow_records, flip_probability=0.0)
  for field, displacement in zip(read, _DISPLACEMENTS, strict=True):
    error = np.abs(field[12:-12, 12:-12] - np.float32(displacement))
    assert error.mean(axis=(0, 1)).max() < 0.1, displacement


def test_what_moved_right_moves_left_in_a_flipped_view(flow_records):
  read = _read_flow(flow_records, flip_probability=1.0)
  plain = _read_flow(flow_records, flip_probability=0.0)
  np.testing.assert_array_equal(read, plain[:, :, ::-1] * [-1.0, 1.0])
  for field, (right, down) in zip(read, _DISPLACEMENTS, strict=True):
    error = np.abs(field[12:-12, 12:-12] - np.float32([-right, down]))
    assert error.mean(axis=(0, 1)).max() < 0.1


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
