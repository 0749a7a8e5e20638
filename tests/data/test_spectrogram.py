"""Log-mel by hand values; the reference vectors are in tests/golden."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.config import sound
from tfvssl.data import spectrogram


@pytest.mark.parametrize(
  ("samples", "frames"),
  [(1, 1), (160, 1), (161, 2), (240_000, 1500), (491_520, 3072)],
)
def test_number_of_frames_is_static(samples, frames):
  function = tf.function(
    lambda waveform: spectrogram.log_mel(waveform, sound.SpectrogramSpec()),
    autograph=False,
  )
  signature = tf.TensorSpec([2, samples], tf.float32)
  shape = function.get_concrete_function(signature).structured_outputs.shape
  assert shape == (2, frames, 80)


def test_equals_a_transcription_in_numpy():
  spec = sound.SpectrogramSpec(num_mels=8)
  waveform = np.sin(np.arange(1000) * 0.2).astype(np.float32) * 0.3
  padded = np.concatenate([waveform, np.zeros(320)])
  window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(320) / 320)
  frames = np.stack([padded[i : i + 320] * window for i in range(0, 1000, 160)])
  magnitude = np.abs(np.fft.rfft(frames))
  edges = np.linspace(*_mel(np.array([80.0, 7600.0])), 10)
  bins = _mel(np.arange(161) * 150.0)
  lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
  rising = (bins[:, None] - lower) / (centre - lower)
  falling = (upper - bins[:, None]) / (upper - centre)
  filters = np.maximum(0.0, np.minimum(rising, falling))
  filters[0] = 0.0  # tf.signal leaves out the constant part
  expected = np.log(1.0 + 10_000.0 * magnitude @ filters)
  values = spectrogram.log_mel(tf.constant(waveform), spec)
  np.testing.assert_allclose(values, expected, atol=3e-4)


def _mel(hertz):
  return 1127.0 * np.log1p(hertz / 700.0)


def test_pcm_is_divided_by_32768():
  pcm = tf.constant([-32768, -1, 0, 16384, 32767], tf.int16)
  np.testing.assert_array_equal(
    spectrogram.from_pcm16(pcm),
    np.float32([-1.0, -1 / 32768, 0.0, 0.5, 32767 / 32768]),
  )


def test_one_function_makes_every_kind():
  spec = sound.SpectrogramSpec(num_mels=8)
  waveform = tf.random.stateless_normal([2, 1000], [1, 2])
  np.testing.assert_array_equal(
    spectrogram.of_waveform(waveform, spec), spectrogram.log_mel(waveform, spec)
  )
  with pytest.raises(
    TypeError, match="no function makes a Spectrogram; use .* SpectrogramSpec."
  ):
    spectrogram.of_waveform(waveform, sound.Spectrogram(48_000, 320, 160))
