"""TV-L1 optical flow of a clip, packed into 8-bit images and read back.

A flow field belongs to frame t and points to frame t + 1 of the record's 25
frames per second, in pixels of the small image it is computed on; the last
frame repeats the field before it. u (right) lies above v (down) in one grey
image of the bytes that data.schema describes.
"""

import dataclasses
import itertools

import numpy as np

from tfvssl.data import schema


@dataclasses.dataclass
class FlowSettings:
  """How flow is computed; the names of skimage's optical_flow_tvl1.

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

  Args:
    first: grey image float32 [H, W] in [0, 1].
    second: the next one.
    settings: parameters.

  Returns:
    float32 [H, W, 2], (u right, v down).
  """
  from skimage import registration  # costs a second; only flow needs it

  rows, columns = registration.optical_flow_tvl1(
    first,
    second,
    attachment=settings.attachment,
    tightness=settings.tightness,
    num_warp=settings.num_warp,
    num_iter=settings.num_iter,
    tol=settings.tol,
    prefilter=settings.prefilter,
    dtype=np.float32,
  )
  return np.stack([columns, rows], axis=-1)


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
