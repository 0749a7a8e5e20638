"""The temporal shift against the released function."""

import numpy as np
import tensorflow as tf

from tfvssl.backbones import temporal_shift


def _cases(arrays, prefix):
  cases = {
    key: float(key.removeprefix(prefix))
    for key in arrays
    if key.startswith(prefix)
  }
  assert cases
  return cases.items()


def test_shift_moves_values_and_changes_none(golden):
  arrays = golden("temporal_shift")
  for key, fraction in _cases(arrays, "gpu_fraction_"):
    ours = temporal_shift.temporal_shift(arrays["input"], fraction)
    np.testing.assert_array_equal(ours, arrays[key], err_msg=key)


def test_folded_shift_is_the_same(golden):
  arrays = golden("temporal_shift")
  video = tf.constant(arrays["input"])
  for key, fraction in _cases(arrays, "gpu_fraction_"):
    ours = temporal_shift.shift_folded(
      temporal_shift.fold_frames(video), video.shape[1], fraction
    )
    np.testing.assert_array_equal(
      temporal_shift.unfold_frames(ours, video.shape[1]), arrays[key]
    )


def test_released_tpu_mode_is_the_shift_of_bfloat16(golden):
  # A mode outside the product: the released code rounds on TPU.
  arrays = golden("temporal_shift")
  rounded = tf.cast(arrays["input"], tf.bfloat16)
  for key, fraction in _cases(arrays, "tpu_bf16_fraction_"):
    ours = temporal_shift.temporal_shift(rounded, fraction)
    np.testing.assert_array_equal(tf.cast(ours, tf.float32), arrays[key])


def test_released_image_mode_scales_the_shifted_channels(golden):
  # A mode outside the product: one image stands for all frames.
  arrays = golden("temporal_shift")
  image = arrays["input"][:, :1]
  for key, alpha in _cases(arrays, "image_mode_alpha_"):
    still = np.repeat(image, 3, axis=1)
    shifted = temporal_shift.temporal_shift(still, 0.125)[:, 1].numpy()
    count = int(shifted.shape[-1] * 0.125)
    shifted[..., :count] *= np.float32(alpha)
    shifted[..., -count:] *= np.float32(alpha)
    np.testing.assert_array_equal(shifted, arrays[key])
