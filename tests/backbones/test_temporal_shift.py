import numpy as np
import tensorflow as tf

from tfvssl.backbones import temporal_shift


def _video(num_frames, channels):
  """[1, T, 1, 1, C] with the value 10 * frame + channel, both from 1."""
  frames = 10 * np.arange(1, num_frames + 1)[:, np.newaxis]
  values = frames + np.arange(1, channels + 1)
  return tf.constant(values[np.newaxis, :, np.newaxis, np.newaxis], tf.float32)


def test_last_channel_of_the_next_frame_comes_first():
  shifted = temporal_shift.temporal_shift(_video(3, 4), 0.25)
  np.testing.assert_array_equal(
    shifted[0, :, 0, 0],
    [[24, 12, 13, 0], [34, 22, 23, 11], [0, 32, 33, 21]],
  )


def test_number_of_channels_is_rounded_down():
  shifted = temporal_shift.temporal_shift(_video(2, 7), 0.25)
  np.testing.assert_array_equal(
    shifted[0, :, 0, 0],
    [[27, 12, 13, 14, 15, 16, 0], [0, 22, 23, 24, 25, 26, 11]],
  )


def test_one_frame_has_no_neighbours():
  shifted = temporal_shift.temporal_shift(_video(1, 4), 0.25)
  np.testing.assert_array_equal(shifted[0, :, 0, 0], [[0, 12, 13, 0]])


def test_fraction_zero_shifts_nothing():
  video = _video(3, 4)
  np.testing.assert_array_equal(
    temporal_shift.temporal_shift(video, 0.0), video
  )


def test_folded_frames_are_shifted_within_their_clip():
  clips = tf.concat([_video(2, 4), 100 + _video(2, 4)], axis=0)
  shifted = temporal_shift.shift_folded(
    temporal_shift.fold_frames(clips), 2, 0.25
  )
  np.testing.assert_array_equal(
    shifted[:, 0, 0],
    [
      [24, 12, 13, 0],
      [0, 22, 23, 11],
      [124, 112, 113, 0],
      [0, 122, 123, 111],
    ],
  )


def test_gradient_returns_to_the_frame_it_came_from():
  video = _video(2, 4)
  with tf.GradientTape() as tape:
    tape.watch(video)
    first_frame = temporal_shift.temporal_shift(video, 0.25)[0, 0, 0, 0]
    loss = tf.reduce_sum(first_frame * [1.0, 2.0, 3.0, 4.0])
  np.testing.assert_array_equal(
    tape.gradient(loss, video)[0, :, 0, 0], [[0, 2, 3, 0], [0, 0, 0, 1]]
  )
