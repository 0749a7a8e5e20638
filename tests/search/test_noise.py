"""The noise level: by hand, as a sample, and where there is none."""

import pathlib
import tracemalloc

import numpy as np
import pytest

from tfvssl.search import index as searching
from tfvssl.search import noise
from tfvssl.search import ranking

_VIDEO = ranking.Comparison("embedding", np.zeros(2), ("video", "audio"))


def _index(paths, vectors, **columns):
  count = len(paths)
  values = {
    "path": np.array(paths),
    "has_video": np.ones(count, bool),
    "has_audio": np.zeros(count, bool),
    "video_embedding": np.array(vectors, "f4"),
    **columns,
  }
  return searching.Index(pathlib.Path("."), "abc", values)


def test_every_file_asks_for_every_other_one():
  # a is the mean of its windows, [1, 1], when it asks; its best when asked.
  index = _index(["a", "a", "b", "c"], [[2, 0], [0, 2], [3, 0], [0, 0]])
  found = noise.measure(index, [_VIDEO])
  half = 0.5**0.5
  scores = [half, 0, 1, 0, 0, 0]  # a to b, a to c, b to a, b to c, c to both
  assert found.level == pytest.approx(np.percentile(scores, 95))
  assert found[1:] == (3, 3)


def test_of_both_the_mean_counts_and_files_without_one_do_not():
  index = _index(
    ["a", "b", "c"],
    [[1, 0], [1, 0], [1, 0]],
    has_audio=np.array([True, True, False]),
    audio_va=np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], "f4"),
  )
  sound = ranking.Comparison("va", np.zeros(3), ("audio",))
  both = [_VIDEO._replace(modalities=("video",)), sound]
  assert noise.measure(index, both) == (pytest.approx(0.5), 2, 2)
  assert noise.measure(index, [_VIDEO]) == (pytest.approx(1.0), 3, 3)


@pytest.mark.parametrize("paths", [["a", "a"], ["a"]])
def test_one_file_has_no_noise_level(paths):
  assert noise.measure(_index(paths, [[1, 0]] * len(paths)), [_VIDEO]) is None


def test_large_index_is_a_sample_in_bounded_memory():
  generator = np.random.default_rng(1)
  paths = np.repeat([f"{i:04d}" for i in range(4000)], 40)
  vectors = generator.normal(size=[len(paths), 32]).astype("f4")
  index = _index(paths, vectors)
  comparison = _VIDEO._replace(vector=np.zeros(32))
  tracemalloc.start()
  found = noise.measure(index, [comparison])
  peak = tracemalloc.get_traced_memory()[1]
  tracemalloc.stop()
  assert found[1:] == (500, 4000)
  assert noise.measure(index, [comparison]) == found  # the same sample
  # Rows: what stands for each, and their order; pairs: 500 x 500.
  assert peak < 20e6
  # The best of 40 random directions: every file of the index is like these.
  means = vectors.reshape(4000, 40, 32).mean(axis=1)[:300]
  means /= np.linalg.norm(means, axis=1, keepdims=True)
  rows = vectors[: 300 * 40]
  rows /= np.linalg.norm(rows, axis=1, keepdims=True)
  best = (means @ rows.T).reshape(300, 300, 40).max(axis=2)
  level = np.percentile(best[~np.eye(300, dtype=bool)], 95)
  assert found.level == pytest.approx(level, abs=0.01)


def test_windows_of_a_very_long_file_are_spread(monkeypatch):
  monkeypatch.setattr(noise, "_MAX_WINDOWS", 4)
  index = _index(
    ["a"] * 5 + ["b"], [[1, 0], [0, 1], [0, 1], [0, 1], [1, 0], [1, 0]]
  )
  # Of a the first and the last window.
  assert noise.measure(index, [_VIDEO]).level == pytest.approx(1.0)
