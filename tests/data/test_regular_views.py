import tensorflow as tf

from tfvssl.data import regular_views


def test_test_clips_are_spaced_from_the_first_to_the_last_start():
  starts = regular_views.linspace_starts(tf.constant(20), 3, 4, 2)
  assert starts.numpy().tolist() == [0, 6, 13]  # 0, 6.5, 13


def test_test_clips_of_a_short_clip_all_start_at_its_beginning():
  starts = regular_views.linspace_starts(tf.constant(5), 3, 4, 2)
  assert starts.numpy().tolist() == [0, 0, 0]
