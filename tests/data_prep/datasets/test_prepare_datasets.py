"""Datasets through the binary, read back and compared with their lists."""

import collections
import csv
import json

import pytest

from tfvssl.data.records import check
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema

SMALL = ("--modalities=rgb", "--short_side=32")
SOUND = ("--modalities=audio",)


def _seen(records):
  """Returns path -> (labels, label text)."""
  return {
    record.context.feature["clip/path"].bytes_list.value[0].decode(): (
      list(record.context.feature["clip/label/index"].int64_list.value),
      record.context.feature["clip/label/text"].bytes_list.value[0].decode(),
    )
    for record in records
  }


def _missing(folder):
  with open(folder / "missing.csv", encoding="utf-8", newline="") as file:
    return list(csv.DictReader(file))


def _report(folder):
  return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def hmdb(tmp_path_factory, make_clip):
  """Lists and videos; in split 2 the sides are swapped; one is missing."""
  root = tmp_path_factory.mktemp("hmdb")
  (root / "lists").mkdir()
  names = ("#1_(a)_u_[x];_0", "b it's & c")
  for action in ("brush_hair", "clap"):
    lines = [f"{action}_{name}.avi {i + 1} \n" for i, name in enumerate(names)]
    lines += [f"{action}_gone.avi 1 \n", f"{action}_unused.avi 0 \n"]
    lists = root / "lists" / "testTrainMulti_7030_splits"
    lists.mkdir(exist_ok=True)
    (lists / f"{action}_test_split1.txt").write_text("".join(lines))
    swapped = [line.translate(str.maketrans("12", "21")) for line in lines]
    swapped = [f"{action}_{names[0]}.avi 2\n", f"{action}_{names[1]}.avi 1\n"]
    (lists / f"{action}_test_split2.txt").write_text("".join(swapped))
    for i, name in enumerate((*names, "unused")):
      make_clip(
        root / "videos" / action / f"{action}_{name}.avi",
        "-c:v",
        "mpeg4",
        "-vf",
        f"hue=h={90 * i + ord(action[0])}",
        video="testsrc2=size=64x48:rate=25:duration=0.4",
      )
  return root


def _hmdb_args(hmdb, output, number):
  return (
    "--dataset=hmdb51",
    f"--annotations={hmdb / 'lists'}",
    f"--input={hmdb / 'videos'}",
    f"--output={output}",
    f"--dataset_split={number}",
    *SMALL,
  )


def test_hmdb51(hmdb, preparer, tmp_path, records_of):
  output = tmp_path / "out"
  assert preparer.run(*_hmdb_args(hmdb, output, 1)) == 0, preparer.text()
  said = "hmdb51 split 1: found train 2 of 4 clips; test 2 of 2 clips"
  assert said in preparer.text()
  folder = output / "split_1"
  odd, other = "#1_(a)_u_[x];_0.avi", "b it's & c.avi"
  assert _seen(records_of(folder / "train")) == {
    f"brush_hair/brush_hair_{odd}": ([0], "brush_hair"),
    f"clap/clap_{odd}": ([1], "clap"),
  }
  assert _seen(records_of(folder / "test")) == {
    f"brush_hair/brush_hair_{other}": ([0], "brush_hair"),
    f"clap/clap_{other}": ([1], "clap"),
  }
  for split in ("train", "test"):
    manifest = manifest_lib.load_manifest(folder / split)
    assert manifest.classes == ["brush_hair", "clap"]
    assert check.verify(folder / split) == []
  coverage = _report(folder)["coverage"]
  assert coverage["unused_in_lists"] == coverage["files_not_in_lists"] == 2
  assert coverage["splits"]["train"] == {
    "official": 4,
    "found": 2,
    "missing": 2,
    "classes": {
      "brush_hair": {"official": 2, "found": 1, "missing": 1},
      "clap": {"official": 2, "found": 1, "missing": 1},
    },
  }
  assert _missing(folder) == [
    {
      "split": "train",
      "label": label,
      "name": f"{label}_gone",
      "start_s": "0",
      "end_s": "",
    }
    for label in ("brush_hair", "clap")
  ]


def _records_by_path(folder, records_of):
  return {
    record.context.feature["clip/path"].bytes_list.value[0]: (
      record.SerializeToString(deterministic=True)
    )
    for split in ("train", "test")
    for record in records_of(folder / split)
  }


def test_second_split_decodes_nothing_again(
  hmdb, preparer, tmp_path, records_of
):
  output = tmp_path / "out"
  assert preparer.run(*_hmdb_args(hmdb, output, 1)) == 0
  assert "4 of 4 inputs to decode" in preparer.text()
  assert preparer.run(*_hmdb_args(hmdb, output, 2)) == 0
  assert "inputs to decode" not in preparer.text()
  first = _records_by_path(output / "split_1", records_of)
  assert _records_by_path(output / "split_2", records_of) == first
  odd = "clap/clap_#1_(a)_u_[x];_0.avi"
  assert odd in _seen(records_of(output / "split_2" / "test"))
  assert check.verify(output / "split_2" / "test") == []
  alone = tmp_path / "alone"
  assert preparer.run(*_hmdb_args(hmdb, alone, 2)) == 0
  names = ("test/manifest.json", "report.json", "missing.csv")
  for name in names:
    there, here = (f / "split_2" / name for f in (alone, output))
    assert there.read_bytes() == here.read_bytes()


@pytest.mark.parametrize("what", ["settings", "shard", "state"])
def test_first_split_that_is_other_or_damaged_is_not_reused(
  hmdb, preparer, tmp_path, what
):
  output = tmp_path / "out"
  first = output / "split_1"
  changed = ("--jpeg_quality=80",) if what == "settings" else ()
  assert preparer.run(*_hmdb_args(hmdb, output, 1), *changed) == 0
  if what == "shard":
    for shard in first.glob("*/*.tfrecord"):
      shard.write_bytes(shard.read_bytes()[:-40])
  if what == "state":
    (first / ".prepare" / "state.json").write_text("{")
  assert preparer.run(*_hmdb_args(hmdb, output, 2)) == 0, preparer.text()
  assert "4 of 4 inputs to decode" in preparer.text()
  for split in ("train", "test"):
    assert check.verify(output / "split_2" / split) == []


def test_nothing_to_find_is_exit_3(hmdb, preparer, tmp_path):
  (tmp_path / "empty").mkdir()
  args = list(_hmdb_args(hmdb, tmp_path / "out", 1))
  args[2] = f"--input={tmp_path / 'empty'}"
  assert preparer.run(*args) == 3
  assert "error: none of the 6 clips of the lists of hmdb51" in preparer.text()
  assert preparer.run(*_hmdb_args(hmdb, tmp_path / "out", 3)) == 3
  assert "holds no brush_hair_test_split3.txt" in preparer.text()
  lists = tmp_path / "lists"
  lists.mkdir()
  (lists / "clap_test_split1.txt").write_text("../../etc/passwd 1\n")
  args = list(_hmdb_args(hmdb, tmp_path / "out", 1))
  args[1] = f"--annotations={lists}"
  assert preparer.run(*args) == 3
  assert "line 1: '../../etc/passwd' must be a plain" in preparer.text()
  assert "Traceback" not in preparer.text()
  assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (("--dataset_split=0",), "`--dataset_split` (0) of hmdb51 must be 1 to 3"),
    (("--dataset_split=4",), "`--dataset_split` (4) of hmdb51 must be 1 to 3"),
    (("--test_share=0.5",), "leave out `--test_share`, `--labels` and"),
    (("--labels=none",), "`--dataset` has its own splits, labels and kind"),
    (("--images",), "leave out `--test_share`, `--labels` and `--images`"),
    (("--annotations=",), "`--dataset` needs `--annotations`"),
    (("--dataset=esc51",), "value should be one of"),
    (
      ("--dataset=kinetics", "--dataset_split=1"),
      "`--dataset_split` (1) of kinetics must be left out, it has one split",
    ),
    (
      ("--dataset=msrvtt", "--captions=own.csv"),
      "`--dataset` msrvtt has its own captions; leave out `--captions`",
    ),
  ],
)
def test_bad_flags(hmdb, preparer, tmp_path, change, message):
  args = _hmdb_args(hmdb, tmp_path / "out", 1)
  assert preparer.run(*args, *change) == 2
  assert message in preparer.text()
  assert "Traceback" not in preparer.text()
  assert not (tmp_path / "out").exists()


def test_flags_of_a_dataset_need_it(hmdb, preparer, tmp_path):
  args = (f"--input={hmdb / 'videos'}", f"--output={tmp_path / 'out'}")
  assert preparer.run(*args, "--dataset_split=1") == 2
  assert "`--annotations` and `--dataset_split` need `--dataset`, one of" in (
    preparer.text()
  )


def test_esc50(tmp_path, make_clip, preparer, records_of):
  meta = tmp_path / "ESC" / "meta"
  meta.mkdir(parents=True)
  rows = [
    (f"{fold}-{target}-A-{target}.wav", fold, target, category)
    for fold in range(1, 6)
    for target, category in ((1, "rooster"), (0, "dog"))
  ]
  (meta / "esc50.csv").write_text(
    "filename,fold,target,category,esc10,src_file,take\n"
    + "".join(f"{n},{f},{t},{c},True,1,A\n" for n, f, t, c in rows)
  )
  for name, fold, target, _ in rows[:-1]:  # the last is missing
    make_clip(
      tmp_path / "ESC" / "audio" / name,
      "-c:a",
      "pcm_s16le",
      video=None,
      audio=f"sine=frequency={300 + 50 * fold + 400 * target}:duration=0.2",
    )
  output = tmp_path / "out"
  code = preparer.run(
    "--dataset=esc50",
    f"--annotations={tmp_path / 'ESC'}",
    f"--input={tmp_path / 'ESC' / 'audio'}",
    f"--output={output}",
    "--dataset_split=5",
    *SOUND,
  )
  assert code == 0, preparer.text()
  folder = output / "split_5"
  assert _seen(records_of(folder / "test")) == {"5-1-A-1.wav": ([1], "rooster")}
  assert _seen(records_of(folder / "train")) == {
    name: ([target], category) for name, fold, target, category in rows[:8]
  }
  assert manifest_lib.load_manifest(folder / "train").classes == [
    "dog",
    "rooster",
  ]
  assert [row["name"] for row in _missing(folder)] == ["5-0-A-0"]
  assert _report(folder)["coverage"]["splits"]["test"]["missing"] == 1


def test_audioset(tmp_path, make_clip, preparer, records_of):
  lists = tmp_path / "lists"
  lists.mkdir()
  (lists / "class_labels_indices.csv").write_text(
    'index,mid,display_name\n0,/m/0,"Speech"\n1,/m/1,"Male, speaking"\n'
    '2,/m/2,"Zither"\n'
  )
  head = "# a\n# b\n# YTID, start_seconds, end_seconds, positive_labels\n"
  (lists / "balanced_train_segments.csv").write_text(
    head + '-a_a, 0.200, 0.600, "/m/2,/m/0"\nbbb, 5, 15, "/m/1"\n'
    'ccc, 0, 10, "/m/1,/m/0,/m/2"\n'
  )
  (lists / "eval_segments.csv").write_text(head + 'ddd, 0, 10, "/m/2"\n')
  for name, seconds in (("-a_a.mkv", 1.2), ("Yddd.wav", 0.4)):
    make_clip(
      tmp_path / "videos" / name,
      "-c:a",
      "pcm_s16le",
      video=None,
      audio=f"sine=duration={seconds}",
    )
  make_clip(
    tmp_path / "videos" / "bbb_5_15.wav",
    "-c:a",
    "pcm_s16le",
    video=None,
    audio="sine=frequency=900:duration=0.3",
  )
  output = tmp_path / "out"
  code = preparer.run(
    "--dataset=audioset",
    f"--annotations={lists}",
    f"--input={tmp_path / 'videos'}",
    f"--output={output}",
    *SOUND,
  )
  assert code == 0, preparer.text()
  train = records_of(output / "balanced_train")
  assert _seen(train) == {
    "-a_a.mkv": ([2, 0], "Zither|Speech"),
    "bbb_5_15.wav": ([1], "Male, speaking"),
  }
  spans = {
    record.context.feature["clip/id"].bytes_list.value[0].decode(): (
      round(record.context.feature["clip/start_s"].float_list.value[0], 3),
      round(record.context.feature["clip/duration_s"].float_list.value[0], 3),
    )
    for record in (*train, *records_of(output / "eval"))
  }
  assert spans == {
    "-a_a.mkv#0.2": (0.2, 0.4),  # cut from the whole video
    "bbb_5_15.wav": (0.0, 0.3),
    "Yddd.wav#0": (0.0, 0.4),
  }
  manifest = manifest_lib.load_manifest(output / "balanced_train")
  assert manifest.classes == ["Speech", "Male, speaking", "Zither"]
  assert check.verify(output / "balanced_train") == []
  report = _report(output)
  assert report["coverage"]["splits"]["balanced_train"]["found"] == 2
  assert report["clips_per_label"] == {
    "Male, speaking": 1,
    "Speech": 1,
    "Zither": 2,
  }
  (row,) = _missing(output)
  assert row["label"] == "Male, speaking|Speech|Zither"
  assert (row["start_s"], row["end_s"]) == ("0", "10")


def test_several_labels_of_a_csv(hmdb, preparer, tmp_path, records_of):
  videos = hmdb / "videos" / "clap"
  table = videos / "list.csv"
  table.write_text("path,label\nclap_unused.avi,b|a\nclap_b it's & c.avi,c\n")
  output = tmp_path / "out"
  assert preparer.run(f"--input={table}", f"--output={output}", *SMALL) == 0
  table.unlink()
  assert collections.Counter(
    (tuple(labels), text) for labels, text in _seen(records_of(output)).values()
  ) == {((1, 0), "b|a"): 1, ((2,), "c"): 1}
  assert check.verify(output) == []


def _captions(records):
  """Returns clip id -> (text, start, end) of each caption, to the tenth."""
  found = {}
  for record in records:
    feature = record.context.feature
    times = (
      [round(x, 1) for x in feature[name].float_list.value]
      for name in schema.CAPTION_TIMES
    )
    texts = (text.decode() for text in feature["clip/caption"].bytes_list.value)
    clip = feature["clip/id"].bytes_list.value[0].decode()
    found[clip] = list(zip(texts, *times, strict=True))
  return found


def test_captions_of_a_dataset_reach_the_clips(
  tmp_path, make_clip, preparer, records_of
):
  video = "-tCQ4tCQdWE"
  lists = tmp_path / "lists"
  lists.mkdir()
  (lists / f"{video}.csv").write_text(
    "start,end,text\n0.2,0.8,cut the tuna\n0.6,1.6,into small sections\n"
  )
  make_clip(
    tmp_path / "videos" / f"{video}.mp4",
    video="testsrc2=size=64x48:rate=25:duration=2",
  )
  code = preparer.run(
    "--dataset=howto100m",
    f"--annotations={lists}",
    f"--input={tmp_path / 'videos'}",
    f"--output={tmp_path / 'out'}",
    "--clip_seconds=1",
    *SMALL,
  )
  assert code == 0, preparer.text()
  assert _captions(records_of(tmp_path / "out" / "train")) == {
    f"{video}.mp4#0": [
      ("cut the tuna", 0.2, 0.8),
      ("into small sections", 0.6, 1.0),
    ],
    f"{video}.mp4#1": [("into small sections", 0.0, 0.6)],
  }
  (lists / f"{video}.csv").write_text("start,end,text\nx,1,a\n")
  code = preparer.run(
    "--dataset=howto100m",
    f"--annotations={lists}",
    f"--input={tmp_path / 'videos'}",
    f"--output={tmp_path / 'other'}",
  )
  assert code == 3
  assert "`start` ('x') and `end` ('1') must be seconds" in preparer.text()
  assert not (tmp_path / "other").exists()


def test_still_pictures_of_a_dataset(tmp_path, preparer, records_of):
  import tensorflow as tf

  lists = tmp_path / "lists"
  lists.mkdir()
  for name, sign in (("cat", 1), ("dog", 0)):
    (lists / f"{name}_trainval.txt").write_text(f"000005 {sign:2d}\n")
    (lists / f"{name}_test.txt").write_text(f"000006 {-sign:2d}\n")
  (tmp_path / "JPEGImages").mkdir()
  picture = tf.io.encode_jpeg(tf.fill([40, 50, 3], tf.constant(99, tf.uint8)))
  for image in ("000005", "000006"):
    path = tmp_path / "JPEGImages" / f"{image}.jpg"
    path.write_bytes(picture.numpy() + image.encode())
  code = preparer.run(
    "--dataset=voc2007",
    f"--annotations={lists}",
    f"--input={tmp_path / 'JPEGImages'}",
    f"--output={tmp_path / 'out'}",
    *SMALL,
  )
  assert code == 0, preparer.text()
  assert _seen(records_of(tmp_path / "out" / "train")) == {
    "000005.jpg": ([0, 3], "cat|difficult:dog")
  }
  assert _seen(records_of(tmp_path / "out" / "test")) == {
    "000006.jpg": ([3], "difficult:dog")
  }
