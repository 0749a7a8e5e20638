"""Settings of pictures: their window, and their augmentation."""

import dataclasses
import enum

from tfvssl.config import rules


class Order(enum.Enum):
  """In which order the photometric augmentations run.

  PAPER: flip, colour, greyscale, blur, random convolution (paper Sec. 4.1).
  RELEASED: blur, flip, colour, greyscale, random convolution.
  """

  PAPER = "paper"
  RELEASED = "released"


@dataclasses.dataclass
class Window:
  """A random window of the image, one for all frames; use a subclass."""

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold.

    Args:
      name: of the window in the config, for the message.
    """
    raise TypeError(
      f"`{name}` is of the base class Window; use Crop or JitterCrop."
    )


@dataclasses.dataclass
class Crop(Window):
  """A window of random area and aspect, at a random place.

  Attributes:
    area: smallest and largest share of the image's area.
    aspect: smallest and largest width / height.
  Source: released datasets/video_sampling; paper appendix A.1.
  """

  area: tuple[float, float] = (0.3, 1.0)
  aspect: tuple[float, float] = (0.5, 2.0)

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_range(f"{name}.area", self.area, 0.01, 1.0)
    rules.require_range(f"{name}.aspect", self.aspect, 0.01, 100.0)


@dataclasses.dataclass
class JitterCrop(Window):
  """A random square of a frame whose width and height were scaled apart.

  Scaling, resizing the short side and cropping are one window of the frame as
  it is stored; see jitter.window of data.

  Attributes:
    scale: smallest and largest factor, drawn for width and height apart.
    share: side of the square / short side of the scaled frame.
  Source: paper appendix B (fine-tuning): short side 256, crop 224.
  """

  scale: tuple[float, float] = (0.8, 1.2)
  share: float = 224 / 256

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    rules.require_range(f"{name}.scale", self.scale, 0.01, 100.0)
    rules.require(
      0 < self.share <= 1, f"{name}.share", self.share, "be in (0, 1]"
    )


@dataclasses.dataclass
class RgbAugmentation:
  """Strengths of the on-device augmentation of RGB; one draw per clip.

  Source: paper Sec. 4.1 and appendix A.1; values as in the released code.
  """

  flip_probability: float = 0.5
  colour_probability: float = 0.8
  brightness_delta: float = 32 / 255
  saturation: tuple[float, float] = (0.6, 1.4)
  contrast: tuple[float, float] = (0.6, 1.4)
  hue_delta: float = 0.2  # of the whole circle
  greyscale_probability: float = 0.2
  blur_probability: float = 1.0
  blur_sigma: tuple[float, float] = (0.1, 2.0)  # pixels
  random_convolution: bool = False  # on for broad RGB views, paper Sec. 3.2
  random_convolution_max_size: int = 11  # sizes 1, 3, ..., 11
  order: Order = Order.PAPER

  def validate(self, name: str) -> None:
    """Raises ValueError for the first rule that does not hold."""
    for kind in ("flip", "colour", "greyscale", "blur"):
      value = getattr(self, f"{kind}_probability")
      rules.require(
        0 <= value <= 1,
        f"{name}.{kind}_probability",
        value,
        "be between 0 and 1",
      )
    for field in ("brightness_delta", "hue_delta"):
      value = getattr(self, field)
      rules.require(value >= 0, f"{name}.{field}", value, "be at least 0")
    rules.require_range(f"{name}.saturation", self.saturation, 0.0, 100.0)
    rules.require_range(f"{name}.contrast", self.contrast, 0.0, 100.0)
    rules.require_range(f"{name}.blur_sigma", self.blur_sigma, 0.01, 100.0)
    size = self.random_convolution_max_size
    rules.require(
      size > 0 and size % 2 == 1,
      f"{name}.random_convolution_max_size",
      size,
      "be odd and above 0",
    )
