"""Regularly spaced views of a clip, as evaluations and exports take them."""

import tensorflow as tf

from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import crops
from tfvssl.data import starts
from tfvssl.data import windows


def evaluation_views(
  clip: views.Clip,
  spec: views.ViewSpec,
  *,
  temporal_clips: int,
  spatial_crops: int,
  short_side: int,
) -> views.View:
  """Returns regularly spaced views of the clip, nothing random.

  Args:
    clip: with the modality of `spec`.
    spec: of one view; RGB, flow or log-mel, others are a TypeError.
    temporal_clips: starts spaced over the clip.
    spatial_crops: squares along the longer side; not used for sound.
    short_side: to which RGB frames are resized before the crop.

  Returns:
    a View with one more axis in front, [temporal_clips * spatial_crops] (or
    [temporal_clips] for sound), start_s included, time outermost; labels,
    sample_index and epoch stay scalar.
  Source: paper appendix B.
  """
  cut = clip_views.of_kind(_EVALUATION, spec)
  all_starts = regular_starts(clip, spec, temporal_clips)
  pieces = [
    cut(clip_views.Place(clip, start), spec, short_side, spatial_crops)
    for start in tf.unstack(all_starts)
  ]
  repeats = pieces[0].shape[0]
  starts_s = tf.repeat(starts.start_s(clip, all_starts), repeats)
  starts_s = tf.ensure_shape(starts_s, [temporal_clips * repeats])
  return clip_views.about(clip, all_starts[0])._replace(
    start_s=starts_s, **{spec.piece: tf.concat(pieces, 0)}
  )


def regular_starts(
  clip: views.Clip, spec: views.ViewSpec, count: int
) -> tf.Tensor:
  """Returns `count` regularly spaced starts; see linspace_starts."""
  return linspace_starts(clip.num_frames, count, *starts.extent(clip, spec))


def linspace_starts(
  num_clip_frames: tf.Tensor,
  num_clips: int,
  num_frames: int | tf.Tensor,
  frame_step: float,
) -> tf.Tensor:
  """Returns regularly spaced starts, int32 [num_clips], for the evaluation.

  Float32 as in the released code, so that truncation gives the same frames.
  """
  last = windows.narrow_start_bound(num_clip_frames, num_frames, frame_step) - 1
  spaced = tf.linspace(0.0, tf.cast(last, tf.float32), num_clips)
  return tf.cast(spaced, tf.int32)


def _rgb_crops(place, spec, short_side, num_crops):
  """Returns uint8 [num_crops, n, H, W, 3]."""
  return crops.decode_crops(
    clip_views.take_frames(place.clip.frames, spec, place.start),
    short_side=short_side,
    size=spec.image_size,
    num_crops=num_crops,
  )


def _flow_crops(place, spec, short_side, num_crops):
  """Returns uint8 [num_crops, n, H, W, 2]; fields keep their size."""
  del short_side
  from tfvssl.data import flow_images  # many methods have none

  return flow_images.decode_crops(
    clip_views.take_frames(place.clip.flow, spec, place.start),
    short_side=spec.resize_short_side,
    size=spec.image_size,
    num_crops=num_crops,
  )


def _all_audio(place, spec, short_side, num_crops):
  """Returns float32 [1, S, M]: sound has no place."""
  del short_side, num_crops
  return clip_views.audio(place, spec)[tf.newaxis]


_EVALUATION = {
  "video": _rgb_crops,
  "flow": _flow_crops,
  "audio": _all_audio,
}
