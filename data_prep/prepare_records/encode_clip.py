"""One input becomes encoded clips; runs in a worker process."""

from collections.abc import Iterator
import dataclasses
import itertools
import os

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.data import spectrogram
from tfvssl.data.media import streams
from tfvssl.data.records import content
from tfvssl.data.records import encoded_clip

from . import captions
from . import optical_flow
from . import settings as settings_lib
from . import sources
from . import still_picture
from . import stillness

# A file that holds a stretch may be so much longer, in seconds: cuts end at
# key frames and whole packets of sound.
_CUT_TOLERANCE_S = 0.5


@dataclasses.dataclass
class Notes:
  """What is worth a line in the report; filled while clips are made.

  Attributes:
    tail_s: seconds at the end that were too short for a clip of their own.
    silent: ids of clips whose sound is silent, or nearly so; see content.
    padded: ids of clips whose sound ends half a second or more too early.
    remarks: lines about the file or its stretch, such as a change of channels.
    skipped: start, end, reason and detail of clips that are damaged.
  """

  tail_s: float = 0.0
  silent: list[str] = dataclasses.field(default_factory=list)
  padded: list[str] = dataclasses.field(default_factory=list)
  remarks: list[str] = dataclasses.field(default_factory=list)
  skipped: list[list[str]] = dataclasses.field(default_factory=list)


def encode(
  source: sources.ClipSource,
  label_indices: tuple[int, ...],
  settings: settings_lib.Settings,
  notes: Notes,
) -> Iterator[encoded_clip.EncodedClip]:
  """Yields the consecutive clips of one input.

  Clips are only good when the iterator ends without an error: damage may
  show at the end. A clip has `settings.clip_frames` frames, and sound and
  start follow from that. A rest shorter than `min_tail_seconds` is left out,
  unless it is all there is.

  Args:
    source: the input.
    label_indices: of its labels among the classes; none without.
    settings: how it is encoded.
    notes: filled.

  Raises:
    media.MediaError: the input gives no clip; see its reason.
  """
  if source.refused:
    raise streams.MediaError("outside_input", source.refused)
  if not os.path.isfile(source.path):
    raise streams.MediaError("missing", "the file is gone")
  if settings.images and still_picture.is_named_so(source.path):
    clips = iter([_of_picture(source, settings)])
  else:
    info = streams.probe(source.path, max_pixels=settings.max_pixels)
    notes.remarks += info.remarks
    source = without_cut(source, info)
    clips = of_media(source, info, settings, notes)
  first, second = next(clips), next(clips, None)
  following = () if second is None else itertools.chain([second], clips)
  for position, clip in enumerate(itertools.chain([first], following)):
    first_frame = position * settings.clip_frames
    start_s = source.start_s + first_frame / settings.frame_rate_hz
    is_cut = second is not None
    complete(clip, source, label_indices, settings, notes, start_s, is_cut)
    yield clip


def complete(
  clip: encoded_clip.EncodedClip,
  source: sources.ClipSource,
  label_indices: tuple[int, ...],
  settings: settings_lib.Settings,
  notes: Notes,
  start_s: float,
  is_cut: bool,
) -> None:
  """Fills in all that a clip says of its source.

  Args:
    clip: with its pictures and its sound.
    source: see `encode`.
    label_indices: likewise.
    settings: likewise.
    notes: likewise.
    start_s: of the clip, in seconds of its file.
    is_cut: the source has other clips, so that the start is part of the id.
  """
  clip.start_s = start_s
  cut = f"#{sources.seconds_text(clip.start_s)}" if is_cut else ""
  clip.clip_id = source.clip_id + cut
  clip.path = os.path.normpath(source.file or source.relative)
  clip.label_index, *others = label_indices or (-1,)
  clip.other_label_indices = tuple(others)
  clip.label_text = source.label_text
  clip.captions = captions.of_clip(source, clip.start_s, clip.duration_s)
  silent = _note_sound(clip, notes)
  if not settings.wants(views.Modality.AUDIO):
    clip.waveform = None
  clip.digest = content.describe(
    clip.held(), still=clip.is_still, silent=silent
  )


def _of_picture(source, settings):
  """Returns the clip of a still picture: one frame, and no motion."""
  frame = still_picture.decode(
    source.path,
    short_side=settings.short_side,
    max_pixels=settings.max_pixels,
    budget_s=settings.decode_budget_s or None,
  )
  return _pictures_clip([_picture(frame, settings)], settings)


def without_cut(
  source: sources.ClipSource, info: streams.MediaInfo
) -> sources.ClipSource:
  """Returns the source as a whole file where that is all of its stretch."""
  if source.may_be_cut and source.end_s is not None and info.duration_s:
    if info.duration_s <= source.end_s - source.start_s + _CUT_TOLERANCE_S:
      return dataclasses.replace(source, start_s=0.0, end_s=None)
  return source


def of_media(
  source: sources.ClipSource,
  info: streams.MediaInfo,
  settings: settings_lib.Settings,
  notes: Notes,
) -> Iterator[encoded_clip.EncodedClip]:
  """Returns the clips of a stretch of media, which `complete` completes."""
  sound = _sound(source, info, settings, notes)
  if settings.wants_pictures:
    return _with_pictures(source, info, settings, sound, notes)
  if sound is None:
    raise streams.MediaError("no_audio", "the file has no audio stream")
  return _sound_only(sound, settings, notes)


def _note_sound(clip, notes):
  """Returns whether the sound is silent; None where there is none."""
  if clip.waveform is None:
    return None
  silent = content.is_silent(clip.waveform)
  if silent:
    notes.silent.append(clip.clip_id)
  missing = len(clip.waveform) - clip.valid_samples
  if missing >= clip.sample_rate_hz // 2:
    notes.padded.append(clip.clip_id)
  return silent


def _sound(source, info, settings, notes):
  """Returns an iterator over the clips' samples, or None without sound."""
  if not (settings.wants_sound and info.has_audio):
    return None
  return streams.stream_audio(
    source.path,
    info,
    sample_rate_hz=settings.sample_rate_hz,
    chunk_samples=settings.clip_samples,
    remarks=notes.remarks,
    **_span(source, settings),
  )


def _span(source, settings):
  """Returns the arguments that both decoders share."""
  return {
    "start_s": source.start_s,
    "duration_s": (
      None if source.end_s is None else source.end_s - source.start_s
    ),
    "budget_s": settings.decode_budget_s or None,
  }


def _with_pictures(source, info, settings, sound, notes):
  """Yields a clip for every stretch of frames, with the sound beside it."""
  rate = settings.frame_rate_hz
  frames = streams.stream_frames(
    source.path,
    info,
    frame_rate_hz=rate,
    short_side=settings.short_side,
    max_pixels=settings.max_pixels,
    remarks=notes.remarks,
    **_span(source, settings),
  )
  for position in itertools.count():
    look = stillness.Stillness()
    taken = itertools.islice(frames, settings.clip_frames)
    group = [_picture(look.seen(frame), settings) for frame in taken]
    chunk = None if sound is None else next(sound, None)
    if not group:
      break
    duration_s = len(group) / rate
    if position and is_tail(duration_s, settings):
      notes.tail_s += duration_s
      break
    clip = _pictures_clip(group, settings)
    clip.is_still = look.is_still
    if chunk is not None and len(chunk):
      _add_sound(clip, chunk, settings)
    yield clip
  for _ in sound or ():
    pass  # damage further on in the sound condemns the file as well


def _pictures_clip(group, settings):
  """Returns a clip of `_Picture`s, without sound."""
  rate = settings.frame_rate_hz
  clip = encoded_clip.EncodedClip(
    "", "", 0.0, len(group) / rate, frame_rate_hz=rate
  )
  clip.height, clip.width = group[0].height, group[0].width
  if settings.wants(views.Modality.RGB):
    clip.frames = [picture.jpeg for picture in group]
  if settings.wants(views.Modality.FLOW):
    _add_flow(clip, [picture.grey for picture in group], settings)
  return clip


def is_tail(duration_s: float, settings: settings_lib.Settings) -> bool:
  """Returns if this is a rest to leave out; a whole clip never is.

  Only the last of a file is shorter than a clip, so nothing follows it.
  """
  whole_s = settings.clip_frames / settings.frame_rate_hz
  return duration_s < min(settings.min_tail_seconds, whole_s)


def _sound_only(sound, settings, notes):
  for position, chunk in enumerate(sound):
    duration_s = len(chunk) / settings.sample_rate_hz
    if position and is_tail(duration_s, settings):
      notes.tail_s += duration_s
      continue  # the end, where damage shows, is only reached by asking on
    clip = encoded_clip.EncodedClip("", "", 0.0, duration_s)
    _add_sound(clip, chunk, settings)
    yield clip


@dataclasses.dataclass
class _Picture:
  height: int
  width: int
  jpeg: bytes = b""
  grey: np.ndarray | None = None


def _picture(frame, settings):
  picture = _Picture(*frame.shape[:2])
  if settings.wants(views.Modality.RGB):
    picture.jpeg = tf.io.encode_jpeg(
      frame, quality=settings.jpeg_quality, format="rgb"
    ).numpy()
  if settings.wants(views.Modality.FLOW):
    picture.grey = _small_grey(frame, settings.flow.short_side)
  return picture


def _small_grey(frame, short_side):
  """Returns float32 [h, w] in [0, 1] with the short side `short_side`."""
  scale = short_side / min(frame.shape[:2])
  size = [round(side * scale) for side in frame.shape[:2]]
  grey = tf.image.rgb_to_grayscale(tf.cast(frame, tf.float32) / 255.0)
  return tf.image.resize(grey, size, antialias=True)[..., 0].numpy()


def _add_flow(clip, grey, settings):
  fields = optical_flow.clip_flow(grey, settings.flow)
  clip.flow = [tf.io.encode_png(field[..., None]).numpy() for field in fields]
  clip.flow_rate_hz = settings.frame_rate_hz
  clip.flow_bound_px = settings.flow.bound_px
  clip.flow_short_side_px = settings.flow.short_side


def _add_sound(clip, chunk, settings):
  """Adds samples that cover the clip exactly: cut, or zeros at the end.

  Views take the position of the sound from the ratio of the two lengths, so
  that these must agree; `valid_samples` tells what was really there.
  """
  total = round(clip.duration_s * settings.sample_rate_hz)
  waveform = np.zeros(total, np.int16)
  clip.valid_samples = min(total, len(chunk))
  waveform[: clip.valid_samples] = chunk[: clip.valid_samples]
  clip.waveform = waveform
  clip.sample_rate_hz = settings.sample_rate_hz
  if settings.wants(views.Modality.SPECTROGRAM):
    spec = settings.spectrogram
    values = spectrogram.of_waveform(
      spectrogram.from_pcm16(tf.constant(waveform)), spec
    )
    clip.spectrogram = values.numpy().astype(settings.spectrogram_dtype)
    clip.spectrogram_rate_hz = spec.frame_rate_hz
