"""The whole clips of a damaged recording, each read from its own stretch.

Where a fault lies is what the reading of a stretch says of it: a clip is kept
if nothing of its pictures and its sound is missing or damaged, nor inherited
from damage in front of it.
"""

from collections.abc import Callable, Iterator
import dataclasses
import math

from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip

from . import encode_clip
from . import settings as settings_lib
from . import sources
from . import still_picture

_DAMAGE = ("damaged", "truncated")
_MOST_MISSES = 2  # behind what could be decoded: headers claim hours


def encode(
  source: sources.ClipSource,
  label_indices: tuple[int, ...],
  settings: settings_lib.Settings,
  notes: encode_clip.Notes,
  *,
  error: streams.MediaError,
  decoded_s: float,
  beat: Callable[[], None],
) -> Iterator[encoded_clip.EncodedClip]:
  """Yields the clips of `encode_clip.encode` that damage has not reached.

  Args:
    source: the input.
    label_indices: of its labels among the classes.
    settings: how it is encoded, and whether clips of damaged inputs are kept.
    notes: filled; `skipped` names the other clips.
    error: why the input cannot be read whole.
    decoded_s: how far it could be decoded nevertheless, in seconds.
    beat: called for every clip.

  Raises:
    media.MediaError: `error`, where no clip is whole or none is to be kept.
  """
  if not _may_be_kept(source, settings, error):
    raise error
  info = streams.probe(source.path, max_pixels=settings.max_pixels)
  source = encode_clip.without_cut(source, info)
  notes.remarks += info.remarks
  stretches = _stretches(source, info, settings, decoded_s)
  kept = misses = 0
  for part in stretches:
    beat()
    own = encode_clip.Notes()
    try:
      clips = _clips(part, info, settings, own, is_last=part is stretches[-1])
    except streams.MediaError as problem:
      notes.skipped.append(_row(part.start_s, _end_s(part, info), problem))
      misses += part.start_s >= source.start_s + decoded_s
      if misses == _MOST_MISSES and part is not stretches[-1]:
        end_s = _end_s(stretches[-1], info)
        gone = streams.MediaError("truncated", "nothing there can be decoded")
        notes.skipped.append(_row(_end_s(part, info), end_s, gone))
        break
      continue
    notes.remarks += [line for line in own.remarks if line not in notes.remarks]
    notes.tail_s += own.tail_s
    for position, clip in enumerate(clips):
      start_s = part.start_s + position * _length_s(settings)
      if kept and encode_clip.is_tail(clip.duration_s, settings):
        notes.tail_s += clip.duration_s
        continue
      kept += 1
      encode_clip.complete(
        clip, source, label_indices, settings, notes, start_s, is_cut=True
      )
      yield clip
  if not kept or len(stretches) == 1:
    raise error
  notes.remarks.append(f"{error}; clips skipped: {len(notes.skipped)}")


def _may_be_kept(source, settings, error):
  """Returns whether clips of a damaged input are wanted, and possible."""
  is_picture = settings.images and still_picture.is_named_so(source.path)
  is_damage = error.reason in _DAMAGE and not is_picture
  return is_damage and settings.damage != "strict"


def _length_s(settings):
  return settings.clip_frames / settings.frame_rate_hz


def _stretches(source, info, settings, decoded_s):
  """Returns a source for every clip; the last one ends with the input."""
  length_s = _length_s(settings)
  # An estimate may be far too long; nothing else is known of a short input.
  is_known = not info.is_estimate or not decoded_s
  claimed_s = (info.duration_s or 0.0) if is_known else 0.0
  end_s = max(claimed_s, source.start_s + decoded_s)
  end_s = min(end_s, math.inf if source.end_s is None else source.end_s)
  count = max(1, math.ceil((end_s - source.start_s) / length_s - 1e-3))
  rest_s = end_s - source.start_s - (count - 1) * length_s
  if count > 1 and encode_clip.is_tail(rest_s, settings):
    count -= 1  # the last one has it behind it
  starts_s = [source.start_s + k * length_s for k in range(count)]
  ends_s = [*starts_s[1:], source.end_s]
  return [
    dataclasses.replace(source, start_s=start_s, end_s=stop_s)
    for start_s, stop_s in zip(starts_s, ends_s, strict=True)
  ]


def _clips(part, info, settings, notes, *, is_last):
  """Returns the clips of a stretch: one, but for a last one without an end."""
  clips = list(encode_clip.of_media(part, info, settings, notes))
  found_s = sum(clip.duration_s for clip in clips)
  if not is_last and found_s < _length_s(settings) - 1e-3:
    raise streams.MediaError(
      "truncated", f"{found_s:.2f} s of the clip can be decoded"
    )
  return clips


def _end_s(part, info):
  """Returns where a stretch ends, as far as is known."""
  if part.end_s is not None:
    return part.end_s
  return max(info.duration_s or 0.0, part.start_s)


def _row(start_s, end_s, error):
  times = [sources.seconds_text(seconds) for seconds in (start_s, end_s)]
  return [*times, error.reason, error.detail]
