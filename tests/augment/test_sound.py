import numpy as np
import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.augment import sound
from tfvssl.config import sound as sound_config
from tfvssl.config import waveform_view
from tfvssl.data import spectrogram
from tfvssl.runtime import randomness

_MELS = sound_config.SpectrogramSpec(
  sample_rate_hz=16_000, frame_length=320, frame_step=160, num_mels=12
)


def _keys(count, operation="noise"):
  return randomness.key(0, 0, tf.range(count), "audio", operation)


def _augment(waveform, epoch=0, **changes):
  spec = views.WaveformViewSpec(
    seconds=waveform.shape[1] / 16_000, spectrogram=_MELS, **changes
  )
  count = len(waveform)
  return sound.augment(
    tf.constant(waveform),
    spec,
    seed=0,
    epoch=tf.fill([count], epoch),
    sample_index=tf.range(count),
    view="audio",
  ).numpy()


def _tone(amplitudes, samples=3200):
  time = np.arange(samples) / 16_000
  tone = np.sin(2 * np.pi * 440 * time)
  return (np.array(amplitudes)[:, np.newaxis] * tone).astype(np.float32)


def test_noise_has_the_deviation_of_a_share_of_the_largest_sample():
  waveform = _tone([0.8, 0.1], 40_000)
  noisy = sound.add_noise(tf.constant(waveform), 0.01, _keys(2)).numpy()
  largest = np.abs(waveform).max(axis=1)
  # Of 40,000 draws: four standard errors are 1.4 %.
  np.testing.assert_allclose(
    (noisy - waveform).std(axis=1), 0.01 * largest, rtol=0.015
  )
  np.testing.assert_allclose(
    (noisy - waveform).mean(axis=1), 0, atol=4 * 0.01 * 0.8 / 200
  )


def test_silence_stays_silent_and_nothing_leaves_the_range():
  waveform = np.stack([np.zeros(64), np.ones(64), -np.ones(64)])
  noisy = sound.add_noise(
    tf.constant(waveform, tf.float32), 0.5, _keys(3)
  ).numpy()
  np.testing.assert_array_equal(noisy[0], 0)
  assert noisy.max() == 1.0 and noisy.min() == -1.0
  assert len(np.unique(noisy[1])) > 10


def test_without_noise_and_stripes_it_is_the_log_mel():
  waveform = _tone([0.5])
  np.testing.assert_array_equal(
    _augment(waveform, noise=0.0), spectrogram.log_mel(waveform, _MELS)
  )


def test_noise_is_drawn_anew_for_every_epoch_and_clip_and_repeats():
  waveform = _tone([0.5, 0.5])
  first = _augment(waveform)
  assert np.abs(first[0] - first[1]).max() > 0.01
  assert np.abs(first - _augment(waveform, epoch=1)).max() > 0.01
  np.testing.assert_array_equal(first, _augment(waveform))


@pytest.mark.parametrize(("axis", "size"), [(1, 40), (2, 24)])
def test_stripes_are_uniform_in_width_and_place(axis, size):
  clips, widest = 4000, 6
  shape = (clips, 40, 24)
  masked = sound.mask_stripes(
    tf.ones(shape), _keys(clips), axis=axis, count=1, max_width=widest
  ).numpy()
  other = 3 - axis
  is_zero = masked == 0
  # A stripe goes through the whole other axis.
  assert (is_zero.all(axis=other) == is_zero.any(axis=other)).all()
  places = is_zero.all(axis=other)
  widths = places.sum(axis=1)
  # Four standard deviations of a share of 4000.
  share = 4 * np.sqrt(1 / 7 * 6 / 7 / clips)
  np.testing.assert_allclose(
    np.bincount(widths, minlength=7) / clips, 1 / 7, atol=share
  )
  starts = places.argmax(axis=1)
  of_one = starts[widths == 1]
  assert of_one.min() == 0 and of_one.max() == size - 1
  # One run each: the borders are two at most.
  assert (np.abs(np.diff(places.astype(int), axis=1)).sum(axis=1) <= 2).all()


def test_several_stripes_and_more_than_there_is():
  masked = sound.mask_stripes(
    tf.ones([200, 10, 4]), _keys(200), axis=1, count=2, max_width=3
  ).numpy()
  is_zero = (masked == 0).all(axis=2)
  runs = (np.diff(is_zero.astype(int), axis=1, prepend=0) == 1).sum(axis=1)
  assert runs.max() == 2
  assert is_zero.sum(axis=1).max() > 3
  everything = sound.mask_stripes(
    tf.ones([200, 10, 4]), _keys(200), axis=1, count=1, max_width=99
  ).numpy()
  assert (everything == 0).all(axis=(1, 2)).any()


def test_spec_augment_masks_time_and_mels_of_the_spectrogram():
  waveform = _tone([0.5] * 50)
  plain = _augment(waveform, noise=0.0)
  masks = waveform_view.SpecAugment(
    num_time_masks=1, max_time_frames=4, num_mel_masks=1, max_mels=3
  )
  masked = _augment(waveform, noise=0.0, spec_augment=masks)
  changed = masked != plain
  assert (masked[changed] == 0).all()
  assert changed.all(axis=2).any() and changed.all(axis=1).any()
  assert 0.02 < changed.mean() < 0.4


def test_compiled_draws_are_the_same():
  waveform = tf.constant(_tone([0.5, 0.2]))
  compiled = tf.function(
    lambda x: sound.add_noise(x, 0.01, _keys(2)),
    jit_compile=True,
    autograph=False,
  )
  # 1e-6: the inverse error function of XLA is another polynomial.
  np.testing.assert_allclose(
    compiled(waveform), sound.add_noise(waveform, 0.01, _keys(2)), atol=1e-6
  )
