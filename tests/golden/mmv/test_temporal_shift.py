"""The temporal shift against MMV's released function."""

import numpy as np
import tensorflow as tf

from tests.golden.mmv import parameters
from tfvssl.backbones import temporal_shift


def _fraction(case):
  return float(f"{case[0]}.{case[1:]}")  # "0125" is 0.125


def test_shift_moves_values_and_changes_none(mmv_golden):
  arrays = mmv_golden("tsm_shift")
  for case in parameters.cases(arrays, "gpu_f"):
    ours = temporal_shift.shift_folded(
      tf.constant(arrays["x_batch_major"]),
      int(arrays["num_frames"]),
      _fraction(case),
    )
    np.testing.assert_array_equal(ours, arrays[f"gpu_f{case}"], err_msg=case)


def test_released_tpu_mode_is_the_shift_of_bfloat16(mmv_golden):
  # A mode outside the product: time comes first, and values are rounded.
  arrays = mmv_golden("tsm_shift")
  rounded = tf.cast(arrays["x_time_major"], tf.bfloat16)
  num_frames = int(arrays["num_frames"])
  by_time = tf.reshape(rounded, [num_frames, -1, *rounded.shape[1:]])
  for case in parameters.cases(arrays, "tpu_f"):
    shifted = temporal_shift.temporal_shift(
      tf.transpose(by_time, [1, 0, 2, 3, 4]), _fraction(case)
    )
    ours = tf.transpose(tf.cast(shifted, tf.float32), [1, 0, 2, 3, 4])
    theirs = arrays[f"tpu_f{case}"]
    np.testing.assert_array_equal(
      tf.reshape(ours, theirs.shape), theirs, err_msg=case
    )
