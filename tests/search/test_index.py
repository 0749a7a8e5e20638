"""An index is read as it was written, and what is none is refused."""

import os
import pathlib
import zipfile

import numpy as np
import pytest

from tests.search import tables
from tfvssl.embed import embedder as embedding
from tfvssl.search import index as searching

_columns = tables.columns


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
    (
      _columns(start_s=np.zeros([4, 1])),
      r"start_s has the shape \[4, 1\]",
    ),
    (
      _columns(path=np.array("a")),
      r"audio_s has the shape \[4\], not 1 rows",
    ),
    (
      _columns(start_s=np.array(["0"] * 4)),
      "start_s has values of <U1, of an",
    ),
    (
      _columns(start_s=np.array([0.0, np.inf, 0.0, 0.0])),
      "start_s has times that are none",
    ),
    (
      _columns(audio_s=np.array([0.0, np.nan, 0.0, 0.0])),
      "audio_s has times that are none",
    ),
    (
      _columns(label=np.array(["a"])),
      r"label has the shape \[1\], not 4 rows",
    ),
    (
      _columns(label=np.arange(4)),
      "label has values of int64, of another",
    ),
    (
      _columns(path=np.arange(4)),
      "path has values of int64, of another kind",
    ),
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
    searching.check_model(tables.index_of(_columns()), tmp_path)
  with pytest.raises(FileNotFoundError, match="make an export with tfvssl.exp"):
    searching.check_model(tables.index_of(_columns()), tmp_path / "none")


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
