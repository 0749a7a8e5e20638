"""Views of pictures."""

import dataclasses

from tfvssl.config import pictures
from tfvssl.config import view


@dataclasses.dataclass
class RgbViewSpec(view.PictureViewSpec):
  """Frames of the clip, one crop for all.

  Attributes:
    num_frames: frames the network sees.
    frame_step: distance between them in record frames; 2.5 of 25 a second
      takes 10 a second, each the last one before its time.
    image_size: height and width in pixels.
    record_rate_hz: of the record frames; records of another are refused.
      Source: released config.
  """

  num_frames: int = 16
  frame_step: float = 2
  image_size: int = 224
  crop: pictures.Window = dataclasses.field(default_factory=pictures.Crop)
  augmentation: pictures.RgbAugmentation = dataclasses.field(
    default_factory=pictures.RgbAugmentation
  )
  record_rate_hz: float = view.FRAME_RATE_HZ

  piece = "video"
  modalities = frozenset({view.Modality.RGB})
  extents = frozenset({"num_frames", "image_size"})
  title = "RGB"
  channels = 3

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    super().validate(name)
    self.crop.validate(f"{name}.crop")
    self.augmentation.validate(f"{name}.augmentation")

  def without_blur(self) -> "RgbViewSpec":
    """Returns the view without blur and random convolution."""
    augmentation = dataclasses.replace(
      self.augmentation, blur_probability=0.0, random_convolution=False
    )
    return dataclasses.replace(self, augmentation=augmentation)

  def without_draws(self) -> "RgbViewSpec":
    """Returns the view with pictures as they are, in the window."""
    augmentation = pictures.RgbAugmentation(
      flip_probability=0.0,
      colour_probability=0.0,
      greyscale_probability=0.0,
      blur_probability=0.0,
    )
    return dataclasses.replace(self, augmentation=augmentation)
