"""Views of optical flow."""

import dataclasses

from tfvssl.config import rules
from tfvssl.config import view


@dataclasses.dataclass
class FlowViewSpec(view.PictureViewSpec):
  """Optical flow; a uniform crop of the short-side-128 images, and a flip.

  Attributes:
    num_frames: flow fields the network sees.
    frame_step: distance between them in record frames.
    image_size: height and width in pixels.
    resize_short_side: the stored images are resized to this before the crop,
      uniform in place and never scaled ("no scale jitter").
    flip_probability: of the horizontal flip, which negates u.
    bound_px: displacement that the stored 8-bit images end at, in pixels per
      frame; records of another bound are refused.
    scale_px: pixels per frame that become 1 at the network's input.
    record_rate_hz: of the record frames; records of another are refused.
  Source: paper appendix A.1; scale_px is ours, the paper gives none.
  """

  num_frames: int = 64
  frame_step: int = 4
  image_size: int = 112
  resize_short_side: int = 128
  flip_probability: float = 0.5
  bound_px: float = 20.0
  scale_px: float = 20.0
  record_rate_hz: float = view.FRAME_RATE_HZ

  piece = "flow"
  modalities = frozenset({view.Modality.FLOW})
  extents = frozenset({"num_frames"})
  title = "flow"
  channels = 2

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    rules.require_positive(name, self, "bound_px", "scale_px")
    rules.require(
      self.resize_short_side >= self.image_size,
      f"{name}.resize_short_side",
      self.resize_short_side,
      f"be at least `image_size` ({self.image_size})",
    )

  def without_draws(self) -> "FlowViewSpec":
    """Returns the view that is never flipped."""
    return dataclasses.replace(self, flip_probability=0.0)
