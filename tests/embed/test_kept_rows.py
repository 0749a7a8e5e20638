"""Rows are kept on disk; the table is that of numpy.savez, stopped or not."""

import numpy as np
import pytest

from tfvssl.embed import embedder as embedding
from tfvssl.embed import kept_rows

_BROKEN = embedding.Skipped("broken.mp4", "unreadable", "no ends")


def _table(name, rows, label=""):
  draw = np.random.default_rng(rows)
  table = {
    "path": np.array([name] * rows),
    "start_s": np.arange(rows) / 4,
    "has_video": draw.uniform(size=rows) > 0.5,
    "video_backbone": draw.normal(size=[rows, 3]).astype(np.float32),
  }
  return table | ({"label": np.array([label] * rows)} if label else {})


_SOURCES = [
  (_table("a.mp4", 3), []),
  ({}, [_BROKEN]),
  (_table("deep/\u00e4.mp4", 2, "deep"), []),
  (_table("wide/name.mp4", 1, "wide"), []),
]
_OTHERS = {"model": np.array("0f"), "root": np.array("../media")}


def _add(kept, numbers, computed=None):
  for number in numbers:

    def compute(number=number):
      if computed is not None:
        computed.append(number)
      return _SOURCES[number]

    kept.add([f"file {number}", 100], compute)


def _stop(output, numbers, about=1):
  with pytest.raises(KeyboardInterrupt):
    with kept_rows.opened(output, about) as kept:
      _add(kept, numbers)
      raise KeyboardInterrupt


def _finish(output, about=1, numbers=(0, 1, 2, 3)):
  """Returns which sources were computed."""
  computed = []
  with kept_rows.opened(output, about) as kept:
    _add(kept, numbers, computed)
    assert kept.skipped == [_BROKEN]
    assert kept.rows == 6
    kept.write(output, _OTHERS)
  assert [path.name for path in output.parent.iterdir()] == [output.name]
  return computed


def _expected(path):
  """Writes the table as numpy does, and returns its bytes."""
  tables = [table for table, _ in _SOURCES if table]
  joined = {
    name: np.concatenate([table[name] for table in tables])
    for name in tables[0]
  }
  joined["label"] = np.array(["", "", "", "deep", "deep", "wide"])
  np.savez(path, **joined, **_OTHERS)
  return path.read_bytes()


def test_table_is_that_of_numpy_wherever_it_was_stopped(tmp_path):
  expected = _expected(tmp_path / "expected.npz")
  for count in range(5):
    output = tmp_path / str(count) / "rows.npz"
    if count:
      _stop(output, range(count))
    assert _finish(output) == list(range(count, 4))
    assert output.read_bytes() == expected


@pytest.mark.parametrize("suffix", [".rows", ".jsonl"])
def test_source_that_is_cut_off_is_computed_again(tmp_path, suffix):
  output = tmp_path / "cut" / "rows.npz"
  _stop(output, range(3))
  (file,) = (output.parent / ".rows.npz.unfinished").glob(f"*{suffix}")
  file.write_bytes(file.read_bytes()[:-5])
  _stop(output, range(2))  # and what is cut off is gone for good
  assert _finish(output) == [2, 3]
  assert output.read_bytes() == _expected(tmp_path / "expected.npz")


def test_values_without_their_line_are_overwritten(tmp_path):
  output = tmp_path / "half" / "rows.npz"
  _stop(output, range(1))
  (file,) = (output.parent / ".rows.npz.unfinished").glob("*.rows")
  file.write_bytes(file.read_bytes() + b"half a table")
  assert _finish(output) == [1, 2, 3]
  assert output.read_bytes() == _expected(tmp_path / "expected.npz")


def test_other_settings_and_other_files_begin_anew(tmp_path):
  output = tmp_path / "other" / "rows.npz"
  _stop(output, range(3), about={"hop_s": 1.0})
  _stop(output, (0, 3, 2), about={"hop_s": 0.5})
  folder = output.parent / ".rows.npz.unfinished"
  assert len(list(folder.glob("*.rows"))) == 1
  # The second source is another one now: it and what follows go.
  assert _finish(output, about={"hop_s": 0.5}) == [1, 2, 3]
  assert output.read_bytes() == _expected(tmp_path / "expected.npz")


def test_files_that_are_gone_are_not_in_the_table(tmp_path):
  output = tmp_path / "gone" / "rows.npz"
  _stop(output, range(4))
  with kept_rows.opened(output, 1) as kept:
    _add(kept, [0])
    assert (kept.rows, kept.skipped) == (3, [])
    kept.write(output, _OTHERS)
  with np.load(output) as table:
    assert table["path"].tolist() == ["a.mp4"] * 3
    assert table["path"].dtype == "<U5"


def test_nothing_is_left_where_nothing_was_kept(tmp_path):
  _stop(tmp_path / "rows.npz", ())
  assert list(tmp_path.iterdir()) == []
