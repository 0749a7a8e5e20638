"""Views of another length or size than those that a network was trained on."""

import dataclasses

from tfvssl import views
from tfvssl.config import pictures


def resized(
  spec: views.ViewSpec,
  *,
  num_frames: int | None = None,
  image_size: int | None = None,
  seconds: float | None = None,
  short_side: int,
) -> views.ViewSpec:
  """Returns the view with what is given instead of what it has.

  Args:
    spec: of the training.
    num_frames: of pictures or flow.
    image_size: side of the crops, in pixels.
    seconds: of sound.
    short_side: of the frames that squares of `image_size` are cut from.

  Raises:
    ValueError: the view has no such extent.
  """
  given = {
    "num_frames": num_frames,
    "image_size": image_size,
    "seconds": seconds,
  }
  for name, value in given.items():
    if value is not None and name not in spec.extents:
      is_sound = "seconds" in spec.extents
      raise ValueError(
        f"--{name}={value:g} has no meaning for a view of"
        f" {'sound' if is_sound else 'pictures or flow'}; leave it out."
      )
  changes: dict = {name: value for name, value in given.items() if value}
  crop = getattr(spec, "crop", None)
  if image_size and isinstance(crop, pictures.JitterCrop):
    share = min(1.0, image_size / short_side)
    changes["crop"] = dataclasses.replace(crop, share=share)
  return dataclasses.replace(spec, **changes)
