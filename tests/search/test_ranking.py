"""Ranking: which space, which window, which order, and what is refused."""

import os

import numpy as np
import pytest

from tests.search import tables
from tfvssl.runtime import exit_codes
from tfvssl.search import index as searching
from tfvssl.search import ranking


def _fine(columns):
  """Adds `va`, where all that the coarse space has turns its sign."""
  return {
    **columns,
    "video_va": -columns["video_embedding"],
    "audio_va": -columns["audio_embedding"],
    "video_vat": columns["video_embedding"],
    "audio_vat": columns["audio_embedding"],
  }


_index, _columns = tables.index_of, tables.columns


def _query(modality, *spaces, vector=tables.EAST):
  vectors = {space: np.array(vector, "f4") for space in spaces}
  return ranking.Query({modality: vectors}, [])


def _found(result):
  return [(hit.path, hit.start_s, hit.is_sound) for hit in result.hits]


def test_files_come_by_the_cosine_of_their_best_window():
  result = ranking.rank(_index(_columns()), _query("video", "embedding"), 9)
  assert _found(result) == [
    ("a.mp4", 1.5, False),
    ("b.mp4", 0.0, False),  # by its pictures, not by its sound
    ("c.wav", 0.0, True),
  ]
  assert [hit.score for hit in result.hits] == pytest.approx([1, 0.5**0.5, -1])
  assert (result.num_files, result.num_left_out) == (3, 0)
  assert result.space == "embedding"


def test_only_the_best_are_returned_and_equal_ones_in_order():
  same = np.array([tables.EAST] * 4, "f4")
  columns = _columns(video_embedding=same, audio_embedding=same)
  result = ranking.rank(_index(columns), _query("video", "embedding"), 2)
  assert _found(result) == [("a.mp4", 0.0, False), ("b.mp4", 0.0, False)]
  assert result.num_files == 3


@pytest.mark.parametrize(
  ("modality", "spaces", "expected"),
  [
    ("text", ("embedding", "vat"), "vat"),
    ("audio", ("embedding", "va", "vat"), "va"),
    ("video", ("embedding", "va", "vat"), "embedding"),
    ("audio", ("embedding",), "embedding"),
  ],
)
def test_space_is_where_query_and_files_meet(modality, spaces, expected):
  index = _index(_fine(_columns()))
  query = _query(modality, *spaces)
  result = ranking.rank(index, query, 1)
  assert result.space == expected
  assert result.hits[0].path == ("c.wav" if expected == "va" else "a.mp4")


def test_files_without_the_space_are_left_out_and_counted():
  columns = _columns(video_vt=_columns()["video_embedding"])
  result = ranking.rank(_index(columns), _query("text", "embedding", "vt"), 9)
  assert [hit.path for hit in result.hits] == ["a.mp4", "b.mp4"]
  assert (result.num_files, result.num_left_out) == (2, 1)
  # Sight and sound of a model whose embeddings are of different sizes.
  columns = _columns(audio_embedding=np.ones([4, 3], "f4"))
  result = ranking.rank(_index(columns), _query("video", "embedding"), 9)
  assert result.num_left_out == 1


def test_what_cannot_be_compared_is_one_line():
  with pytest.raises(
    exit_codes.UserError, match="compared with a sentence; it"
  ):
    ranking.rank(_index(_columns()), _query("text", "embedding", "vat"), 9)
  three = {"embedding": np.ones(3)}
  query = ranking.Query({"video": three}, [])
  with pytest.raises(
    exit_codes.UserError, match="none of the 3 files of the i"
  ):
    ranking.rank(_index(_columns()), query, 9)
  broken = _columns()
  broken["video_embedding"][2] = np.nan
  with pytest.raises(
    exit_codes.UserError, match="of 'b.mp4' in the index is n"
  ):
    ranking.rank(_index(broken), _query("video", "embedding"), 9)


def test_embedding_of_zeros_is_similar_to_nothing():
  columns = _columns(video_embedding=np.zeros([4, 2], "f4"))
  result = ranking.rank(_index(columns), _query("video", "embedding"), 2)
  assert [hit.score for hit in result.hits] == [0, 0]


def _both(sound):
  """A query of pictures to the east and of sound."""
  vectors = {
    "video": {"embedding": np.array(tables.EAST, "f4")},
    "audio": {"embedding": np.array(sound, "f4")},
  }
  return ranking.Query(vectors, ["a remark"], "both")


def test_either_or_both_are_compared_with_their_like():
  index = _index(_columns())
  (vectors,) = _query("audio", "embedding").vectors.values()
  by_sound = ranking.Query({"audio": vectors}, [], "audio")
  result = ranking.rank(index, by_sound, 9)
  # b.mp4 by its sound although it has pictures; a.mp4 has none.
  assert _found(result) == [("b.mp4", 0.0, True), ("c.wav", 0.0, True)]
  assert [hit.score for hit in result.hits] == pytest.approx([1, -1])
  assert (result.num_files, result.num_left_out) == (2, 1)
  assert result.remarks == [
    "1 files of the index have no embedding in the space embedding and were not"
    " compared."
  ]
  by_pictures = ranking.Query({"video": vectors}, [], "video")
  assert _found(ranking.rank(index, by_pictures, 9)) == [
    ("a.mp4", 1.5, False),
    ("b.mp4", 0.0, False),
  ]
  result = ranking.rank(index, _both(tables.NORTH), 9)
  assert _found(result) == [("b.mp4", 0.0, False)]
  assert result.hits[0].score == pytest.approx((0.5**0.5 + 0.0) / 2)
  assert result.remarks[0] == "a remark"
  assert (result.space, _both(tables.NORTH).kind) == ("embedding", "both")


def test_sound_of_a_query_by_both_is_compared_where_sounds_meet():
  query = _both(tables.NORTH)
  query.vectors["audio"]["va"] = np.array(tables.WEST, "f4")
  result = ranking.rank(_index(_fine(_columns())), query, 9)
  assert result.space == "embedding and va"
  assert result.hits[0].score == pytest.approx((0.5**0.5 + 1.0) / 2)


def test_labels_come_with_the_hits():
  labels = np.array(["red", "red", "", "loud"])
  query = _query("video", "embedding")
  result = ranking.rank(_index(_columns(label=labels)), query, 9)
  assert [hit.label for hit in result.hits] == ["red", "", "loud"]
  result = ranking.rank(_index(_columns()), query, 9)
  assert [hit.label for hit in result.hits] == ["", "", ""]


def test_own_file_has_no_place_by_whatever_name(tmp_path):
  (tmp_path / "a.mp4").write_bytes(b"")
  (tmp_path / "c.wav").write_bytes(b"")
  (tmp_path / "copy.mp4").write_bytes(b"")
  os.symlink(tmp_path / "copy.mp4", tmp_path / "b.mp4")
  index = searching.Index(tmp_path, "abc", _columns())
  query = _query("video", "embedding")

  def ask(name, top):
    return ranking.rank(index, query._replace(file=str(tmp_path / name)), top)

  result = ask("a.mp4", 1)
  assert [hit.path for hit in result.own] == ["a.mp4"]
  assert (result.own[0].start_s, result.own[0].score) == (1.5, 1.0)
  assert [hit.path for hit in result.hits] == ["b.mp4"]
  assert result.num_files == 2
  assert [hit.path for hit in ask("copy.mp4", 9).own] == ["b.mp4"]
  assert ask("c.wav", 2).own == []  # behind the last that is shown
  assert [hit.path for hit in ask("c.wav", 3).own] == ["c.wav"]
