"""Searching: which space, which window, which order, and what is refused."""

import os
import pathlib
import zipfile

import numpy as np
import pytest

from tests import exported_runs
from tests import tiny_mmv_runs
from tfvssl.data.media import mp4
from tfvssl.embed import embedder as embedding
from tfvssl.export import description as export_format
from tfvssl.runtime import exit_codes
from tfvssl.search import index as searching

# Columns of `embedding` (for MMV equal to `vat`) and `va`, as unit vectors or
# not; a row per window.
_EAST, _NORTH, _WEST = [2.0, 0.0], [0.0, 0.5], [-1.0, 0.0]
_NORTH_EAST, _NONE = [1.0, 1.0], [0.0, 0.0]


def _columns(**changes):
  """Two windows of a.mp4, one of b.mp4 with sound, one of c.wav."""
  columns = {
    "path": np.array(["a.mp4", "a.mp4", "b.mp4", "c.wav"]),
    "start_s": np.array([0.0, 1.5, 0.0, 0.0]),
    "has_video": np.array([True, True, True, False]),
    "has_audio": np.array([False, False, True, True]),
    "audio_s": np.array([0.0, 0.0, 1.0, 1.0]),
    "video_embedding": np.array([_NORTH, _EAST, _NORTH_EAST, _NONE], "f4"),
    "audio_embedding": np.array([_NONE, _NONE, _EAST, _WEST], "f4"),
    "model": np.array("abc"),
    "root": np.array("."),
  }
  return {**columns, **changes}


def _fine(columns):
  """Adds `va`, where all that the coarse space has turns its sign."""
  return {
    **columns,
    "video_va": -columns["video_embedding"],
    "audio_va": -columns["audio_embedding"],
    "video_vat": columns["video_embedding"],
    "audio_vat": columns["audio_embedding"],
  }


def _index(columns):
  return searching.Index(pathlib.Path("."), "abc", columns)


def _query(modality, *spaces, vector=_EAST):
  vectors = {space: np.array(vector, "f4") for space in spaces}
  return searching.Query(modality, vectors, [])


def _found(result):
  return [(hit.path, hit.start_s, hit.is_sound) for hit in result.hits]


def test_files_come_by_the_cosine_of_their_best_window():
  result = searching.rank(_index(_columns()), _query("video", "embedding"), 9)
  assert _found(result) == [
    ("a.mp4", 1.5, False),
    ("b.mp4", 0.0, False),  # by its pictures, not by its sound
    ("c.wav", 0.0, True),
  ]
  assert [hit.score for hit in result.hits] == pytest.approx([1, 0.5**0.5, -1])
  assert (result.num_files, result.num_left_out) == (3, 0)
  assert result.space == "embedding"


def test_only_the_best_are_returned_and_equal_ones_in_order():
  same = np.array([_EAST] * 4, "f4")
  columns = _columns(video_embedding=same, audio_embedding=same)
  result = searching.rank(_index(columns), _query("video", "embedding"), 2)
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
  assert searching.shared_space(index, query) == expected
  first = searching.rank(index, query, 1).hits[0].path
  assert first == ("c.wav" if expected == "va" else "a.mp4")


def test_files_without_the_space_are_left_out_and_counted():
  columns = _columns(video_vt=_columns()["video_embedding"])
  result = searching.rank(_index(columns), _query("text", "embedding", "vt"), 9)
  assert [hit.path for hit in result.hits] == ["a.mp4", "b.mp4"]
  assert (result.num_files, result.num_left_out) == (2, 1)
  # Sight and sound of a model whose embeddings are of different sizes.
  columns = _columns(audio_embedding=np.ones([4, 3], "f4"))
  result = searching.rank(_index(columns), _query("video", "embedding"), 9)
  assert result.num_left_out == 1


def test_what_cannot_be_compared_is_one_line():
  with pytest.raises(
    exit_codes.UserError, match="compared with a sentence; it"
  ):
    searching.rank(_index(_columns()), _query("text", "embedding", "vat"), 9)
  three = {"embedding": np.ones(3)}
  query = searching.Query("video", three, [])
  with pytest.raises(
    exit_codes.UserError, match="none of the 3 files of the i"
  ):
    searching.rank(_index(_columns()), query, 9)
  broken = _columns()
  broken["video_embedding"][2] = np.nan
  with pytest.raises(
    exit_codes.UserError, match="of 'b.mp4' in the index is n"
  ):
    searching.rank(_index(broken), _query("video", "embedding"), 9)


def test_embedding_of_zeros_is_similar_to_nothing():
  columns = _columns(video_embedding=np.zeros([4, 2], "f4"))
  result = searching.rank(_index(columns), _query("video", "embedding"), 2)
  assert [hit.score for hit in result.hits] == [0, 0]


def test_index_is_read_as_it_was_written(tmp_path):
  (tmp_path / "tables").mkdir()
  path = tmp_path / "tables" / "index.npz"
  embedding.save(path, _columns(root=np.array("../media")))
  index = searching.load_index(path)
  assert index.model == "abc"
  assert index.folder.resolve() == tmp_path / "media"
  np.testing.assert_array_equal(index.columns["path"], _columns()["path"])


@pytest.mark.parametrize(
  ("columns", "message"),
  [
    ({"text": np.array(["a"])}, "no column path, start_s, has_video, .* table"),
    (
      {k: v for k, v in _columns().items() if k != "model"},
      "does not say which model made it: an older",
    ),
    (
      _columns(video_embedding=np.zeros([3, 2])),
      r"column video_embedding has the shape \[3, 2\], not 4 rows of rank 2",
    ),
    (_columns(start_s=np.zeros([4, 1])), r"start_s has the shape \[4, 1\]"),
    (_columns(path=np.array("a")), r"audio_s has the shape \[4\], not 1 rows"),
    (_columns(start_s=np.array(["0"] * 4)), "start_s has values of <U1, of an"),
    (
      _columns(start_s=np.array([0.0, np.inf, 0.0, 0.0])),
      "start_s has times that are none",
    ),
    (
      _columns(audio_s=np.array([0.0, np.nan, 0.0, 0.0])),
      "audio_s has times that are none",
    ),
    (_columns(path=np.arange(4)), "path has values of int64, of another kind"),
    (
      _columns(path=np.array(["a", None], object)),
      "cannot be read as .npz: Ob",
    ),
  ],
)
def test_tables_that_are_no_index_are_named(tmp_path, columns, message):
  path = tmp_path / "index.npz"
  np.savez(path, **columns)
  with pytest.raises(ValueError, match=f"index.npz.* {message}"):
    searching.load_index(path)


def test_files_that_are_no_table_are_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="is not a file; make it with tf"):
    searching.load_index(tmp_path)
  path = tmp_path / "index.npz"
  np.save(tmp_path / "array.npy", np.zeros(3))
  whole = tmp_path / "whole.npz"
  np.savez(whole, **_columns())
  for content in (
    b"",
    b"no table",
    (tmp_path / "array.npy").read_bytes(),
    whole.read_bytes()[:-60],
  ):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="index.npz cannot be read as .npz"):
      searching.load_index(path)


def test_column_that_is_no_array_is_named(tmp_path):
  path = tmp_path / "index.npz"
  np.savez(path, **{k: v for k, v in _columns().items() if k != "path"})
  with zipfile.ZipFile(path, "a") as archive:
    archive.writestr("path.npy", b"no array")
  with pytest.raises(ValueError, match="column path is no array; embed anew"):
    searching.load_index(path)


def test_compressed_index_is_not_unpacked(tmp_path):
  path = tmp_path / "index.npz"
  np.savez_compressed(path, **_columns(video_embedding=np.zeros([4, 2])))
  with pytest.raises(
    ValueError, match="'path.npy' is compressed, which tfvssl.embed never does"
  ):
    searching.load_index(path)


def test_forged_shape_takes_no_memory(tmp_path):
  path = tmp_path / "index.npz"
  np.savez(path, **_columns())
  with zipfile.ZipFile(path) as archive:
    members = {name: archive.read(name) for name in archive.namelist()}
  for length in (9, 18):
    claimed = b"(%s,), }" % (b"9" * length)
    whole = b"(4,), }" + b" " * (length - 1)
    forged = members["path.npy"].replace(whole, claimed)
    assert forged != members["path.npy"]
    with zipfile.ZipFile(path, "w") as archive:
      for name, content in {**members, "path.npy": forged}.items():
        archive.writestr(name, content)
    with pytest.raises(ValueError, match="index.npz cannot be read as .npz"):
      searching.load_index(path)


def test_index_of_another_model_is_refused(tmp_path):
  (tmp_path / "signature.json").write_text("{}")
  with pytest.raises(
    ValueError, match="made with export abc, but .* is 44136fa355b3; embedd"
  ):
    searching.check_model(_index(_columns()), tmp_path)
  with pytest.raises(FileNotFoundError, match="make an export with tfvssl.exp"):
    searching.check_model(_index(_columns()), tmp_path / "none")


def test_files_are_found_by_their_printed_names(tmp_path):
  (tmp_path / "media" / "deep").mkdir(parents=True)
  raw = os.fsencode(tmp_path / "media" / "deep") + b"/caf\xe9 \\x41.mp4"
  for file in (os.fsdecode(raw), tmp_path / "media" / "a.mp4"):
    pathlib.Path(file).write_bytes(b"")
  (tmp_path / "secret.mp4").write_bytes(b"")
  index = searching.Index(tmp_path / "media", "abc", {})
  name = embedding.printable(os.fsdecode(b"deep/caf\xe9 \\x41.mp4"))
  assert name == "deep/caf\\xe9 \\x41.mp4"
  assert os.fsencode(searching.file_of(index, name)) == raw
  assert searching.file_of(index, "a.mp4") == tmp_path / "media" / "a.mp4"
  for absent in ("b.mp4", "../secret.mp4", f"{tmp_path}/secret.mp4", "a\0", ""):
    assert searching.file_of(index, absent) is None


@pytest.fixture(scope="module")
def model(tmp_path_factory):
  """An export of the smallest MMV."""
  root = tmp_path_factory.mktemp("mmv")
  experiment = exported_runs.mmv_experiment(tiny_mmv_runs.vocabulary(root))
  method = exported_runs.method(experiment)
  return exported_runs.export(experiment, method.encoders(), root / "model")


@pytest.fixture(scope="module")
def description(model):
  return export_format.load_description(model)


def test_sentence_is_embedded_with_its_unknown_words(model, description):
  def ask(sentence):
    return searching.embed_query(model, description, sentence, False)

  known = ask("Red disc!")
  assert (known.modality, known.remarks) == ("text", [])
  assert set(known.vectors) == {"embedding", "vat"}
  embedder = embedding.Embedder(model, modalities=("text",))
  expected = embedder.embed_sentences(["red disc"])["text_vat"][0]
  np.testing.assert_allclose(known.vectors["vat"], expected, atol=1e-5)
  assert ask("a red  disc - a car").remarks == [
    "The model does not know these words: a, car."
  ]
  assert ask("red red red red disc").remarks == [
    "The model reads 4 words of a sentence."
  ]
  with pytest.raises(
    ValueError, match="'car' is not a file, .* no word that the"
  ):
    ask("car")
  with pytest.raises(ValueError, match="'x+' is not a file, and as a sentence"):
    ask("x" * 5000)  # no file can be called so


def test_model_without_text_refuses_a_sentence():
  with pytest.raises(
    ValueError, match="'red disc' is not a file, and EXPORT has no text network"
  ):
    searching.embed_query("EXPORT", {"video": {}}, "red disc", False)


def test_file_is_embedded_as_the_mean_of_its_windows(
  model, description, tmp_path
):
  generator = np.random.default_rng(0)
  frames = generator.integers(0, 256, [27, 32, 48, 3], np.uint8)
  path = tmp_path / "clip.mp4"
  mp4.encode(frames, 25, path, sound=np.zeros(24_000, np.int16))
  query = searching.embed_query(model, description, str(path), False)
  table = embedding.Embedder(model).embed_file(path)
  assert query.modality == "video"
  # Windows of 0.32 s in 1.08 s.
  assert query.remarks == ["The query is the mean of its 3 windows."]
  assert set(query.vectors) == {"embedding", "va", "vat"}
  np.testing.assert_allclose(
    query.vectors["va"], table["video_va"].mean(axis=0), atol=1e-6
  )
  broken = tmp_path / "broken.mp4"
  broken.write_bytes(b"no video at all" * 20)
  with pytest.raises(exit_codes.UserError, match="broken.mp4 cannot be embedd"):
    searching.embed_query(model, description, str(broken), False)
