"""Folders and csv files as inputs; a bad csv is refused as a whole."""

import os
import pathlib
import time

import pytest

from data_prep.prepare_records import captions
from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import settings
from data_prep.prepare_records import sources
from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema


@pytest.fixture
def videos(tmp_path) -> pathlib.Path:
  """A few files; nothing here decodes them."""
  for name in ("a/1.mp4", "a/deep/2.mp4", "b/3.ogg", "top.mkv"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(name.encode())
  return tmp_path


def _csv(folder, text, name="list.csv", encoding="utf-8"):
  path = folder / name
  path.write_bytes(text.encode(encoding))
  return path


def test_first_level_folder_is_the_label(videos):
  found = sources.read(videos, True)
  assert [(s.clip_id, s.label_text) for s in found] == [
    ("a/1.mp4", "a"),
    ("a/deep/2.mp4", "a"),
    ("b/3.ogg", "b"),
    ("top.mkv", ""),
  ]
  assert not any(s.labels for s in sources.read(videos, False))


def test_links_out_of_the_folder_are_refused_and_inside_are_not(videos):
  os.symlink("/etc/hostname", videos / "out.mp4")
  os.symlink(videos / "top.mkv", videos / "in.mkv")
  os.symlink("/", videos / "root")
  found = {s.clip_id: s for s in sources.read(videos, True)}
  assert set(found) == {
    "a/1.mp4",
    "a/deep/2.mp4",
    "b/3.ogg",
    "in.mkv",
    "out.mp4",
    "top.mkv",
  }
  assert "outside the input folder" in found["out.mp4"].refused
  assert not found["in.mkv"].refused


def test_input_folder_may_itself_be_a_link(videos, tmp_path_factory):
  link = tmp_path_factory.mktemp("links") / "videos"
  os.symlink(videos, link)
  assert not any(source.refused for source in sources.read(link, True))


def test_csv_columns(videos):
  path = _csv(
    videos,
    (
      "path,label,split,start_s,end_s,caption,id,source\n"
      'a/1.mp4,x,train,1.5,3,"a, b",,web\n'
      "a/1.mp4,x,train,,,,named,web\n"
      "top.mkv,,test,,2.5,,,web\n"
    ),
  )
  first, second, third = sources.read(path, True)
  assert (first.clip_id, first.start_s, first.end_s) == ("a/1.mp4#1.5", 1.5, 3)
  assert (first.label_text, first.split, first.caption) == (
    "x",
    "train",
    "a, b",
  )
  assert (second.clip_id, second.start_s, second.end_s) == ("named", 0.0, None)
  assert (third.clip_id, third.labels, third.end_s) == ("top.mkv", (), 2.5)
  assert first.path == str(videos / "a/1.mp4")
  assert sources.ignored_columns(path) == ["source"]


def test_starts_of_a_long_file_have_ids_of_their_own(videos):
  path = _csv(videos, "path,start_s\ntop.mkv,12345.61\ntop.mkv,12345.62\n")
  assert [source.clip_id for source in sources.read(path, True)] == [
    "top.mkv#12345.61",
    "top.mkv#12345.62",
  ]


def test_csv_of_windows(videos):
  text = "\ufeffpath,label\r\na/1.mp4,x\r\ntop.mkv,y\r\n"
  found = sources.read(_csv(videos, text), True)
  assert [(s.clip_id, s.label_text) for s in found] == [
    ("a/1.mp4", "x"),
    ("top.mkv", "y"),
  ]


def test_of_very_many_bad_rows_all_are_listed(videos):
  path = _csv(videos, "path,label\n" + "".join(f"no{k},x\n" for k in range(50)))
  with pytest.raises(ValueError, match="has 50 error") as caught:
    sources.read(path, True)
  message = str(caught.value)
  for k in range(50):
    assert f"line {k + 2}: `path` ('no{k}') is not a file" in message


def test_every_bad_row_is_listed_with_its_line(videos):
  (videos / "a" / "dir").mkdir()
  os.symlink("/etc/hostname", videos / "a" / "out.mp4")
  path = _csv(
    videos,
    "\n".join(
      [
        "path,label,split,start_s,end_s",
        "a/1.mp4,x,train,,",
        ",x,train,,",
        "missing.mp4,x,train,,",
        "../../etc/passwd,x,train,,",
        "/etc/passwd,x,train,,",
        "a/1.mp4,x,train,,",
        "a/dir,x,train,,",
        "top.mkv,x,,,",
        "top.mkv,x,a/b,0,",
        "b/3.ogg,x,train,two,",
        "b/3.ogg,x,train,-1,",
        "b/3.ogg,x,train,nan,",
        "b/3.ogg,x,train,3,2",
        "b/3.ogg,x",
        "a/out.mp4,x,train,,",
        "a/\0.mp4,x,train,,",
        "a/deep/2.mp4,\x1b[31mred,train,,",
      ]
    ),
  )
  with pytest.raises(ValueError) as caught:
    sources.read(path, True)
  message = str(caught.value)
  for expected in (
    "16 error(s), nothing was decoded",
    "line 3: `path` is empty",
    "line 4: `path` ('missing.mp4') is not a file",
    "line 5: `path` ('../../etc/passwd') leaves the folder of the csv",
    "line 6: `path` ('/etc/passwd') must count from the folder of the csv",
    "line 7: id 'a/1.mp4' is also on line 2",
    "line 8: `path` ('a/dir') is not a file",
    "line 9: `split` ('') must be a plain word such as train or test",
    "line 10: `split` ('a/b') must be a plain word",
    "line 11: `start_s` ('two') must be a number of seconds >= 0",
    "line 12: `start_s` ('-1') must be a number",
    "line 13: `start_s` ('nan') must be a number",
    "line 14: `end_s` (2) must be above `start_s`",
    "line 15: 2 cells, the header has 5",
    "line 16: `path` ('a/out.mp4') leaves the folder of the csv",
    "line 17: `path` ('a/\\x00.mp4') holds a zero byte",
    "line 18: `label` ('\\x1b[31mred') holds control characters",
  ):
    assert expected in message
  assert "line 2:" not in message.replace("on line 2:", "")


@pytest.mark.parametrize(
  ("text", "expected"),
  [
    ("", "line 1: no column `path`; found: none"),
    ("file,label\nx,y\n", "no column `path`; found: 'file', 'label'"),
    ("path,path\nx,y\n", "line 1: column 'path' stands twice"),
    ("path\n", "line 1: there is no row below the header"),
    ('path\n"a"b\n', "line 2: ',' expected after '\"'"),
    (f"path\n{'x' * 10_000_000}\n", "field larger than field limit"),
  ],
)
def test_csv_that_cannot_be_read(videos, text, expected):
  with pytest.raises(ValueError, match="nothing was decoded") as caught:
    sources.read(_csv(videos, text), True)
  assert expected in str(caught.value)
  assert len(str(caught.value)) < 10_000


def test_csv_that_is_not_utf8(videos):
  path = _csv(videos, "path,label\na/1.mp4,caf\xe9\n", encoding="latin-1")
  with pytest.raises(ValueError, match="line 2: byte 0xe9 is not UTF-8"):
    sources.read(path, True)


def test_checking_ten_thousand_rows_takes_a_second(videos):
  rows = "".join(f"a/1.mp4,{i}\n" for i in range(10_000))
  path = _csv(videos, "path,start_s\n" + rows)
  began = time.monotonic()
  assert len(sources.read(path, True)) == 10_000
  assert time.monotonic() - began < 5  # about 0.5 s; the machine may be busy


def test_missing_or_empty_input(tmp_path):
  with pytest.raises(FileNotFoundError, match="does not exist; give a folder"):
    sources.read(tmp_path / "none", True)
  with pytest.raises(FileNotFoundError, match="holds no files"):
    sources.read(tmp_path, True)


def test_texts_that_a_reader_would_cut_are_a_bad_row(videos):
  path = _csv(
    videos, (f"path,caption\ntop.mkv,{'x' * (schema.TEXT_BYTES - 7)}\n")
  )
  (source,) = sources.read(path, True)
  clip = encoded_clip.EncodedClip("top.mkv", "top.mkv", 0.0, 1.0)
  clip.captions = captions.of_clip(source, 0.0, 1.0)
  assert len(encoded_clip.serialize(clip, "0" * 16)) < schema.CONTEXT_BYTES
  caption = "\u00fc" * (schema.TEXT_BYTES // 2)
  path = _csv(videos, f"path,caption\na/1.mp4,short\ntop.mkv,{caption}\n")
  with pytest.raises(
    ValueError,
    match=(
      "1 error.* line 3: its cells, `caption` included, hold 258055 bytes, a"
      " record takes at most 258048"
    ),
  ):
    sources.read(path, True)


def test_files_that_vanish_or_cannot_be_read_have_keys_of_their_own(
  videos, caplog
):
  for name in ("b/same1.mp4", "b/same2.mp4", "b/gone1.mp4", "b/gone2.mp4"):
    (videos / name).write_bytes(b"equal")
  found = sources.read(videos, False)
  for name in ("gone1", "gone2", "same1", "same2"):
    (videos / "b" / f"{name}.mp4").unlink()
  for name in ("same1", "same2"):
    (videos / "b" / f"{name}.mp4").mkdir()  # has a size, cannot be read
  keys = sources.content_keys(found)
  assert len(keys) == len(set(keys.values())) == 8
  assert "b/same1.mp4 cannot be read: Is a directory" in caplog.text
  sizes = {source.clip_id: sources.size_of(source) for source in found}
  assert (sizes["b/gone1.mp4"], sizes["top.mkv"]) == (-1, 7)
  gone = next(source for source in found if source.clip_id == "b/gone1.mp4")
  with pytest.raises(streams.MediaError, match="missing: the file is gone"):
    next(encode_clip.encode(gone, (), settings.Settings(), encode_clip.Notes()))


def test_files_of_equal_content_share_a_key(videos):
  (videos / "b" / "copy.mp4").write_bytes(b"a/1.mp4")
  (videos / "b" / "same_size.mp4").write_bytes(b"a/2.mp4")
  found = sources.read(videos, True)
  keys = sources.content_keys(found)
  assert len(keys) == 6
  assert len(set(keys.values())) == 5
  assert keys[str(videos / "a/1.mp4")] == keys[str(videos / "b/copy.mp4")]


def test_label_may_be_several(videos):
  text = "path,label\na/1.mp4, x | y \ntop.mkv,\nb/3.ogg,z\n"
  found = sources.read(_csv(videos, text), True)
  assert [source.labels for source in found] == [("x", "y"), (), ("z",)]
  assert [source.label_text for source in found] == ["x|y", "", "z"]


def test_empty_and_repeated_labels_are_bad_rows(videos):
  path = _csv(videos, "path,label\na/1.mp4,x|\ntop.mkv,|\nb/3.ogg,x|y|x\n")
  with pytest.raises(ValueError, match="3 error") as caught:
    sources.read(path, True)
  for line, label in ((2, "x|"), (3, "|"), (4, "x|y|x")):
    assert (
      f"line {line}: `label` ({label!r}) holds an empty label or one twice;"
      " labels stand between `|`, which no label can hold"
    ) in str(caught.value)


def test_sub_folder_that_cannot_be_a_label(videos):
  (videos / "x|y").mkdir()
  (videos / "x|y" / "4.mp4").write_bytes(b"4")
  with pytest.raises(
    ValueError,
    match=r"label 'x\|y' must not hold `\|`.* rename it, or use --labels=none",
  ):
    sources.read(videos, True)
  assert len(sources.read(videos, False)) == 5


@pytest.mark.parametrize(
  "name", ["new\nline", "esc\x1b[31m", "\x9b2J", "a\u2028b"]
)
def test_sub_folder_with_controls_cannot_be_a_label(videos, name):
  (videos / name).mkdir()
  (videos / name / "4.mp4").write_bytes(b"4")
  with pytest.raises(ValueError, match="holds control characters") as caught:
    sources.read(videos, True)
  assert str(caught.value).isprintable()
  assert len(sources.read(videos, False)) == 5


def test_sub_folder_that_is_no_utf8_is_an_escaped_label(videos):
  folder = os.fsencode(videos) + b"/\xff"
  os.mkdir(folder)
  pathlib.Path(os.fsdecode(folder + b"/4.mp4")).write_bytes(b"4")
  labels = {source.labels for source in sources.read(videos, True)}
  assert labels == {("a",), ("b",), (), ("\\xff",)}


def test_no_two_names_become_the_same_text(tmp_path):
  names = (
    b"\xff.mp4",
    b"\\xff.mp4",
    b"\\\\xff.mp4",
    b"\\\xff.mp4",
    b"\\\\\xff.mp4",
    b"back\\slash.mp4",
  )
  for name in names:
    pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
  found = {
    os.path.basename(os.fsencode(source.path)): source.clip_id
    for source in sources.read(tmp_path, False)
  }
  assert len(set(found.values())) == len(names)
  assert found[b"\xff.mp4"] == "\\xff.mp4"
  assert found[b"\\xff.mp4"] == "\\\\xff.mp4"
  assert found[b"back\\slash.mp4"] == "back\\slash.mp4"


@pytest.mark.parametrize(
  "split", ["quarantine.csv", "report.json", "x.", "x" * 65]
)
def test_split_may_not_be_named_like_a_report(videos, split):
  path = _csv(videos, f"path,split\na/1.mp4,{split}\n")
  with pytest.raises(ValueError, match="line 2: `split` .* must be a plain wo"):
    sources.read(path, True)


def test_splits_of_published_datasets_are_names(videos):
  path = _csv(videos, "path,split\na/1.mp4,balanced_train\ntop.mkv,split-1\n")
  assert [source.split for source in sources.read(path, True)] == [
    "balanced_train",
    "split-1",
  ]


@pytest.mark.parametrize(
  ("text", "expected"),
  [
    (f"path\n{'x' * 5000}\n", "is not a file"),
    ("path\n\x1b[31m.mp4\n", "`path` ('\\x1b[31m.mp4') is not a file"),
    ("path\n../\x1bx\n", "`path` ('../\\x1bx') leaves"),
    ("path\n/\x1bx\n", "`path` ('/\\x1bx') must count"),
    ("\x1bpath,b\nx,y\n", "found: '\\x1bpath', 'b'"),
    ("path,\x1b,\x1b\na/1.mp4,,\n", "column '\\x1b' stands twice"),
    (
      "path,id\na/1.mp4,\x1bx\ntop.mkv,\x1bx\n",
      "id '\\x1bx' is also on line 2",
    ),
    ("path,end_s\na/1.mp4,1e306\n", "`end_s` ('1e306') must be a number"),
  ],
)
def test_refusal_of_a_csv_is_one_short_printable_line(videos, text, expected):
  with pytest.raises(ValueError, match="1 error") as caught:
    sources.read(_csv(videos, text), True)
  message = str(caught.value)
  assert expected in message
  assert message.isprintable()
  assert len(message) < 400


def test_lines_of_spaces_are_no_rows(videos):
  path = _csv(videos, "path,label\na/1.mp4,x\n   \n\n\t\ntop.mkv,y\n \n")
  assert [source.clip_id for source in sources.read(path, True)] == [
    "a/1.mp4",
    "top.mkv",
  ]
