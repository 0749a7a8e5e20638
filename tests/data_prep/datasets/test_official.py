"""Lists are read whole or refused by line; files are found by name only."""

import os
import pathlib

import pytest

from data_prep.datasets import official
from data_prep.datasets import presence

DEFINITION = official.Definition("toy", 0, lambda folder, number: None)


def _touch(root: pathlib.Path, *names: str) -> pathlib.Path:
  for name in names:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(name.encode())
  return root


def _entry(name, label="a", split="train", **fields):
  return official.Entry((label,) if label else (), split, (name,), **fields)


def _find(root, *entries, classes=("a", "b c")):
  lists = official.OfficialList(list(entries), list(classes))
  return presence.find(DEFINITION, 0, lists, root)


def test_file_of_its_class_is_preferred_and_of_another_class_never_taken(
  tmp_path,
):
  _touch(tmp_path, "x/1.mp4", "B_C/1.avi", "a/2.avi", "a/3.mp4", "b/3.mp4")
  found = _find(
    tmp_path, _entry("1", "b c"), _entry("2", "b c"), _entry("3", "a")
  )
  assert [(s.relative, s.labels) for s in found.sources] == [
    ("B_C/1.avi", ("b c",)),
    ("a/3.mp4", ("a",)),
  ]
  assert [entry.names for entry in found.missing] == [("2",)]


def test_video_is_preferred_to_sound_and_other_suffixes_are_no_media(tmp_path):
  _touch(tmp_path, "s/1.flac", "v/1.mp4", "s/2.wav", "s/3.txt")
  found = _find(tmp_path, _entry("1"), _entry("2"), _entry("3"))
  assert [s.relative for s in found.sources] == ["v/1.mp4", "s/2.wav"]
  assert found.coverage["files_not_in_lists"] == 1


def test_name_of_two_classes_without_folders_goes_to_the_first(tmp_path):
  _touch(tmp_path, "1.mp4")
  found = _find(tmp_path, _entry("1", "a"), _entry("1", "b c"))
  assert [s.labels for s in found.sources] == [("a",)]
  assert [entry.labels for entry in found.missing] == [("b c",)]


def test_names_of_entries_cannot_leave_the_folder(tmp_path):
  _touch(tmp_path, "outside.mp4", "in/here.mp4")
  found = _find(
    tmp_path / "in",
    _entry("here"),
    _entry("../outside"),
    _entry(str(tmp_path / "outside")),
  )
  assert [s.relative for s in found.sources] == ["here.mp4"]
  assert len(found.missing) == 2


def test_link_out_of_the_folder_is_refused(tmp_path):
  _touch(tmp_path, "outside.mp4", "in/here.mp4")
  (tmp_path / "in" / "link.mp4").symlink_to(tmp_path / "outside.mp4")
  found = _find(tmp_path / "in", _entry("here"), _entry("link"))
  assert [bool(s.refused) for s in found.sources] == [False, True]


def test_coverage_by_split_and_class(tmp_path):
  _touch(tmp_path, "1.mp4", "2.mp4", "9.mp4")
  two = official.Entry(("a", "b c"), "train", ("2",))
  found = _find(
    tmp_path, _entry("1"), two, _entry("3"), _entry("4", "b c", "test")
  )
  assert found.coverage == {
    "dataset": "toy",
    "dataset_split": None,
    "splits": {
      "train": {
        "official": 3,
        "found": 2,
        "missing": 1,
        "classes": {
          "a": {"official": 3, "found": 2, "missing": 1},
          "b c": {"official": 1, "found": 1, "missing": 0},
        },
      },
      "test": {
        "official": 1,
        "found": 0,
        "missing": 1,
        "classes": {"b c": {"official": 1, "found": 0, "missing": 1}},
      },
    },
    "unused_in_lists": 0,
    "files_not_in_lists": 1,
  }
  assert presence.describe(found.coverage) == (
    "toy: found train 2 of 3 clips; test 0 of 1 clips, 1 of 1 classes without"
    " any"
  )


def test_rows_of_missing_clips():
  entry = official.Entry(
    ("a", "b c"), "train", ("1_0_2",), ("1",), start_s=0.5, end_s=2
  )
  assert presence.row(entry) == ["train", "a|b c", "1_0_2", "0.5", "2"]
  assert presence.row(_entry("1", "")) == ["train", "", "1", "0", ""]


def test_nothing_found_and_no_folder(tmp_path):
  with pytest.raises(
    FileNotFoundError,
    match="none of the 1 clips of the lists of toy is in `--input` .* as 1.*",
  ):
    _find(tmp_path, _entry("1"))
  with pytest.raises(FileNotFoundError, match=r"`--input` .* is not a folder"):
    _find(tmp_path / "gone", _entry("1"))


def test_lists_that_are_not_there_or_there_twice(tmp_path):
  with pytest.raises(
    FileNotFoundError, match=r"`--annotations` .* not a folder"
  ):
    official.find_lists(tmp_path / "gone")
  lists = official.find_lists(_touch(tmp_path, "a/l.csv", "b/l.csv"))
  with pytest.raises(FileNotFoundError, match=r"holds no x\.csv or y\.csv; g"):
    official.only_list(lists, "x.csv", "y.csv")
  with pytest.raises(ValueError, match=r"a/l\.csv and .*b/l\.csv; give the"):
    official.only_list(lists, "l.csv")


def _rows(tmp_path, content, columns):
  path = tmp_path / "list.csv"
  path.write_bytes(content)
  lines = official.Lines()
  rows = list(official.read_rows(path, lines, columns))
  return [(place.removeprefix(f"{path} "), cells) for place, cells in rows], (
    lines
  )


def test_rows_of_named_columns(tmp_path):
  content = '\ufeffb, a,x\r\n1, "2,3",4\r\n\r\n5,6,7\r\n'.encode()
  rows, lines = _rows(tmp_path, content, ("a", "?c", "b"))
  assert rows == [("line 2", ["2,3", "", "1"]), ("line 4", ["6", "", "5"])]
  with pytest.raises(ValueError, match="name no clip; give them as dist"):
    lines.check()


@pytest.mark.parametrize(
  ("content", "message"),
  [
    (b"b\n1\n", r"list\.csv line 1: no column a; give the list as distr"),
    (b"a,b\n1\n", "line 2: 1 cells, the header has 2; mend it"),
    (b"a\n\xff\n", "line 2: byte 0xff is not UTF-8; convert the file"),
    (b"a\n" + b"x" * 2_000_000, "field larger than field limit"),
  ],
)
def test_csv_that_cannot_be_used(tmp_path, content, message):
  _, lines = _rows(tmp_path, content, ("a",))
  with pytest.raises(ValueError, match=message):
    lines.check()


def test_only_the_first_problems_are_said():
  lines = official.Lines()
  for number in range(12):
    lines.refuse(f"l line {number}", "rule")
  with pytest.raises(ValueError, match="12 line.* line 9: rule; and 2 more$"):
    lines.check()


def test_same_clip_twice_is_a_problem():
  lines = official.Lines()
  lines.add(_entry("1"), ("1",), "l line 1")
  lines.add(_entry("1"), ("1",), "l line 2")
  with pytest.raises(
    ValueError, match="l line 2: the same clip is in l line 1; remove one"
  ):
    lines.check()


@pytest.mark.parametrize(
  ("start", "end", "expected"),
  [
    ("1.5", "2", (1.5, 2.0)),
    ("2", "2", None),
    ("-1", "2", None),
    ("nan", "2", None),
    ("1", "inf", None),
    ("", "2", None),
    ("0", "1e6", (0.0, 1e6)),
    ("0", "1000001", None),
    ("1e305", "1e306", None),
  ],
)
def test_stretch(start, end, expected):
  assert official.stretch(start, end) == expected


def test_label_problems():
  assert official.label_problem("a b") == ""
  assert "label is empty" in official.label_problem("")
  assert "must not hold `|`" in official.label_problem("a|b")
  assert "control characters; rename it" in official.label_problem("a\tb")
  assert "control characters; rename" in official.label_problem("a\udcffb")


def test_list_that_is_not_utf8_is_one_problem(tmp_path):
  _, lines = _rows(tmp_path, b"a\n\xff\n", ("a",))
  with pytest.raises(ValueError, match="^1 line.* convert the file$"):
    lines.check()


def test_lines_of_spaces_are_no_rows(tmp_path):
  rows, lines = _rows(tmp_path, b"a,b\n   \n1,2\n\t\n", ("a", "b"))
  lines.check_problems()
  assert rows == [("line 3", ["1", "2"])]


def test_places_are_printable(tmp_path):
  path = pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
  path.write_text("x")
  ((place, _),) = official.read_lines(path, official.Lines())
  assert place.endswith("/\\xff.txt line 1")
