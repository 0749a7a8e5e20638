"""Windows of training views against view_sampling.npz; exactly equal."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.data import windows


@pytest.fixture(scope="module")
def cases(golden):
  return cases_of(golden("view_sampling"))


def cases_of(table: dict) -> list[dict]:
  """Returns the values of every case of a file by their names."""
  names = (
    "clip_frames",
    "clip_samples",
    "narrow_count",
    "narrow_step",
    "broad_count",
    "broad_step",
    "start",
    "bound",
  )
  cases = []
  for number in range(int(table["num_cases"])):
    prefix = f"case{number}_"
    case = {
      key.removeprefix(prefix): value
      for key, value in table.items()
      if key.startswith(prefix)
    }
    cases.append(
      {
        **case,
        **dict(zip(names, map(int, case["params"]), strict=True)),
        "samples_per_frame": int(table["audio_samples_per_frame"]),
      }
    )
  assert cases
  return cases


def test_bound_of_the_narrow_start(cases):
  for case in cases:
    bound = windows.narrow_start_bound(
      tf.constant(case["clip_frames"]),
      case["narrow_count"],
      case["narrow_step"],
    )
    assert int(bound) == case["bound"], case["params"]


@pytest.mark.parametrize("view", ["narrow", "broad"])
def test_frames_of_both_views(cases, view):
  for case in cases:
    frames = windows.frame_indices(
      tf.constant(case["start"]),
      case[f"{view}_count"],
      case[f"{view}_step"],
      tf.constant(case["clip_frames"]),
    )
    np.testing.assert_array_equal(frames, case[f"{view}_frames"])


def _sound(case, length, view_frames):
  """Returns 1-based sample numbers, 0 for silence, as the file holds them."""
  start = tf.constant(case["start"])
  clip_frames = tf.constant(case["clip_frames"])
  clip_samples = tf.constant(case["clip_samples"])
  first = windows.sound_start(start, clip_frames, clip_samples)
  indices = windows.sound_indices(
    tf.cast(first, tf.int32),
    length,
    start_frame=start,
    view_frames=view_frames,
    num_clip_frames=clip_frames,
    num_values=clip_samples,
  )
  numbers = tf.range(1, case["clip_samples"] + 1)
  return windows.take_sound(numbers, indices).numpy()


def test_samples_of_the_broad_sound(cases):
  for case in cases:
    view_frames = case["broad_count"] * case["broad_step"]
    sound = _sound(case, int(case["broad_audio_len"]), view_frames)
    assert len(sound) == view_frames * case["samples_per_frame"]
    assert sound[0] == case["broad_audio_first"], case["params"]
    assert sound[-1] == case["broad_audio_last"], case["params"]
    assert np.sum(sound == 0) == case["broad_audio_zeros"], case["params"]
    np.testing.assert_array_equal(sound[::97], case["broad_audio_every97"])


def test_samples_below_the_narrow_view(cases):
  for case in cases:
    span = (case["narrow_count"] - 1) * case["narrow_step"] + 1
    # The reference loops the clip as far as the broad view needs.
    view_frames = case["broad_count"] * case["broad_step"]
    ends = [
      int(
        windows.sound_start(
          tf.constant(frame),
          tf.constant(case["clip_frames"]),
          tf.constant(case["clip_samples"]),
        )
      )
      for frame in (case["start"], case["start"] + span)
    ]
    assert ends[1] - ends[0] == case["narrow_audio_len"], case["params"]
    sound = _sound(case, ends[1] - ends[0], view_frames)
    assert sound[0] == case["narrow_audio_first"], case["params"]
    assert sound[-1] == case["narrow_audio_last"], case["params"]
