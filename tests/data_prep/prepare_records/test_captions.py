"""Captions of a csv, and which of them a clip has."""

import json
import math
import pathlib

import pytest

from data_prep.prepare_records import captions
from data_prep.prepare_records import sources
from tfvssl.data.media import streams
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema

Caption = encoded_clip.Caption


def _csv(folder, text) -> pathlib.Path:
  path = folder / "captions.csv"
  path.write_bytes(text.encode())
  return path


def _source(relative, **fields):
  return sources.ClipSource("/videos/" + relative, relative, relative, **fields)


def test_rows_of_a_path_come_by_their_start(tmp_path):
  path = _csv(
    tmp_path,
    "\ufefftext,end_s,path,start_s\r\n"
    'later,3,a/1.mp4,2.5\r\n"whole, of it",,a/1.mp4,\r\n'
    " from here ,,./a/1.mp4,1\r\nuntil,2,b.mp4,\r\n",
  )
  assert captions.read(path) == {
    "a/1.mp4": [
      Caption("whole, of it", 0.0, math.inf),
      Caption("from here", 1.0, math.inf),
      Caption("later", 2.5, 3.0),
    ],
    "b.mp4": [Caption("until", 0.0, 2.0)],
  }


def test_times_need_not_be_columns(tmp_path):
  path = _csv(tmp_path, "path,text\na.mp4,one\na.mp4,two\n")
  assert captions.read(path) == {
    "a.mp4": [Caption("one", 0.0, math.inf), Caption("two", 0.0, math.inf)]
  }


def test_paths_are_those_of_the_inputs(tmp_path, caplog):
  path = _csv(
    tmp_path,
    "path,text,author\na/1.mp4,one,me\n./b.mp4,two,me\ngone.mp4,x,me\n"
    "gone.mp4,y,me\nalso gone.mp4,z,me\n\\xff.mp4,escaped,me\n",
  )
  inputs = [
    _source("./a/1.mp4"),
    _source("b.mp4"),
    _source("b.mp4", start_s=3.0),
    _source("silent.mp4"),
    _source("\\\\xff.mp4"),  # as sources.printable gives the row's path
  ]
  with caplog.at_level("INFO", logger="absl"):
    captions.attach(inputs, path)
  assert [[c.text for c in source.captions] for source in inputs] == [
    ["one"],
    ["two"],
    ["two"],
    [],
    ["escaped"],
  ]
  assert (
    f"3 of 6 captions of {path} are for 2 paths that are not inputs, such as"
    " 'also gone.mp4'" in caplog.text
  )
  assert f"columns of {path} that are ignored: 'author'" in caplog.text
  assert caplog.text.count("not inputs") == 1


def test_link_has_the_captions_of_its_file(tmp_path, caplog):
  link = _source("link.mp4")
  link.file = "deep/a.mp4"
  captions.attach([link], _csv(tmp_path, "path,text\ndeep/a.mp4,x\n"))
  assert [caption.text for caption in link.captions] == ["x"]
  assert caplog.text == ""


def test_nothing_is_said_where_every_path_is_an_input(tmp_path, caplog):
  with caplog.at_level("INFO", logger="absl"):
    captions.attach([_source("a.mp4")], _csv(tmp_path, "path,text\na.mp4,x\n"))
  assert caplog.text == ""


def test_every_bad_row_is_listed_with_its_line(tmp_path):
  long = "\u00fc" * (schema.TEXT_BYTES // 2) + "x"
  path = _csv(
    tmp_path,
    "path,text,start_s,end_s\na.mp4,fine,0,1\n,x,,\na.mp4, ,,\n"
    "a.mp4,x,two,\na.mp4,x,-1,\na.mp4,x,3,3\na.mp4,x,,0\na.mp4,x,1\n"
    f"a.mp4,x,nan,\na.mp4,x,,1e306\na.mp4,{long},,\n",
  )
  with pytest.raises(ValueError) as caught:
    captions.read(path)
  message = str(caught.value)
  assert f"{path} has 10 error(s), nothing was decoded; " in message
  for expected in (
    "line 3: `path` is empty;",
    "line 4: `text` is empty;",
    "line 5: `start_s` ('two') must be a number of seconds >= 0",
    "line 6: `start_s` ('-1') must be a number",
    "line 7: `end_s` (3) must be above `start_s`",
    "line 8: `end_s` (0) must be above `start_s`",
    "line 9: 3 cells, the header has 4",
    "line 10: `start_s` ('nan') must be a number",
    "line 11: `end_s` ('1e306') must be a number",
    "line 12: `text` holds 258049 bytes, a record takes at most 258048",
  ):
    assert expected in message
  assert "line 2:" not in message and "\n" not in message


@pytest.mark.parametrize(
  ("text", "expected"),
  [
    ("path\na.mp4\n", "line 1: no column `text`; found: 'path'"),
    ("text\nx\n", "line 1: no column `path`; found: 'text'"),
    ("path,text,text\na,x,y\n", "line 1: column 'text' stands twice"),
    ("path,text\n", "line 1: there is no row below the header"),
  ],
)
def test_csv_without_captions(tmp_path, text, expected):
  with pytest.raises(ValueError, match="1 error") as caught:
    captions.read(_csv(tmp_path, text))
  assert expected in str(caught.value)


def test_missing_csv(tmp_path):
  with pytest.raises(
    FileNotFoundError, match=r"`--captions` \(.*none.csv\) does not exist; give"
  ):
    captions.read(tmp_path / "none.csv")


def test_clip_has_what_it_overlaps_cut_to_it():
  source = _source(
    "a.mp4",
    caption="of the row",
    captions=(
      Caption("always", 0.0, math.inf),
      Caption("before", 0.0, 2.0),
      Caption("into", 1.0, 2.5),
      Caption("inside", 2.25, 3.0),
      Caption("out of", 3.5, 9.0),
      Caption("after", 4.0, 5.0),
    ),
  )
  assert captions.of_clip(source, 2.0, 2.0) == (
    Caption("of the row", 0.0, 2.0),
    Caption("always", 0.0, 2.0),
    Caption("into", 0.0, 0.5),
    Caption("inside", 0.25, 1.0),
    Caption("out of", 1.5, 2.0),
  )
  assert captions.of_clip(_source("a.mp4"), 2.0, 2.0) == ()


def test_captions_that_fit_into_a_context_and_no_more():
  count = 1000
  size = schema.TEXT_BYTES // count - 16

  def source(size):
    return _source(
      "a.mp4", captions=(Caption("x" * size, 0.0, 1.0),) * count, labels=("l",)
    )

  found = captions.of_clip(source(size), 0.0, 1.0)
  clip = encoded_clip.EncodedClip("a.mp4", "a.mp4", 0.0, 1.0, captions=found)
  assert len(found) == count
  assert len(encoded_clip.serialize(clip, "0" * 16)) < schema.CONTEXT_BYTES
  with pytest.raises(
    streams.MediaError,
    match=(
      "captions_too_long: 1000 captions of the clip from 0.5 s, its path and"
      " labels take 258990 bytes, a record at most 258048"
    ),
  ):
    captions.of_clip(source(size + 1), 0.5, 1.0)
  assert captions.of_clip(source(size + 1), 1.0, 1.0) == ()


def test_caption_of_a_csv_row_of_the_largest_size_fits():
  caption = "x" * (schema.TEXT_BYTES - len("a.mp4"))
  (found,) = captions.of_clip(_source("a.mp4", caption=caption), 0.0, 1.0)
  assert found.text == caption


def test_digest_tells_other_captions():
  first = (Caption("a", 0.0, math.inf),)
  digests = {
    captions.digest(first),
    captions.digest((Caption("b", 0.0, math.inf),)),
    captions.digest((Caption("a", 0.0, 1.0),)),
    captions.digest(first * 2),
  }
  assert len(digests) == 4
  assert captions.digest(list(first)) in digests
  assert json.loads(json.dumps(captions.digest(first)))
