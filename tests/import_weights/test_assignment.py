"""Tensors of a file into variables of a run: all of them, or none."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfvssl.import_weights import assignment

_PATH = pathlib.Path("published.npy")


def _parts():
  """Returns a run of two parts, all zeros."""
  return {
    "video_backbone": {
      "video/w": tf.Variable(tf.zeros([2, 3])),
      "video/scale": tf.Variable(tf.zeros([3])),
    },
    "projector": {"head/b": tf.Variable(tf.zeros([1]))},
  }


def _tensors():
  return {
    "video/w": np.arange(6, dtype=np.float32).reshape(2, 3),
    # As batch norm is published.
    "video/scale": np.array([[[[1.0, 2.0, 3.0]]]], np.float64),
    "head/b": np.array([7.0], np.float16),
  }


def _assign(parts, tensors, allow_partial=False):
  return assignment.assign(
    parts,
    tensors,
    _PATH,
    required="video_backbone",
    reason_of=lambda name, taken: (
      f"counters beside {len(taken)}" if name.endswith("counter") else None
    ),
    allow_partial=allow_partial,
  )


def _values(parts):
  return {
    name: variable.numpy().tolist()
    for named in parts.values()
    for name, variable in named.items()
  }


def test_every_variable_has_the_value_of_its_tensor():
  parts = _parts()
  report = _assign(parts, _tensors())
  assert _values(parts) == {
    "video/w": [[0, 1, 2], [3, 4, 5]],
    "video/scale": [1, 2, 3],
    "head/b": [7],
  }
  assert report == assignment.Report(3, 6 + 3 + 1, {}, [])


def test_known_tensors_without_a_variable_are_counted_by_reason():
  extra = {f"{n}/counter": np.zeros([], np.float32) for n in "ba"}
  report = _assign(_parts(), _tensors() | extra)
  assert report.ignored == {"counters beside 3": ["a/counter", "b/counter"]}
  assert report.tensors == 3


def test_unknown_tensors_are_refused_or_named():
  tensors = _tensors() | {"x": np.zeros([1]), "y": np.zeros([1])}
  parts = _parts()
  with pytest.raises(
    ValueError, match=r"holds the tensor 'x' \(and 1 more\), which no network"
  ):
    _assign(parts, tensors)
  assert _values(parts) == _values(_parts())
  report = _assign(parts, tensors, allow_partial=True)
  assert report.ignored == {"unknown": ["x", "y"]}


def test_part_that_the_file_lacks_stays_random_if_allowed():
  tensors = _tensors()
  del tensors["head/b"]
  with pytest.raises(
    ValueError,
    match="no tensor 'head/b' nor any other of `projector`; --allow_partial",
  ):
    _assign(_parts(), tensors)
  parts = _parts()
  report = _assign(parts, tensors, allow_partial=True)
  assert report.random == ["projector"]
  assert report.values == 9
  assert _values(parts)["head/b"] == [0]


@pytest.mark.parametrize("allow_partial", [False, True])
def test_required_part_must_be_there(allow_partial):
  tensors = {"head/b": _tensors()["head/b"]}
  with pytest.raises(
    ValueError, match="without the video network there is nothing to import"
  ):
    _assign(_parts(), tensors, allow_partial)


@pytest.mark.parametrize("allow_partial", [False, True])
def test_half_a_part_is_a_damaged_file(allow_partial):
  tensors = _tensors()
  del tensors["video/scale"]
  with pytest.raises(
    ValueError,
    match=r"no tensor 'video/scale' \(of `video_backbone` it lacks 1 of 2\)",
  ):
    _assign(_parts(), tensors, allow_partial)


@pytest.mark.parametrize(
  ("value", "message"),
  [
    (np.zeros([3, 2], np.float32), r"is float32 of shape \(3, 2\) where"),
    (np.zeros([2, 3, 1], np.float32), r"shape \(2, 3, 1\) where the config"),
    (np.zeros([2, 3], np.int32), r"is int32 of shape \(2, 3\) where the"),
    (np.full([2, 3], np.nan), "'video/w' of published.npy is not finite"),
    (np.full([2, 3], np.inf), "is not finite; download it again"),
  ],
)
def test_one_bad_tensor_and_nothing_is_assigned(value, message):
  parts = _parts()
  with pytest.raises(ValueError, match=message):
    _assign(parts, _tensors() | {"video/w": value})
  assert _values(parts) == _values(_parts())
