"""Neighbours of the report and the clips it plays."""

import numpy as np
import pytest

from tfvssl.data.media import mp4
from tfvssl.data.media import streams
from tfvssl.pages import gallery


def embedded(labels, features):
  return gallery.Embedded(
    [f"{i}.mp4" for i in range(len(labels))],
    np.array(features, float),
    labels,
  )


def test_windows_of_a_file_are_averaged():
  paths, features = gallery.mean_per_file(
    ["b", "a", "b"], np.array([[1.0, 0.0], [5.0, 5.0], [3.0, 4.0]])
  )
  assert paths == ["b", "a"]
  np.testing.assert_array_equal(features, [[2, 2], [5, 5]])


def test_normalised_rows_are_standardised_and_of_length_1():
  features = gallery.normalise(np.array([[1.0, 10.0, 3.0], [3.0, 30.0, 3.0]]))
  root = 0.5**0.5
  np.testing.assert_allclose(features, [[-root, -root, 0], [root, root, 0]])


def test_nearest_leaves_out_the_query():
  features = np.array([[1.0, 0], [0.6, 0.8], [0, 1], [0.8, 0.6]])
  assert gallery.nearest(features, 0, 2).tolist() == [3, 1]
  assert gallery.nearest(features, 0, 9).tolist() == [3, 1, 2]


def test_retrieval_accuracy_counts_labels_of_the_nearest():
  found = gallery.retrieval_accuracy(
    embedded(
      ["a", "a", "b", "b", ""],
      [[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [1, 0]],
    )
  )
  # Rows 1 and 2 are nearest to each other, 0 to 1 and 3 to 2.
  assert found == (0.5, pytest.approx(1 / 3))


def test_no_shared_labels_give_no_accuracy():
  assert (
    gallery.retrieval_accuracy(
      embedded(["a", "b", ""], [[1, 0], [0, 1], [1, 0]])
    )
    is None
  )


def test_queries_take_labels_in_turn(tmp_path):
  for i in range(4):
    frames = np.full([5, 32, 32, 3], 50 * i, np.uint8)
    mp4.encode(frames, 25, tmp_path / f"{i}.mp4")
  (tmp_path / "3.mp4").write_bytes(b"damaged")
  found = embedded(["a", "a", "b", "a"], np.eye(4))
  galleries = gallery.galleries(found, tmp_path, queries=3, neighbours=2)
  assert [g.query.name for g in galleries] == ["0.mp4", "2.mp4", "1.mp4"]
  names = [clip.name for g in galleries for clip in g.neighbours]
  assert "3.mp4" not in names  # it cannot be shown
  assert galleries[0].query.mp4 == (tmp_path / "0.mp4").read_bytes()


def test_large_video_becomes_a_small_preview(tmp_path):
  path = tmp_path / "large.mov"
  frames = np.random.default_rng(0).integers(
    0, 255, [150, 130, 190, 3], dtype=np.uint8
  )
  mp4.encode(frames, 25, tmp_path / "large.mp4", sound=np.zeros(48_000, "i2"))
  (tmp_path / "large.mp4").rename(path)
  small = tmp_path / "small.mp4"
  small.write_bytes(gallery.preview(path))
  info = streams.probe(small)
  assert (info.height, info.width) == (112, 164)
  assert info.duration_s == pytest.approx(4.0, abs=0.2)
  assert info.has_audio


def test_embeddings_are_read_with_their_folder_as_label(tmp_path):
  path = tmp_path / "embeddings.npz"
  np.savez(
    path,
    path=np.array(["b/x.mp4", "b/x.mp4", "top.mp4", "a/sound.wav"]),
    has_video=np.array([True, True, True, False]),
    video_backbone=np.array([[1.0, 2], [3, 2], [0, 0], [0, 0]], np.float32),
  )
  found = gallery.load(path, labelled=True)
  assert found.paths == ["b/x.mp4", "top.mp4"]
  assert found.labels == ["b", ""]
  assert gallery.load(path, labelled=False).labels == ["", ""]


def test_no_picture_rows_give_no_gallery(tmp_path):
  np.savez(
    tmp_path / "a.npz",
    path=np.array(["a.wav"]),
    has_video=np.array([False]),
    video_backbone=np.zeros([1, 2], np.float32),
  )
  assert gallery.load(tmp_path / "a.npz", labelled=True) is None
