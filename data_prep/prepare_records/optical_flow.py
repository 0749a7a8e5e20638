"""TV-L1 optical flow of a clip, packed into 8-bit images and read back.

A flow field belongs to frame t and points to frame t + 1 of the record's 25
frames per second, in pixels of the small image it is computed on; the last
frame repeats the field before it. u (right) lies above v (down) in one grey
image of the bytes that data.records.schema describes.
"""

import dataclasses
import itertools

import numpy as np

from tfvssl.data.records import schema

# scikit-image's pyramid, and its dual steps per iteration.
_MOST_LEVELS, _SMALLEST_SIDE, _SMOOTHING_STEPS = 10, 16, 2


@dataclasses.dataclass
class FlowSettings:
  """How flow is computed; the names of skimage's optical_flow_tvl1.

  Its defaults find textures moved by up to 4 px to 0.03 px at a short side of
  128; packing at the bound of 20 px adds up to 0.08 px. Both are measured in
  tests/data_prep/prepare_records/test_optical_flow.py.

  Attributes:
    short_side: of the grey images it is computed on, in pixels.
    bound_px: the largest component that can be stored, pixels per frame.
    attachment: weight of the data term; larger follows the pictures closer.
    tightness: coupling of the two steps.
    num_warp: warps per pyramid level.
    num_iter: iterations per warp.
    tol: stopping rule.
    prefilter: median filter before each warp.
  Source: paper appendix A.1 for TV-L1; the parameters are skimage's defaults.
  """

  short_side: int = 128
  bound_px: float = 20.0
  attachment: float = 15.0
  tightness: float = 0.3
  num_warp: int = 5
  num_iter: int = 10
  tol: float = 1e-4
  prefilter: bool = False

  def validate(self) -> None:
    """Raises ValueError for the first rule that does not hold."""
    if self.short_side < 16:
      raise ValueError(
        f"`flow_short_side` ({self.short_side}) must be at least 16."
      )
    if not 0 < self.bound_px < float("inf"):
      raise ValueError(
        f"`flow_bound_px` ({self.bound_px:g}) must be above 0 and finite."
      )


def tvl1(
  first: np.ndarray, second: np.ndarray, settings: FlowSettings
) -> np.ndarray:
  """Returns the flow from `first` to `second` in pixels.

  From coarse to fine over a pyramid of halved images; every level begins with
  the flow of the one before.

  Args:
    first: grey image float32 [H, W] in [0, 1].
    second: the next one.
    settings: parameters.

  Returns:
    float32 [H, W, 2], (u right, v down).
  """
  levels = list(zip(_pyramid(first), _pyramid(second)))
  flow = np.zeros([2, *levels[0][0].shape], np.float32)
  for small_first, small_second in levels:
    flow = _resize(flow, small_first.shape)
    flow = _solve(small_first, small_second, flow, settings)
  return np.stack([flow[1], flow[0]], axis=-1)


def _pyramid(image):
  """Returns the image and its halvings, the smallest first."""
  from skimage import transform  # costs a second; only flow needs it

  levels = [image.astype(np.float32)]
  while (
    len(levels) < _MOST_LEVELS and min(levels[-1].shape) > 2 * _SMALLEST_SIDE
  ):
    levels.append(transform.pyramid_reduce(levels[-1], channel_axis=None))
  return levels[::-1]


def _resize(flow, shape):
  """Returns flow [2, *shape] in pixels of that size."""
  if flow.shape[1:] == shape:
    return flow
  from scipy import ndimage

  scale = [new / old for new, old in zip(shape, flow.shape[1:])]
  factor = np.array(scale, np.float32)[:, np.newaxis, np.newaxis]
  return factor * ndimage.zoom(
    flow, [1, *scale], order=0, mode="nearest", prefilter=False
  )


def _solve(first, second, flow, settings):
  """Returns the flow of one level, float32 [2, H, W] as (rows, columns)."""
  from scipy import ndimage
  from skimage import transform

  tolerance = settings.tol * first.size
  limit = settings.attachment * settings.tightness
  grid = np.indices(first.shape, np.float32)
  dual = np.zeros([2, 2, *first.shape], np.float32)
  for _ in range(settings.num_warp):
    before = None
    if settings.prefilter:
      before, flow = flow, ndimage.median_filter(flow, [1, 3, 3])
    warped = transform.warp(second, grid + flow, mode="edge")
    gradient = np.array(np.gradient(warped))
    steepness = (gradient * gradient).sum(0)
    steepness[steepness == 0] = 1
    residual = warped - first - (gradient * flow).sum(0)
    for _ in range(settings.num_iter):
      error = residual + (gradient[0] * flow[0] + gradient[1] * flow[1])
      target = flow - _data_step(error, gradient, steepness, limit)
      # As in scikit-image: how far the first target of a warp is moved.
      before = target if before is None else before
      flow = _smoothness_step(target, dual, settings)
    change = before - flow
    if (change * change).sum() < tolerance:
      break
  return flow


def _data_step(error, gradient, steepness, limit):
  """Returns the step that explains the error in brightness, but limited."""
  whole = error * gradient
  whole /= steepness
  limited = limit * np.sign(error) * gradient
  return np.where(abs(error) <= limit * steepness, whole, limited)


def _smoothness_step(target, dual, settings):
  """Returns the flow near `target` of little total variation.

  Args:
    target: float32 [2, H, W].
    dual: float32 [2, 2, H, W], changed in place.
    settings: parameters.
  """
  step = 0.5 / 2
  slope = np.zeros_like(dual)
  flow = target
  for _ in range(_SMOOTHING_STEPS):
    np.subtract(flow[:, 1:], flow[:, :-1], out=slope[:, 0, :-1])
    np.subtract(flow[:, :, 1:], flow[:, :, :-1], out=slope[:, 1, :, :-1])
    squares = slope * slope
    size = np.sqrt(squares[:, :1] + squares[:, 1:])
    size *= step / settings.tightness
    size += 1.0
    dual -= step * slope
    dual /= size
    divergence = -(dual[:, 0] + dual[:, 1])
    divergence[:, 1:] += dual[:, 0, :-1]
    divergence[:, :, 1:] += dual[:, 1, :, :-1]
    flow = target + divergence
  return flow


def clip_flow(
  grey: list[np.ndarray], settings: FlowSettings
) -> list[np.ndarray]:
  """Returns packed flow images, one for every frame.

  Args:
    grey: the clip's frames, float32 [H, W] in [0, 1].
    settings: parameters.

  Returns:
    uint8 [2 H, W] images; a single frame has no motion: one image of zeros.
  """
  if len(grey) == 1:
    return [pack(np.zeros((*grey[0].shape, 2), np.float32), settings.bound_px)]
  packed = [
    pack(tvl1(first, second, settings), settings.bound_px)
    for first, second in itertools.pairwise(grey)
  ]
  return packed + packed[-1:]


def pack(flow: np.ndarray, bound_px: float) -> np.ndarray:
  """Returns float32 [H, W, 2] as uint8 [2 H, W]; see the module."""
  levels = np.rint(np.clip(flow / bound_px, -1.0, 1.0) * schema.FLOW_LEVELS)
  code = levels + schema.FLOW_ZERO
  return np.concatenate([code[..., 0], code[..., 1]], axis=0).astype(np.uint8)


def unpack(packed: np.ndarray, bound_px: float) -> np.ndarray:
  """Returns uint8 [2 H, W] as float32 [H, W, 2] in pixels per frame."""
  levels = packed.astype(np.float32) - schema.FLOW_ZERO
  flow = levels * (bound_px / schema.FLOW_LEVELS)
  top, bottom = np.split(flow, 2, axis=0)
  return np.stack([top, bottom], axis=-1)
