"""Lists of datasets with captions, in the format they are distributed in."""

import dataclasses
import json
import math

import pytest

from data_prep.datasets import howto100m
from data_prep.datasets import msrvtt
from data_prep.datasets import official
from data_prep.datasets import presence
from data_prep.datasets import youcook2

FIRST, SECOND = "-tCQ4tCQdWE", "2Mn5sVpFDTg"


def _write(root, **texts):
  """Writes files; `__` in a name stands for a dot, other content is JSON."""
  root.mkdir(exist_ok=True)
  for name, content in texts.items():
    text = content if isinstance(content, str) else json.dumps(content)
    (root / name.replace("__", ".")).write_text(text, encoding="utf-8")
  return root


def _videos(root, *names):
  root.mkdir(exist_ok=True)
  for name in names:
    (root / name).write_bytes(name.encode())
  return root


def _refusal(read, folder):
  with pytest.raises(ValueError, match="nothing was decoded") as caught:
    read(folder, 0)
  return str(caught.value)


def _howto(root):
  lists = _write(
    root,
    HowTo100M_v1__csv=(
      "video_id,category_1,category_2,rank,task_id\n"
      f"{FIRST},Food and Entertaining,Drinks,1,10\n"
      f"{SECOND},Food and Entertaining,Drinks,2,10\n"
      f"{FIRST},Home and Garden,Jam,7,11\n"
    ),
  )
  captions = _write(lists / "captions")
  (captions / f"{FIRST}.csv").write_text(
    ",start,end,text\n"
    "0,3.92,5.9,check pic tonight pick bowl\n"
    '1,0.41,3.91,"check pic, tonight pick"\n'
    "2,6,6,lasts no time\n"
    "3,7,8,\n"
  )
  return lists


def test_howto100m(tmp_path, caplog):
  lists = howto100m.read(_howto(tmp_path / "lists"), 0)
  assert [entry.names for entry in lists.entries] == [(FIRST,), (SECOND,)]
  assert lists.classes == []
  found = presence.find(
    howto100m.DEFINITION,
    0,
    lists,
    _videos(tmp_path / "videos", f"{FIRST}.mp4", f"{SECOND}.webm"),
  )
  assert [
    (source.relative, source.split, source.labels, source.end_s)
    for source in found.sources
  ] == [
    (f"{FIRST}.mp4", "train", (), None),
    (f"{SECOND}.webm", "train", (), None),
  ]
  assert [source.captions for source in found.sources] == [
    (
      ("check pic, tonight pick", 0.41, 3.91),
      ("check pic tonight pick bowl", 3.92, 5.9),
    ),
    (),
  ]
  assert "2 captions have no words or last no time; they are" in caplog.text


def test_howto100m_without_its_list(tmp_path):
  lists = _howto(tmp_path / "lists")
  (lists / "HowTo100M_v1.csv").unlink()
  found = howto100m.read(lists, 0)
  assert [entry.names for entry in found.entries] == [(FIRST,)]


def test_howto100m_refusals(tmp_path):
  lists = _howto(tmp_path / "lists")
  _write(lists, HowTo100M_v1__csv="video_id\n../../etc/x\n")
  message = _refusal(howto100m.read, lists)
  assert (
    "HowTo100M_v1.csv line 2: `video_id` ('../../etc/x') must be eleven"
    " letters, digits, - and _; mend it"
  ) in message
  with pytest.raises(
    FileNotFoundError,
    match=r"holds neither HowTo100M_v1\.csv nor captions named VIDEOID\.csv",
  ):
    howto100m.read(_write(tmp_path / "empty"), 0)


def test_howto100m_broken_captions(tmp_path):
  path = tmp_path / f"{FIRST}.csv"
  path.write_text("start,end,text\n1,nan,a\n0,1,b\nsoon,2,c\n")
  entry = official.Entry((), "train", (FIRST,), captions_file=path)
  lines = official.Lines()
  howto100m.captions(entry, lines)
  howto100m.captions(dataclasses.replace(entry), lines)
  with pytest.raises(ValueError, match="4 line") as caught:  # of all files
    lines.check_problems()
  for expected in (
    "line 2: `start` ('1') and `end` ('nan') must be seconds; mend the line or"
    " remove the file, its video then has no captions",
    "line 4: `start` ('soon') and `end` ('2') must be seconds",
  ):
    assert expected in str(caught.value)


def _annotation(start, end, sentence):
  return {"segment": [start, end], "id": 0, "sentence": sentence}


def _cooking(root, **more):
  return _write(
    root,
    youcookii_annotations_trainval__json={
      "database": {
        "GLd3aX16zBg": {
          "duration": 241.62,
          "subset": "training",
          "recipe_type": "113",
          "annotations": [
            _annotation(90, 102, "spread margarine on bread "),
            _annotation(114, 127, "place cheese on it"),
          ],
        },
        "xHr8X2Wpmno": {
          "subset": "validation",
          "annotations": [_annotation(47, 60, "pick the ends off")],
        },
      }
    },
    **more,
  )


def test_youcook2(tmp_path):
  lists = youcook2.read(_cooking(tmp_path / "lists"), 0)
  assert [
    (e.split, e.videos, e.start_s, e.end_s, e.sentences) for e in lists.entries
  ] == [
    ("train", ("GLd3aX16zBg",), 90, 102, ("spread margarine on bread",)),
    ("train", ("GLd3aX16zBg",), 114, 127, ("place cheese on it",)),
    ("validate", ("xHr8X2Wpmno",), 47, 60, ("pick the ends off",)),
  ]
  found = presence.find(
    youcook2.DEFINITION, 0, lists, _videos(tmp_path / "v", "GLd3aX16zBg.mp4")
  )
  assert [source.clip_id for source in found.sources] == [
    "GLd3aX16zBg.mp4#90",
    "GLd3aX16zBg.mp4#114",
  ]
  assert found.sources[1].captions == (("place cheese on it", 0.0, math.inf),)
  assert found.coverage["splits"]["validate"]["missing"] == 1


def test_youcook2_the_csv_of_retrieval_replaces_validation(tmp_path):
  lists = _cooking(
    tmp_path / "lists",
    validation_youcook__csv=(
      "end,start,task,text,video_id\n98,91,226,chop lettuce,xHr8X2Wpmno\n"
    ),
  )
  found = youcook2.read(lists, 0)
  assert [(e.split, e.start_s, e.sentences) for e in found.entries] == [
    ("train", 90, ("spread margarine on bread",)),
    ("train", 114, ("place cheese on it",)),
    ("validate", 91, ("chop lettuce",)),
  ]
  assert found.unused == 1
  (lists / "youcookii_annotations_trainval.json").unlink()
  assert [e.start_s for e in youcook2.read(lists, 0).entries] == [91]


def test_youcook2_refusals(tmp_path):
  lists = _write(
    tmp_path / "lists",
    youcookii_annotations_trainval__json={
      "database": {
        "a": {"subset": "testing", "annotations": []},
        "b": {
          "subset": "training",
          "annotations": [_annotation(5, 5, "no time"), 3],
        },
      }
    },
  )
  message = _refusal(youcook2.read, lists)
  for expected in (
    "3 line(s) of the lists",
    "video 'a': `subset` must be training or validation and `annotations` a"
    " list; give the list as distributed",
    "video 'b' annotation 0: video 'b' must be letters, digits, - and _, and"
    " have a start and an end above it in seconds and a sentence ('no time')",
    "annotation 1: video 'b'",
  ):
    assert expected in message
  path = lists / "youcookii_annotations_trainval.json"
  path.write_text("[]")
  assert "no `database`; give the list as" in _refusal(youcook2.read, lists)
  path.write_text("[" * 100_000)
  message = _refusal(youcook2.read, lists)
  assert "youcookii_annotations_trainval.json: it is no JSON (" in message
  with pytest.raises(FileNotFoundError, match="holds no youcookii_annotations"):
    youcook2.read(_write(tmp_path / "empty"), 0)


_MSRVTT = {
  "info": {},
  "videos": [
    {"video_id": "video0", "split": "train", "id": 0},
    {"video_id": "video6513", "split": "validate", "id": 6513},
    {"video_id": "video7010", "split": "test", "id": 7010},
  ],
  "sentences": [
    {"video_id": "video0", "caption": "a car is shown", "sen_id": 1},
    {"video_id": "video6513", "caption": "a man sings", "sen_id": 2},
    {"video_id": "video0", "caption": "a car drives", "sen_id": 3},
    {"video_id": "video0", "caption": "a car is shown ", "sen_id": 4},
    {"video_id": "video7010", "caption": "a cook", "sen_id": 5},
  ],
}


def test_msrvtt(tmp_path):
  lists = _write(tmp_path / "lists", train_val_videodatainfo__json=_MSRVTT)
  found = msrvtt.read(lists, 0)
  assert [(e.split, e.names, e.sentences) for e in found.entries] == [
    ("train", ("video0",), ("a car is shown", "a car drives")),
    ("validate", ("video6513",), ("a man sings",)),
    ("test", ("video7010",), ("a cook",)),
  ]
  _write(
    lists,
    MSRVTT_JSFUSION_test__csv=(
      "key,vid_key,video_id,sentence\n"
      'ret0,msr9770,video9770,"a person, connecting something"\n'
    ),
  )
  found = msrvtt.read(lists, 0)
  assert [(e.split, e.names) for e in found.entries] == [
    ("test", ("video9770",)),
    ("train", ("video0",)),
    ("validate", ("video6513",)),
  ]
  assert found.unused == 1
  (lists / "train_val_videodatainfo.json").unlink()
  videos = _videos(tmp_path / "v", "video9770.mp4")
  there = presence.find(msrvtt.DEFINITION, 0, msrvtt.read(lists, 0), videos)
  assert there.sources[0].captions == (
    ("a person, connecting something", 0.0, math.inf),
  )


def test_msrvtt_refusals(tmp_path):
  lists = _write(
    tmp_path / "lists",
    videodatainfo_2017__json={
      "videos": [
        {"video_id": "../video0", "split": "train"},
        {"video_id": "video1", "split": "other"},
        {"video_id": "video2", "split": "train"},
      ],
      "sentences": [
        {"video_id": video, "caption": "seen"}
        for video in ("../video0", "video1")
      ],
    },
  )
  message = _refusal(msrvtt.read, lists)
  for expected in (
    "3 line(s) of the lists",
    "`videos` 0: `video_id` ('../video0') must be letters, digits, - and _,"
    " `split` ('train') train, validate or test, and it must have a sentence;"
    " mend it",
    "`videos` 1: `video_id` ('video1')",
    "`videos` 2: `video_id` ('video2')",
  ):
    assert expected in message
  half = {"video_id": "video0", "split": "train"}
  _write(
    lists,
    videodatainfo_2017__json={
      "videos": [half],
      "sentences": [{"video_id": "video0", "caption": "a \ud83d"}],
    },
  )
  message = _refusal(msrvtt.read, lists)
  assert "`videos` 0: a sentence is not text in UTF-8; mend it" in message
  _write(lists, videodatainfo_2017__json={"videos": [1], "sentences": []})
  message = _refusal(msrvtt.read, lists)
  assert "`videos` and `sentences` must be lists of objects; give" in message
  with pytest.raises(
    FileNotFoundError,
    match=r"holds no MSRVTT_JSFUSION_test\.csv or videodatainfo\.json",
  ):
    msrvtt.read(_write(tmp_path / "empty"), 0)
