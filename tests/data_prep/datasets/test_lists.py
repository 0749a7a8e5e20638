"""Every dataset's lists in the format they are distributed in."""

import os
import pathlib

import pytest

from data_prep.datasets import audioset
from data_prep.datasets import esc50
from data_prep.datasets import hmdb51
from data_prep.datasets import kinetics
from data_prep.datasets import official
from data_prep.datasets import presence
from data_prep.datasets import ucf101
from data_prep.datasets import voc2007

ODD = "#20_(Rhythm)_[clap];_it's_&_u_nm_np1_fr_goo_0"
CSV = "label,youtube_id,time_start,time_end,split\n"
CLASSES = (
  'index,mid,display_name\n0,/m/09x0r,"Speech"\n'
  '1,/m/05zppz,"Male speech, man speaking"\n2,/m/0zz,"Zither"\n'
)
SEGMENTS = (
  "# Segments csv created Sun Mar  5 10:54:31 2017\n"
  "# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=3\n"
  "# YTID, start_seconds, end_seconds, positive_labels\n"
)
ESC = "filename,fold,target,category,esc10,src_file,take\n"


def _write(folder: pathlib.Path, **texts: str) -> pathlib.Path:
  """Writes lists; `__` in a name stands for a dot."""
  folder.mkdir(exist_ok=True)
  for name, text in texts.items():
    path = folder / name.replace("__", ".")
    path.write_bytes(text.encode())
  return folder


def _touch(root: pathlib.Path, *names: str) -> pathlib.Path:
  for name in names:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(name.encode())
  return root


def _seen(lists):
  return [(e.labels, e.split, e.names[0]) for e in lists.entries]


def _find(definition, lists, root, number=0):
  found = presence.find(definition, number, lists, root)
  return found, [
    (s.relative, s.clip_id, s.split, s.labels, s.start_s, s.end_s)
    for s in found.sources
  ]


def _refusal(read, folder, number=0):
  with pytest.raises(ValueError, match="nothing was decoded") as caught:
    read(folder, number)
  return str(caught.value)


def _hmdb(folder):
  return _write(
    folder,
    clap_test_split1__txt=f"{ODD}.avi 1 \nb.avi 2 \nc.avi 0 \n",
    brush_hair_test_split1__txt="b.avi 1\nd.avi 2\n",
    clap_test_split2__txt=f"{ODD}.avi 2\n",
    brush_hair_test_split2__txt="b.avi 1\n",
  )


def test_hmdb51(tmp_path):
  lists = hmdb51.read(_hmdb(tmp_path / "lists"), 1)
  assert lists.classes == ["brush_hair", "clap"]
  assert lists.unused == 1
  assert _seen(lists) == [
    (("brush_hair",), "train", "b"),
    (("brush_hair",), "test", "d"),
    (("clap",), "train", ODD),
    (("clap",), "test", "b"),
  ]
  videos = _touch(
    tmp_path / "v", f"clap/{ODD}.avi", "brush_hair/b.avi", "clap/c.avi"
  )
  found, seen = _find(hmdb51.DEFINITION, lists, videos, 1)
  assert [row[:4] for row in seen] == [
    ("brush_hair/b.avi", "brush_hair/b.avi", "train", ("brush_hair",)),
    (f"clap/{ODD}.avi", f"clap/{ODD}.avi", "train", ("clap",)),
  ]
  assert [entry.labels + entry.names for entry in found.missing] == [
    ("brush_hair", "d"),
    ("clap", "b"),  # b.avi of another action is not a substitute
  ]
  assert found.coverage["dataset_split"] == 1
  second = hmdb51.read(tmp_path / "lists", 2)
  assert _seen(second)[1] == (("clap",), "test", ODD)


def test_hmdb51_refusals(tmp_path):
  folder = _hmdb(tmp_path / "lists")
  with pytest.raises(FileNotFoundError, match="no brush_hair_test_split3.txt"):
    hmdb51.read(folder, 3)
  _write(folder, clap_test_split1__txt="a.avi\n../../etc/x 1\nb.avi 3\n")
  message = _refusal(hmdb51.read, folder, 1)
  for expected in (
    "3 line(s) of the lists",
    "clap_test_split1.txt line 1: 'a.avi' must be `name.avi 0|1|2`; mend it",
    "line 2: '../../etc/x' must be a plain file name; mend it",
    "line 3: 'b.avi 3' must be",
  ):
    assert expected in message
  with pytest.raises(FileNotFoundError, match="no ACTION_test_split2.txt; giv"):
    hmdb51.read(_write(tmp_path / "empty"), 2)


def _ucf(folder):
  return _write(
    folder,
    classInd__txt="10 YoYo\r\n2 ApplyLipstick\r\n",
    trainlist01__txt="YoYo/v_YoYo_g08_c01.avi 10\r\n"
    "ApplyLipstick/v_ApplyLipstick_g08_c01.avi 2\r\n",
    testlist01__txt="YoYo/v_YoYo_g01_c01.avi\r\nYoYo/v_YoYo_g01_c02.avi\r\n",
  )


def test_ucf101(tmp_path):
  lists = ucf101.read(_ucf(tmp_path / "lists"), 1)
  assert lists.classes == ["ApplyLipstick", "YoYo"]  # by number, not as text
  assert _seen(lists) == [
    (("YoYo",), "train", "v_YoYo_g08_c01"),
    (("ApplyLipstick",), "train", "v_ApplyLipstick_g08_c01"),
    (("YoYo",), "test", "v_YoYo_g01_c01"),
    (("YoYo",), "test", "v_YoYo_g01_c02"),
  ]
  videos = _touch(
    tmp_path / "v",
    "UCF-101/YoYo/v_YoYo_g01_c01.avi",
    "v_ApplyLipstick_g08_c01.mp4",  # converted, and not in its folder
  )
  found, seen = _find(ucf101.DEFINITION, lists, videos, 1)
  assert [(row[0], row[2]) for row in seen] == [
    ("v_ApplyLipstick_g08_c01.mp4", "train"),
    ("UCF-101/YoYo/v_YoYo_g01_c01.avi", "test"),
  ]
  assert found.coverage["splits"]["test"]["missing"] == 1


def test_ucf101_refusals(tmp_path):
  folder = _ucf(tmp_path / "lists")
  _write(
    folder,
    trainlist01__txt="YoYo/a.avi 2\nYoYo/b.avi\nNoNo/c.avi 3\nYoYo/../d.avi 10",
    testlist01__txt="../../etc/passwd\ne.avi\nYoYo/f.avi 10\n",
  )
  message = _refusal(ucf101.read, folder, 1)
  for expected in (
    "trainlist01.txt line 1: class number '2' must be 10, that of YoYo",
    "trainlist01.txt line 2: class number 'YoYo/b.avi' must be 10",
    "trainlist01.txt line 3: class 'NoNo' must be in classInd.txt; add it",
    "line 4: 'YoYo/../d.avi' must be `Class/name.avi`; mend it",
    "testlist01.txt line 1: '../../etc/passwd' must be `Class/name.avi`",
    "testlist01.txt line 2: 'e.avi' must be",
    "testlist01.txt line 3: 'YoYo/f.avi 10' must be",
  ):
    assert expected in message
  _write(folder, classInd__txt="1 YoYo\n1 Other\nx Third\n4 a|b\n")
  message = _refusal(ucf101.read, folder, 1)
  assert "classInd.txt line 2: '1 Other' stands twice; remove" in message
  assert "classInd.txt line 3: 'x Third' must be `1 Class`; mend" in message
  assert "classInd.txt line 4: label 'a|b' must not hold `|`" in message
  with pytest.raises(FileNotFoundError, match="holds no trainlist03.txt"):
    ucf101.read(folder, 3)


def test_esc50(tmp_path):
  lists_folder = _write(
    tmp_path / "lists",
    esc50__csv=ESC + "1-1-A-7.wav,1,7,rooster,False,1,A\n"
    "2-2-A-0.wav,2,0,dog,True,2,A\n"
    "2-3-B-7.wav,2,7,rooster,False,3,B\n",
  )
  lists = esc50.read(lists_folder, 2)
  assert lists.classes == ["dog", "rooster"]  # by target
  assert _seen(lists) == [
    (("rooster",), "train", "1-1-A-7"),
    (("dog",), "test", "2-2-A-0"),
    (("rooster",), "test", "2-3-B-7"),
  ]
  assert [e.split for e in esc50.read(lists_folder, 1).entries] == [
    "test",
    "train",
    "train",
  ]


def test_esc50_refusals(tmp_path):
  folder = _write(
    tmp_path / "lists",
    esc50__csv=ESC + "a.wav,1,7,rooster,False,1,A\n"
    "../b.wav,1,7,rooster,False,1,A\n"
    "c.wav,6,7,rooster,False,1,A\n"
    "d.wav,1,-7,rooster,False,1,A\n"
    "e.wav,1,8,rooster,False,1,A\n"
    "f.wav,1,7,dog,False,1,A\n"
    "a.wav,2,7,rooster,False,1,A\n",
  )
  message = _refusal(esc50.read, folder, 1)
  for expected in (
    "line 3: `filename` ('../b.wav') must be a plain file name; mend it",
    "line 4: `fold` ('6') must be 1 to 5; mend it",
    "line 5: `target` ('-7') must be a whole number; mend it",
    "line 6: `target` 8 and `category` 'rooster' must go together",
    "line 7: `target` 7 and `category` 'dog' must go together",
    "esc50.csv line 2; remove one of them",
  ):
    assert expected in message
  with pytest.raises(FileNotFoundError, match=r"holds no esc50\.csv"):
    esc50.read(_write(tmp_path / "empty"), 1)


def _kinetics(folder):
  return _write(
    folder,
    train__csv=CSV + '"yoga",-abc_DEF-01,12,22,train\n'
    '"massaging person\'s head",bbbbbbbbbbb,0,10,train\n'
    "yoga,ccccccccccc,100,110,train\n"
    "yoga,#NAME?,5,15,train\nyoga,#NAME?,5,15,train\n",
    val__csv=CSV.replace("split", "split,is_cc")
    + "yoga,ddddddddddd,3.0,13.0,val,0\n",
    test__csv="youtube_id,time_start,time_end,split\neeeeeeeeeee,1,11,test\n",
  )


def test_kinetics(tmp_path):
  lists = kinetics.read(_kinetics(tmp_path / "lists"), 0)
  assert lists.classes == ["massaging person's head", "yoga"]
  videos = _touch(
    tmp_path / "v",
    "train/yoga/-abc_DEF-01_000012_000022.mp4",
    "train/massaging_person_s_head/bbbbbbbbbbb.mkv",
    "ccccccccccc_000012_000022.mp4",  # another stretch of that video
    "ddddddddddd_000003_000013.mp4",
    "eeeeeeeeeee.webm",
  )
  found, seen = _find(kinetics.DEFINITION, lists, videos)
  head = "massaging person's head"
  assert seen == [
    ("train/yoga/-abc_DEF-01_000012_000022.mp4",) * 2
    + ("train", ("yoga",), 0.0, None),
    (
      "train/massaging_person_s_head/bbbbbbbbbbb.mkv",
      "train/massaging_person_s_head/bbbbbbbbbbb.mkv#0",
      "train",
      (head,),
      0.0,
      10.0,
    ),
    ("ddddddddddd_000003_000013.mp4",) * 2 + ("validate", ("yoga",), 0.0, None),
    ("eeeeeeeeeee.webm", "eeeeeeeeeee.webm#1", "test", (), 1.0, 11.0),
  ]
  assert {
    split: (counts["official"], counts["found"])
    for split, counts in found.coverage["splits"].items()
  } == {"train": (5, 2), "validate": (1, 1), "test": (1, 1)}
  assert found.coverage["splits"]["train"]["classes"]["yoga"] == {
    "official": 4,
    "found": 1,
    "missing": 3,
  }
  assert presence.row(found.missing[0])[2] == "ccccccccccc_000100_000110"


def test_kinetics_folder_of_another_class_is_not_taken(tmp_path):
  lists = kinetics.read(_kinetics(tmp_path / "lists"), 0)
  videos = _touch(
    tmp_path / "v",
    "yoga/bbbbbbbbbbb_000000_000010.mp4",
    "yoga/ccccccccccc_000100_000110.mp4",
  )
  _, seen = _find(kinetics.DEFINITION, lists, videos)
  assert [row[0] for row in seen] == ["yoga/ccccccccccc_000100_000110.mp4"]


def test_kinetics_refusals(tmp_path):
  folder = _write(
    tmp_path / "lists",
    train__csv=CSV + "yoga,../../etc/passwd,1,2,train\nyoga,b,2,1,train\n"
    "yoga,c,1,2,holdout\na|b,d,1,2,train\nyoga,e,1,2,train\nyoga,e,1,3,test\n",
  )
  message = _refusal(kinetics.read, folder)
  for expected in (
    "train.csv line 2: `youtube_id` ('../../etc/passwd') must be letters",
    "line 3: `time_start` ('2') and `time_end` ('1') must be seconds",
    "line 4: `split` ('holdout') must be train, val, validate, validation or",
    "line 5: label 'a|b' must not hold `|`",
    "train.csv line 6; remove one of them",
  ):
    assert expected in message
  with pytest.raises(FileNotFoundError, match=r"holds no train\.csv; give"):
    kinetics.read(_write(tmp_path / "empty"), 0)
  _write(folder, train__csv="id,start\n1,2\n")
  assert "line 1: no column youtube_id, time_start, time_end; give" in (
    _refusal(kinetics.read, folder)
  )


def _audioset(folder):
  return _write(
    folder,
    class_labels_indices__csv=CLASSES,
    balanced_train_segments__csv=SEGMENTS
    + '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/m/0zz"\n'
    + 'bbbbbbbbbbb, 0.000, 8.000, "/m/05zppz"\n',
    eval_segments__csv=SEGMENTS
    + 'ccccccccccc, 5.500, 15.500, "/m/0zz"\nddddddddddd, 1, 11, "/m/0zz"\n'
    + 'eeeeeeeeeee, 1, 11, "/m/0zz"\n',
  )


def test_audioset(tmp_path):
  lists = audioset.read(_audioset(tmp_path / "lists"), 0)
  assert lists.classes == ["Speech", "Male speech, man speaking", "Zither"]
  videos = _touch(
    tmp_path / "v",
    "--PJHxphWEs_30000_40000.flac",
    "Ybbbbbbbbbbb.wav",
    "ccccccccccc_5.500_15.500.mp4",
    "ddddddddddd_000001_000011.mp4",
  )
  found, seen = _find(audioset.DEFINITION, lists, videos)
  assert seen == [
    ("--PJHxphWEs_30000_40000.flac",) * 2
    + ("balanced_train", ("Speech", "Zither"), 0.0, None),
    (
      "Ybbbbbbbbbbb.wav",
      "Ybbbbbbbbbbb.wav#0",
      "balanced_train",
      ("Male speech, man speaking",),
      0.0,
      8.0,
    ),
    ("ccccccccccc_5.500_15.500.mp4",) * 2 + ("eval", ("Zither",), 0.0, None),
    ("ddddddddddd_000001_000011.mp4",) * 2 + ("eval", ("Zither",), 0.0, None),
  ]
  assert [source.may_be_cut for source in found.sources] == [
    False,
    True,
    False,
    False,
  ]
  assert found.coverage["splits"]["eval"] == {
    "official": 3,
    "found": 2,
    "missing": 1,
    "classes": {"Zither": {"official": 3, "found": 2, "missing": 1}},
  }


def test_audioset_refusals(tmp_path):
  folder = _audioset(tmp_path / "lists")
  _write(
    folder,
    eval_segments__csv=SEGMENTS + 'a, 1, 2, "/m/no"\nb, 1, 2\n'
    '../c, 1, 2, "/m/0zz"\nbbbbbbbbbbb, 0, 9, "/m/0zz"\n',
  )
  message = _refusal(audioset.read, folder)
  for expected in (
    "eval_segments.csv line 4: label '/m/no' must be in class_labels_indices",
    "line 5: 'b, 1, 2' must be `YTID, start, end, \"mid,mid\"`",
    "line 6: '../c, 1, 2, /m/0zz' must be",
    "balanced_train_segments.csv line 5; remove one of them",
  ):
    assert expected in message
  _write(folder, class_labels_indices__csv=CLASSES + "x,/m/q,Q\n3,/m/0zz,Z\n")
  message = _refusal(audioset.read, folder)
  assert "indices.csv line 5: `index` ('x') must be a number" in message
  assert "line 6: '/m/0zz', 'Z' stands twice; remove one of them" in message
  with pytest.raises(FileNotFoundError, match="no class_labels_indices.csv"):
    audioset.read(_write(tmp_path / "empty"), 0)
  (folder / "eval_segments.csv").unlink()
  (folder / "balanced_train_segments.csv").unlink()
  _write(folder, class_labels_indices__csv=CLASSES)
  with pytest.raises(FileNotFoundError, match="no balanced_train_segments.csv"):
    audioset.read(folder, 0)


def test_number_of_splits():
  found = {
    module.DEFINITION.name: module.DEFINITION.num_splits
    for module in (audioset, esc50, hmdb51, kinetics, ucf101)
  }
  assert found == {
    "audioset": 0,
    "esc50": 5,
    "hmdb51": 3,
    "kinetics": 0,
    "ucf101": 3,
  }


def test_lists_without_a_clip(tmp_path):
  folder = _write(tmp_path / "lists", esc50__csv=ESC)
  with pytest.raises(ValueError, match="name no clip; give them as distribut"):
    esc50.read(folder, 1)
  assert official.find_lists(folder).keys() == {"esc50.csv"}


@pytest.mark.parametrize(
  ("name", "shown"),
  [
    (b"a|b", "label 'a|b' must not hold `|`"),
    (b"a\nb", "label 'a\\nb' holds control characters"),
    (b"\x1b[31m", "label '\\x1b[31m' holds control characters"),
    (b"\xff", "label '\\udcff' holds control characters"),
  ],
)
def test_name_of_an_hmdb51_list_that_is_no_label(tmp_path, name, shown):
  folder = _hmdb(tmp_path / "lists")
  path = os.fsencode(folder) + b"/" + name + b"_test_split1.txt"
  pathlib.Path(os.fsdecode(path)).write_text("x.avi 1\n")
  message = _refusal(hmdb51.read, folder, 1)
  assert message.startswith("1 line(s) of the lists cannot be used")
  assert shown in message
  assert message.isprintable()


def test_numbers_of_very_many_digits_are_named(tmp_path):
  digits = "9" * 5000
  folder = _write(
    tmp_path / "esc", esc50__csv=f"{ESC}a.wav,1,{digits},dog,False,1,A\n"
  )
  assert "esc50.csv line 2: `target` ('9999" in _refusal(esc50.read, folder, 1)
  folder = _write(_ucf(tmp_path / "ucf"), classInd__txt=f"{digits} YoYo\n")
  message = _refusal(ucf101.read, folder, 1)
  assert "classInd.txt line 1: '9999" in message
  assert message.startswith("1 line(s)")
  folder = _write(
    _audioset(tmp_path / "audioset"),
    class_labels_indices__csv=f"{CLASSES}{digits},/m/q,Q\n",
  )
  message = _refusal(audioset.read, folder)
  assert "class_labels_indices.csv line 5: `index` ('9999" in message


def test_class_list_that_is_not_utf8_is_one_problem(tmp_path):
  folder = _ucf(tmp_path / "ucf")
  (folder / "classInd.txt").write_bytes(b"1 \xff\n")
  message = _refusal(ucf101.read, folder, 1)
  assert message.startswith("1 line(s)")
  assert "classInd.txt line 1: byte 0xff is not UTF-8; convert" in message
  folder = _audioset(tmp_path / "audioset")
  (folder / "class_labels_indices.csv").write_bytes(b"\xff\n")
  assert _refusal(audioset.read, folder).startswith("1 line(s)")


def test_audioset_times_that_no_video_has(tmp_path):
  folder = _audioset(tmp_path / "lists")
  _write(folder, eval_segments__csv=f'{SEGMENTS}a, 1e305, 1e306, "/m/0zz"\n')
  assert "eval_segments.csv line 4: 'a, 1e305, 1e306, /m/0zz' must be" in (
    _refusal(audioset.read, folder)
  )


def _voc(folder):
  return _write(
    folder,
    cat_trainval__txt="000005 -1\n000007  1\n000009  0\n",
    person_trainval__txt="000005  1\n000007  1\n000009 -1\n",
    cat_test__txt="000001 -1\n",
    person_test__txt="000001  0\n",
  )


def test_voc2007(tmp_path):
  lists = voc2007.read(_voc(tmp_path / "lists"), 0)
  assert lists.classes == [
    "cat",
    "person",
    "difficult:cat",
    "difficult:person",
  ]
  assert _seen(lists) == [
    (("person",), "train", "000005"),
    (("cat", "person"), "train", "000007"),
    (("difficult:cat",), "train", "000009"),
    (("difficult:person",), "test", "000001"),
  ]
  images = _touch(
    tmp_path / "v", "JPEGImages/000007.jpg", "JPEGImages/000001.mp4"
  )
  found, seen = _find(voc2007.DEFINITION, lists, images)
  assert [row[0] for row in seen] == ["JPEGImages/000007.jpg"]
  assert len(found.missing) == 3  # a video is not a still picture


def test_voc2007_refusals(tmp_path):
  lists = _voc(tmp_path / "lists")
  _write(lists, cat_trainval__txt="5 1\n000007 2\n../000009 1\n000005 1\n")
  message = _refusal(voc2007.read, lists)
  for expected in (
    "line(s) of the lists",
    "cat_trainval.txt line 1: '5 1' must be `id -1|0|1`; mend it",
    "line 2: '000007 2' must be",
    "line 3: '../000009 1' must be",
    "person_trainval.txt: the lists of trainval must name the same images, but"
    " 000007 is not in all of them; give them as distributed",
  ):
    assert expected in message
  _voc(lists)
  _write(lists, cat_test__txt="000001 1\n000001 -1\n")
  message = _refusal(voc2007.read, lists)
  assert "cat_test.txt line 2: 000001 stands twice; remove one" in message
  (lists / "person_test.txt").unlink()
  with pytest.raises(FileNotFoundError, match=r"holds no person_test\.txt"):
    voc2007.read(lists, 0)
  with pytest.raises(FileNotFoundError, match=r"no CLASS_trainval\.txt; give"):
    voc2007.read(_write(tmp_path / "empty"), 0)
