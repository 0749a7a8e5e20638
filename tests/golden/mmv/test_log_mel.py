"""MMV's log-mel spectrograms, from a float64 definition."""

import numpy as np
import pytest

from tfvssl.config import sound
from tfvssl.data import spectrogram


@pytest.fixture(scope="module")
def cases(mmv_golden):
  """The file, and ours of every clip in it."""
  arrays = mmv_golden("logmel")
  spec = sound.SpectrogramSpec(
    sample_rate_hz=int(arrays["sample_rate"]),
    frame_length=2048,
    frame_step=1024,
  )
  clips = [key.split("|")[0] for key in arrays if key.endswith("|pcm16")]
  assert clips
  return arrays, {
    clip: spectrogram.log_mel(
      spectrogram.from_pcm16(arrays[f"{clip}|pcm16"]), spec
    ).numpy()
    for clip in clips
  }


def test_log_of_one_plus(cases):
  arrays, ours = cases
  for clip, values in ours.items():
    theirs = arrays[f"{clip}|log1p_1e4"]
    # What the float32 FFT of tf.signal differs by.
    np.testing.assert_allclose(values, theirs, rtol=0, atol=3e-5, err_msg=clip)


def test_logarithm_with_an_offset(cases):
  # The other form that MMV's sources speak of; outside the product.
  arrays, ours = cases
  for clip, values in ours.items():
    mel = np.expm1(values.astype(np.float64)) / 1e4
    theirs = arrays[f"{clip}|log_eps1e-6"]
    # As above, where the offset is as large as the value.
    np.testing.assert_allclose(
      np.log(mel + 1e-6), theirs, rtol=0, atol=5e-4, err_msg=clip
    )
