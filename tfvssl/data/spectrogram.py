"""Spectrograms; one function for the writer, the host and the device."""

from collections.abc import Callable

import tensorflow as tf

from tfvssl.config import sound


def of_waveform(waveform: tf.Tensor, spec: sound.Spectrogram) -> tf.Tensor:
  """Returns the spectrogram that `spec` describes, of whatever kind.

  Args:
    waveform: float32 [..., N] in [-1, 1].
    spec: its class chooses the function.

  Returns:
    float32 [..., S, M]; S is static where N is.

  Raises:
    TypeError: there is no function for this kind.
  """
  if type(spec) not in _FUNCTIONS:
    raise TypeError(
      f"no function makes a {type(spec).__name__}; use one of"
      f" {', '.join(kind.__name__ for kind in _FUNCTIONS)}."
    )
  return _FUNCTIONS[type(spec)](waveform, spec)


def log_mel(waveform: tf.Tensor, spec: sound.SpectrogramSpec) -> tf.Tensor:
  """Returns log(1 + log_scale * mel magnitude).

  Periodic Hann window; the end is padded with zeros, so that S is
  ceil(N / frame_step). HTK mel scale on the magnitude, not the power. At the
  default sizes 16 of the 80 filters are narrower than the spacing of the
  frequencies and always zero, as in the released code.

  Args:
    waveform: float32 [..., N] in [-1, 1].
    spec: sizes and frequencies.

  Returns:
    float32 [..., S, M]; S is static where N is.

  Source: released datasets/spectrograms.py.
  """
  spectrum = tf.abs(
    tf.signal.stft(
      waveform,
      frame_length=spec.frame_length,
      frame_step=spec.frame_step,
      fft_length=spec.frame_length,
      pad_end=True,
    )
  )
  mel = tf.signal.linear_to_mel_weight_matrix(
    num_mel_bins=spec.num_mels,
    num_spectrogram_bins=spec.frame_length // 2 + 1,
    sample_rate=spec.sample_rate_hz,
    lower_edge_hertz=spec.lower_hz,
    upper_edge_hertz=spec.upper_hz,
  )
  return tf.math.log(1.0 + spec.log_scale * tf.matmul(spectrum, mel))


_FUNCTIONS: dict[type, Callable] = {sound.SpectrogramSpec: log_mel}


def from_pcm16(pcm: tf.Tensor) -> tf.Tensor:
  """Returns int16 samples as float32 in [-1, 1): divided by 32768."""
  return tf.cast(pcm, tf.float32) / 32768.0
