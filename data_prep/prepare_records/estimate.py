"""How long a preparation may take and how large its records may be.

Rough, from file headers: the figures below were measured on a few H.264 files,
on one core; noisy pictures need twice the bytes, other codecs and
machines two or three times the seconds. The preparation states a better
estimate after its first inputs.
"""

import dataclasses

from tfvssl import views
from tfvssl.data.media import streams

from . import settings as settings_lib
from . import sources
from . import still_picture

MOST_PROBED = 16
_DECODE_S = 14e-9  # of one core, for a pixel of the source
_JPEG_S = 8e-9  # for a pixel of the frames
_FLOW_S = 5e-6  # for a pixel of the flow field
_JPEG_BYTES = 0.15  # of a pixel at quality 90
_PICTURE_S = 0.05  # for a still picture: the start of a process, above all
_FLOW_BYTES = 0.2  # of a pixel of the field, u and v together


@dataclasses.dataclass
class Estimate:
  """What some inputs will take: seconds of one core, bytes of records."""

  core_s: float = 0.0
  bytes: float = 0.0


def chosen(numbers: list[int]) -> list[int]:
  """Returns at most MOST_PROBED of `numbers`, evenly chosen."""
  count = min(len(numbers), MOST_PROBED)
  return [
    numbers[(2 * k + 1) * len(numbers) // (2 * count)] for k in range(count)
  ]


def of_inputs(
  inputs: list[sources.ClipSource],
  numbers: list[int],
  settings: settings_lib.Settings,
) -> Estimate:
  """Returns the estimate for the inputs `numbers`; reads a few headers.

  An input that cannot be opened takes nothing.
  """
  total = Estimate()
  probed = chosen(numbers)
  for number in probed:
    source = inputs[number]
    one = _of_input(source, settings)
    if one is not None:
      total.core_s += one.core_s * len(numbers) / len(probed)
      total.bytes += one.bytes * len(numbers) / len(probed)
  return total


def _of_input(source, settings):
  if settings.images and still_picture.is_named_so(source.path):
    pixels = settings.short_side**2 * 4 / 3
    return Estimate(_PICTURE_S, pixels * _JPEG_BYTES)
  try:
    info = None if source.refused else streams.probe(source.path)
  except (streams.MediaError, OSError):
    info = None
  if info is None:
    return None
  return of_media(info, _seconds(source, info), settings)


def of_media(
  info: streams.MediaInfo, seconds: float, settings: settings_lib.Settings
) -> Estimate:
  """Returns the estimate for `seconds` of one file."""
  result = Estimate()
  if settings.wants_pictures:
    if not info.has_video:
      return result  # it will be quarantined
    frames = seconds * settings.frame_rate_hz
    result.core_s += frames * info.height * info.width * _DECODE_S
    if settings.wants(views.Modality.RGB):
      height, width = streams.scaled_size(info, settings.short_side)
      result.core_s += frames * height * width * _JPEG_S
      result.bytes += frames * height * width * _JPEG_BYTES
    if settings.wants(views.Modality.FLOW):
      height, width = streams.scaled_size(info, settings.flow.short_side)
      result.core_s += frames * height * width * _FLOW_S
      result.bytes += frames * height * width * _FLOW_BYTES
  if info.has_audio and settings.wants(views.Modality.AUDIO):
    result.bytes += seconds * settings.sample_rate_hz * 2
  if info.has_audio and settings.wants(views.Modality.SPECTROGRAM):
    spec = settings.spectrogram
    size = 2 if settings.spectrogram_dtype == "float16" else 4
    result.bytes += seconds * spec.frame_rate_hz * spec.num_bins * size
  return result


def _seconds(source, info):
  end_s = info.duration_s if source.end_s is None else source.end_s
  return max(0.0, (end_s or 0.0) - source.start_s)
