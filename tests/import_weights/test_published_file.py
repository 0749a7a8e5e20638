"""What the released reader takes is read; what it would not, is named."""

import dataclasses
import hashlib

import numpy as np
import pytest

from tests import published_files
from tfvssl.import_weights import published_file


def _tree(**changes):
  tree = {
    "params": {
      "shared_project/projector/linear": {
        "w": np.ones([2, 3], np.float32),
        "b": np.zeros(3, np.float32),
      }
    },
    "state": {
      "shared_project/projector/batch_norm/~/mean_ema": {
        "average": np.full([1, 3], 0.5, np.float32)
      }
    },
    "config": published_files.released_config(),
  }
  return {**tree, **changes}


def _read(tmp_path, tree, **arguments):
  path = tmp_path / "x.npy"
  path.write_bytes(published_files.npy(tree))
  return published_file.read(path, **arguments)


def test_tensors_have_their_whole_names(tmp_path):
  read = _read(tmp_path, _tree())
  root = "shared_project/projector"
  assert sorted(read.tensors) == [
    f"{root}/batch_norm/~/mean_ema/average",
    f"{root}/linear/b",
    f"{root}/linear/w",
  ]
  np.testing.assert_array_equal(
    read.tensors[f"{root}/linear/w"], np.ones([2, 3])
  )
  content = (tmp_path / "x.npy").read_bytes()
  assert read.sha256 == hashlib.sha256(content).hexdigest()
  assert read.path == tmp_path / "x.npy"


def test_config_has_the_kinds_of_its_fields(tmp_path):
  config = published_files.released_config(
    tsm_resnet_width_multiplier=np.int64(2),
    num_frames_narrow=32.0,
    dataset_shards=("a", "b"),
  )
  read = _read(tmp_path, _tree(config=config)).config
  assert (read.tsm_resnet_width_multiplier, read.num_frames_narrow) == (2, 32)
  assert type(read.num_frames_narrow) is int
  assert read.dataset_shards == ["a", "b"]
  assert read.include_audio_in_broad_view is True
  assert read.input_audio_sample_rate == 48_000


def _config(**changes):
  return _tree(config=published_files.released_config(**changes))


def _lacking():
  config = published_files.released_config()
  del config["fft_step"]
  return _tree(config=config)


@pytest.mark.parametrize(
  ("tree", "message"),
  [
    ([1, 2], "it holds a list, no dict"),
    (
      {"a": 1, "b": 2},
      "has no dict `params`; found: 'a', 'b', expected: params",
    ),
    ({}, "has no dict `params`; found: nothing"),
    (
      dict.fromkeys("abcdefg"),
      "'a', 'b', 'c', 'd', 'e' and 2 more, expected: params, state, config",
    ),
    (_tree(state=[1]), "has no dict `state`"),
    (_tree(params={"m": np.zeros(1)}), "`params` holds no dict at 'm'"),
    (_tree(state={"m": {"w": 1.0}}), "`state` holds no array at 'm/w'"),
    (
      _tree(
        params={"m": {"n/w": np.zeros(1)}}, state={"m/n": {"w": np.zeros(1)}}
      ),
      "holds 'm/n/w' twice",
    ),
    (_lacking(), "`config` lacks `fft_step`"),
    (_config(speed=1), "`config` has the unknown field 'speed'"),
    (
      _config(fft_step=0),
      "`config.fft_step` is 0; it must be a whole number from 1 to 48000.",
    ),
    (_config(fft_step=10**15), "is 1000000000000000; it must be a whole numb"),
    (_config(fft_step=10**30), "an integer of more than 64 bits"),
    (_config(output_dims=10**400), "an integer of more than 64 bits"),
    (_config(output_dims=16_385), "16385; it must be a whole number from 1 to"),
    (_config(image_size_narrow=10**6), "1000000; it must be a whole number fr"),
    (_config(num_spectrogram_bins=10**9), "whole number from 1 to 1024."),
    (_config(num_frames_broad=1e300), "is 1e+300; it must be a whole number f"),
    (_config(step_narrow=np.nan), "is nan; it must be a whole number from 1"),
    (
      _config(tsm_resnet_width_multiplier=1000),
      "_multiplier` is 1000; it must be a number from 0.01 to 4.",
    ),
    (_config(input_audio_sample_rate=999), "number from 1000 to 192000."),
    (_config(fft_step=1.5), "`config.fft_step` is 1.5"),
    (_config(fft_step=True), "`config.fft_step` is True"),
    (_config(input_video_sample_rate=np.inf), "_sample_rate` is inf"),
    (_config(include_audio_in_broad_view=1), "_in_broad_view` is 1"),
    (_config(dataset_shards="a"), "`config.dataset_shards` is 'a'"),
  ],
)
def test_other_content_is_refused(tree, message, tmp_path):
  with pytest.raises(ValueError) as caught:
    _read(tmp_path, tree)
  text = str(caught.value)
  assert message in text
  assert text.startswith(f"{tmp_path / 'x.npy'} is not read: ")
  assert text.endswith("Download it again from where DeepMind publishes it.")
  assert "\n" not in text


def test_every_number_has_bounds_around_the_released_one():
  fields = dataclasses.fields(published_file.PublishedConfig)
  numbers = {field.name for field in fields if field.type in (int, float)}
  assert numbers == set(published_file._BOUNDS)
  released = published_files.released_config()
  for name, (low, high) in published_file._BOUNDS.items():
    assert low <= released[name] <= high < 10**6, name


def test_a_larger_file_is_refused_before_it_is_read(tmp_path):
  """One that has no content on the disk, of more than any memory holds."""
  with open(tmp_path / "x.npy", "wb") as file:
    file.truncate(1 << 42)
  with pytest.raises(ValueError, match=f"more than {1 << 41} bytes"):
    published_file.read(tmp_path / "x.npy", max_bytes=1 << 41)


def test_a_large_limit_takes_no_memory(tmp_path):
  path = tmp_path / "x.npy"
  path.write_bytes(published_files.npy(_tree()))
  read = published_file.read(path, max_bytes=10**27)
  assert len(read.tensors) == 3


def test_a_larger_file_is_refused_before_it_is_parsed(tmp_path):
  path = tmp_path / "x.npy"
  path.write_bytes(b"z" * 101)
  with pytest.raises(ValueError, match="more than 100 bytes; if that is right"):
    published_file.read(path, max_bytes=100)
  with pytest.raises(ValueError, match="no .npy file"):
    published_file.read(path, max_bytes=101)


def test_a_file_that_is_not_there_is_named(tmp_path):
  for path in (tmp_path, tmp_path / "y.npy"):
    with pytest.raises(
      FileNotFoundError, match="is not a file; name the downl"
    ):
      published_file.read(path)
