"""On-device augmentation of sound: noise on samples, stripes in spectrograms.

Runs batched, in float32, with static shapes, inside the compiled step.
"""

import tensorflow as tf

from tfvssl import views
from tfvssl.data import spectrogram
from tfvssl.runtime import randomness


def augment(
  waveform: tf.Tensor,
  spec: views.WaveformViewSpec,
  *,
  seed: int | tf.Tensor,
  epoch: tf.Tensor,
  sample_index: tf.Tensor,
  view: str,
) -> tf.Tensor:
  """Returns the log-mel of the noisy samples, its stripes set to zero.

  Every draw depends on (seed, epoch, sample_index, view) alone. What cannot
  change the sound is not in the graph.

  Args:
    waveform: float32 [B, N] in [-1, 1].
    spec: of the view.
    seed: the run's seed.
    epoch: int64 [B].
    sample_index: int64 [B].
    view: the view's name; views of other names get other draws.

  Returns:
    float32 [B, S, M].
  Source: MMV paper Sec. 4.1, Table 9 and appendix C.
  """
  keys = randomness.keys(
    seed, epoch, sample_index, view, ("noise", "time_masks", "mel_masks")
  )
  if spec.noise > 0:
    waveform = add_noise(waveform, spec.noise, keys[:, 0])
  log_mel = spectrogram.of_waveform(waveform, spec.spectrogram)
  masks = spec.spec_augment
  for keys_of, axis, count, width in (
    (keys[:, 1], 1, masks.num_time_masks, masks.max_time_frames),
    (keys[:, 2], 2, masks.num_mel_masks, masks.max_mels),
  ):
    if count and width:
      log_mel = mask_stripes(
        log_mel, keys_of, axis=axis, count=count, max_width=width
      )
  return log_mel


def add_noise(waveform: tf.Tensor, share: float, keys: tf.Tensor) -> tf.Tensor:
  """Returns samples with Gaussian noise, cut to [-1, 1]; silence stays so.

  Args:
    waveform: float32 [B, N] in [-1, 1].
    share: standard deviation / largest absolute sample of the clip.
    keys: uint32 [B, 2].
  Source: MMV paper A.1 says "variance", appendix C only "0.01 x max
  amplitude"; the released lineage takes it as the deviation, and so do we.
  """
  largest = tf.reduce_max(tf.abs(waveform), axis=1, keepdims=True)
  noise = randomness.normal(keys, (waveform.shape[1],))
  return tf.clip_by_value(waveform + share * largest * noise, -1.0, 1.0)


def mask_stripes(
  log_mel: tf.Tensor,
  keys: tf.Tensor,
  *,
  axis: int,
  count: int,
  max_width: int,
) -> tf.Tensor:
  """Returns the spectrograms with stripes across `axis` set to zero.

  Each stripe has a width uniform in 0..max_width and lies wholly inside.

  Args:
    log_mel: float32 [B, S, M].
    keys: uint32 [B, 2].
    axis: 1 for stripes of time, 2 of mel bins.
    count: stripes of each clip.
    max_width: in frames or bins; more than there are counts as all.
  Source: SpecAugment (Park et al. 2019) without time warping, the form that
  MMV paper Table 9 takes.
  """
  size = log_mel.shape[axis]
  draws = randomness.uniform(keys, (2, count))
  widths = tf.floor(draws[:, 0] * (min(max_width, size) + 1))
  starts = tf.floor(draws[:, 1] * (size - widths + 1))
  places = tf.range(size, dtype=tf.float32)
  is_inside = (places >= starts[..., tf.newaxis]) & (
    places < (starts + widths)[..., tf.newaxis]
  )
  is_masked = tf.reduce_any(is_inside, axis=1)
  is_masked = tf.expand_dims(is_masked, 2 if axis == 1 else 1)
  return tf.where(is_masked, tf.zeros([], log_mel.dtype), log_mel)
