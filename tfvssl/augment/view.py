"""Augmentation of a view of any kind: the one door to the others here.

Runs batched, in float32, with static shapes, inside the compiled step. What a
kind needs is loaded where a view of it is met.
"""

from typing import cast

import tensorflow as tf

from tfvssl import views
from tfvssl.augment import rgb


def augment(
  view: views.View, spec: views.ViewSpec, seed: int | tf.Tensor, name: str
) -> views.View:
  """Returns the view as a network sees it in training.

  Pictures and flow become float32 and are augmented as `spec` says; of samples
  the log-mel spectrogram is made. Spectrograms and word ids stay as they are.
  Every draw depends on (seed, epoch, sample_index, name) alone.

  Args:
    view: a batch as it leaves the pipeline.
    spec: what it is.
    seed: the run's seed.
    name: the view's name; views of other names get other draws.
  """
  draws = {
    "seed": seed,
    "epoch": view.epoch,
    "sample_index": view.sample_index,
    "view": name,
  }
  if isinstance(spec, views.RgbViewSpec):
    video = rgb.augment(view.video, spec.augmentation, **draws)
    return view._replace(video=video)
  if spec.piece == "flow":
    from tfvssl.augment import flow

    spec = cast("views.FlowViewSpec", spec)
    velocity = flow.augment(view.flow, spec, bound_px=spec.bound_px, **draws)
    return view._replace(flow=velocity)
  if spec.piece == "waveform":
    from tfvssl.augment import sound

    spec = cast("views.WaveformViewSpec", spec)
    log_mel = sound.augment(view.waveform, spec, **draws)
    return view._replace(waveform=None, audio=log_mel)
  return view


def plain(view: views.View, spec: views.ViewSpec) -> views.View:
  """Returns the view as a network sees it in a test: nothing is random.

  Args:
    view: a batch as it leaves the pipeline: pictures, flow or log-mel.
    spec: what it is.
  """
  if isinstance(spec, views.RgbViewSpec):
    return view._replace(video=tf.cast(view.video, tf.float32) / 255.0)
  if spec.piece == "flow":
    from tfvssl.augment import flow

    spec = cast("views.FlowViewSpec", spec)
    velocity = flow.to_pixels(view.flow, spec.bound_px) / spec.scale_px
    return view._replace(flow=velocity)
  return view


def network_input(view: views.View) -> tf.Tensor:
  """Returns the one tensor of an augmented view that its network takes.

  Raises:
    ValueError: it holds none.
  """
  for tensor in (view.video, view.flow, view.audio, view.text):
    if tensor is not None:
      return tensor
  raise ValueError("a view holds neither video nor flow nor audio nor text.")
