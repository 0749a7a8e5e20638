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
  is_sound = isinstance(spec, views.AudioViewSpec)
  for name, value, has_it in (
    ("num_frames", num_frames, not is_sound),
    ("image_size", image_size, isinstance(spec, views.RgbViewSpec)),
    ("seconds", seconds, is_sound),
  ):
    if value is not None and not has_it:
      raise ValueError(
        f"--{name}={value:g} has no meaning for a view of"
        f" {'sound' if is_sound else 'pictures or flow'}; leave it out."
      )
  if isinstance(spec, views.AudioViewSpec):
    return dataclasses.replace(spec, seconds=seconds or spec.seconds)
  if isinstance(spec, (views.RgbViewSpec, views.FlowViewSpec)):
    spec = dataclasses.replace(spec, num_frames=num_frames or spec.num_frames)
  if isinstance(spec, views.RgbViewSpec) and image_size:
    spec = dataclasses.replace(spec, image_size=image_size)
    if isinstance(spec.crop, pictures.JitterCrop):
      share = min(1.0, image_size / short_side)
      crop = dataclasses.replace(spec.crop, share=share)
      spec = dataclasses.replace(spec, crop=crop)
  return spec
