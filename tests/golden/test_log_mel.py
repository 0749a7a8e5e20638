"""Log-mel spectrograms of the released code; 3e-4 is what its README allows.

The reference is float64; the float32 FFT differs by up to 3e-4 in the log.
"""

import re

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.config import sound
from tfvssl.data import spectrogram

ATOL = 3e-4


def _spec(sample_rate, num_mels=80, frame_step=160):
  return sound.SpectrogramSpec(
    sample_rate_hz=int(sample_rate), num_mels=num_mels, frame_step=frame_step
  )


def test_every_size_in_the_file(golden):
  vectors = golden("log_mel")
  names = [name for name in vectors if name.startswith("log_mel_bins")]
  assert names
  for name in names:
    mels, step = map(
      int, re.fullmatch(r"log_mel_bins(\d+)_step(\d+)", name).groups()
    )
    values = spectrogram.log_mel(
      vectors["pcm"], _spec(vectors["sample_rate"], mels, step)
    )
    np.testing.assert_allclose(values, vectors[name], atol=ATOL, err_msg=name)


# XLA's own FFT on the CPU is less exact: 6.3e-3 in 1 % of the values, those
# next to zero before the logarithm.
@pytest.mark.parametrize(("compiled", "atol"), [(False, ATOL), (True, 1e-2)])
def test_a_batch(golden, compiled, atol):
  vectors = golden("log_mel")
  expected = vectors["batched_two_rows"]
  pcm = vectors["pcm"]
  length = expected.shape[1] * 160
  rows = tf.constant(np.stack([pcm[:length], pcm[1000 : 1000 + length]]))
  spec = _spec(vectors["sample_rate"], expected.shape[2])
  function = tf.function(
    lambda rows: spectrogram.log_mel(rows, spec),
    jit_compile=compiled,
    autograph=False,
  )
  values = function(rows)
  assert values.shape == expected.shape
  np.testing.assert_allclose(values, expected, atol=atol)


def test_silence_is_zero(golden):
  vectors = golden("log_mel")
  names = [name for name in vectors if name.startswith("silence_")]
  assert names
  for name in names:
    values = spectrogram.log_mel(
      tf.zeros([int(name.split("_")[1])]), _spec(vectors["sample_rate"])
    )
    np.testing.assert_array_equal(values, vectors[name])


def test_mel_filters_and_the_empty_ones(golden):
  vectors = golden("log_mel")
  impulse = np.zeros(320, np.float32)
  impulse[160] = 1.0  # the window is 1 there: the spectrum is 1 everywhere
  spec = _spec(vectors["sample_rate"], frame_step=320)
  values = spectrogram.log_mel(impulse, spec)[0]
  mel = np.expm1(values) / spec.log_scale
  # expm1 of float32 logs up to 11 keeps about five digits.
  np.testing.assert_allclose(
    mel, vectors["mel_matrix_80"].sum(axis=0), rtol=1e-4, atol=1e-7
  )
  empty = np.flatnonzero(np.asarray(values) == 0)
  np.testing.assert_array_equal(empty, vectors["mel_empty_bins_80"])
