"""The binary: splits, classes, reports, refusals."""

import json
import shutil

import pytest

from data_prep.prepare_records import settings
from tests.data_prep import outputs
from tfvssl.data.records import check
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema

SMALL = ("--modalities=rgb", "--short_side=32")


@pytest.fixture(scope="module")
def videos(tmp_path_factory, make_clip):
  """Labels of 4, 4 and 1 files, a copy among them, and a folder of texts."""
  root = tmp_path_factory.mktemp("videos")
  for label, count in (("ant", 4), ("bee", 4), ("cow", 1)):
    for i in range(count):
      make_clip(
        root / label / f"{i}.mp4",
        "-vf",
        f"hue=h={40 * i + ord(label[0])}",
        video="testsrc2=size=64x48:rate=25:duration=0.4",
      )
  shutil.copyfile(root / "ant" / "0.mp4", root / "bee" / "copy.mp4")
  (root / "texts").mkdir()
  (root / "texts" / "a.txt").write_text("x")
  return root


@pytest.fixture(scope="module")
def prepared(videos, preparer, tmp_path_factory):
  """The output of a run with a hash split, and what it said."""
  output = tmp_path_factory.mktemp("out") / "records"
  code = preparer.run(
    f"--input={videos}", f"--output={output}", "--test_share=0.25", *SMALL
  )
  assert code == 0, preparer.text()
  return output, preparer.text()


def _labels(records):
  return [
    (
      record.context.feature["clip/label/text"].bytes_list.value[0],
      record.context.feature["clip/label/index"].int64_list.value[0],
    )
    for record in records
  ]


def test_estimate_is_said_before_the_first_input(prepared):
  estimate, decoding = (
    prepared[1].index(text)
    for text in (
      "rough estimate from the headers of 11 inputs: 0.0 minutes, 0.00 GB",
      "11 of 11 inputs to decode",
    )
  )
  assert estimate < decoding


def test_both_splits_are_complete_record_folders(prepared, records_of):
  output, _ = prepared
  manifests = {
    split: manifest_lib.load_manifest(output / split)
    for split in ("train", "test")
  }
  assert manifests["train"].clip_count + manifests["test"].clip_count == 10
  for split, manifest in manifests.items():
    assert manifest.classes == ["ant", "bee"]
    assert manifest.config == json.loads(
      json.dumps(
        settings.Settings(modalities=("rgb",), short_side=32).to_config()
      )
    )
    records = records_of(output / split)
    assert len(records) == manifest.clip_count
    for shard in manifest.shards:
      content = (output / split / shard.file).read_bytes()
      assert shard.bytes == len(content)
      assert shard.modalities == ["rgb"] * shard.record_count
    for record in records:
      value = record.context.feature["config_hash"].bytes_list.value[0]
      assert value.decode() == manifest.config_hash


def test_label_of_one_file_is_left_out_by_name(prepared, records_of):
  output, log = prepared
  report = json.loads((output / "report.json").read_text())
  assert report["labels_left_out"] == ["cow"]
  assert "their clips are kept without a label: cow" in log
  found = _labels(records_of(output / "train") + records_of(output / "test"))
  assert sorted(set(found)) == [(b"", -1), (b"ant", 0), (b"bee", 1)]
  assert found.count((b"", -1)) == 1


def test_copy_is_reported_and_shares_the_split(prepared, records_of):
  output, log = prepared
  report = json.loads((output / "report.json").read_text())
  assert report["equal_content"] == [["ant/0.mp4", "bee/copy.mp4"]]
  assert "same content is in several splits" not in log
  for split in ("train", "test"):
    ids = {
      record.context.feature["clip/id"].bytes_list.value[0]
      for record in records_of(output / split)
    }
    assert (b"ant/0.mp4" in ids) == (b"bee/copy.mp4" in ids)


def test_report_counts(prepared):
  report = json.loads((prepared[0] / "report.json").read_text())
  assert (report["input_count"], report["written_count"]) == (11, 10)
  assert report["reasons"] == {"not_media": 1}
  assert sum(report["clips_per_split"].values()) == report["clip_count"] == 10
  assert report["clips_per_label"] == {"": 1, "ant": 4, "bee": 5}
  assert report["clips_per_modalities"] == {"rgb": 10}


def test_csv_with_splits_warns_of_equal_content(
  videos, preparer, tmp_path, records_of
):
  table = videos / "list.csv"
  table.write_text(
    "path,label,split,author\nant/0.mp4,x,train,me\nbee/copy.mp4,y,val,me\n"
  )
  args = (f"--input={table}", f"--output={tmp_path / 'out'}", *SMALL)
  assert preparer.run(*args) == 0
  assert "columns of the csv that are ignored: 'author'" in preparer.text()
  assert (
    "the same content is in several splits: ant/0.mp4, bee/copy.mp4"
    in preparer.text()
  )
  assert _labels(records_of(tmp_path / "out" / "train")) == [(b"x", 0)]
  assert _labels(records_of(tmp_path / "out" / "val")) == [(b"y", 1)]
  assert preparer.run(*args, "--test_share=0.5") == 2
  assert "`--test_share` cannot be used with a csv" in preparer.text()
  table.unlink()


def test_bad_csv_is_exit_3_and_nothing_is_written(preparer, tmp_path):
  table = tmp_path / "list.csv"
  table.write_text("path\nnone.mp4\n/etc/passwd\n")
  output = tmp_path / "out"
  assert preparer.run(f"--input={table}", f"--output={output}") == 3
  text = preparer.text()
  assert "line 2: `path` ('none.mp4') is not a file" in text
  assert "line 3: `path` ('/etc/passwd') must count" in text
  assert not output.exists()


@pytest.mark.parametrize(
  ("args", "code", "message"),
  [
    (("--modalities=rgb,smell",), 2, "`modalities` (rgb,smell)"),
    (
      ("--modalities=rgb,text",),
      2,
      "spectrogram; captions are packed wherever there are some",
    ),
    (("--input=nowhere",), 3, "`--input` (nowhere) does not exist"),
    (("--jpeg_quality=0",), 2, "`jpeg_quality` (0) must be 1 to 100"),
    (
      ("--clip_seconds=0.8", "--min_tail_seconds=1"),
      2,
      "`min_tail_seconds` (1.0) must be 0 to `clip_seconds` (0.8)",
    ),
    (("--frame_rate_hz=0",), 2, "`frame_rate_hz` (0.0) must be above 0"),
    (("--no_such_flag=1",), 2, "no_such_flag"),
    (("stray",), 2, "unknown argument 'stray'"),
    (("--test_share=2",), 2, "test_share"),
  ],
)
def test_bad_flags(videos, preparer, tmp_path, args, code, message):
  found = preparer.run(
    f"--input={videos}", f"--output={tmp_path / 'out'}", *args
  )
  assert found == code
  assert message in preparer.text()
  assert "Traceback" not in preparer.text()
  assert not (tmp_path / "out").exists()


def test_output_inside_the_input_is_refused(videos, preparer):
  output = videos / "records"
  assert preparer.run(f"--input={videos}", f"--output={output}") == 2
  assert "must not lie in `--input`" in preparer.text()
  assert not output.exists()


def test_folder_with_records_of_another_origin_is_refused(
  videos, preparer, tmp_path
):
  (tmp_path / "mine.tfrecord").write_bytes(b"precious")
  args = (f"--input={videos}", f"--output={tmp_path}", *SMALL)
  assert preparer.run(*args) == 2
  assert "holds records of another origin" in preparer.text()
  assert (tmp_path / "mine.tfrecord").read_bytes() == b"precious"


def test_more_inputs_than_before_are_refused(videos, preparer, tmp_path):
  shutil.copytree(videos / "ant", tmp_path / "in")
  args = (f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out'}", *SMALL)
  assert preparer.run(*args) == 0
  before = outputs.files_of(tmp_path / "out")
  shutil.copyfile(videos / "bee" / "1.mp4", tmp_path / "in" / "new.mp4")
  assert preparer.run(*args) == 2
  assert "begun with other settings or inputs" in preparer.text()
  assert "inputs.new.mp4" in preparer.text()
  assert outputs.files_of(tmp_path / "out") == before


def test_without_labels(videos, preparer, tmp_path):
  code = preparer.run(
    f"--input={videos}",
    f"--output={tmp_path / 'out'}",
    "--labels=none",
    *SMALL,
  )
  assert code == 0
  manifest = manifest_lib.load_manifest(tmp_path / "out")
  assert (manifest.classes, manifest.clip_count) == ([], 10)


def test_captions_of_a_csv_are_packed(videos, preparer, tmp_path, records_of):
  table = tmp_path / "captions.csv"
  table.write_text(
    "path,text,start_s,end_s\nant/1.mp4,second,0.2,9\nant/1.mp4,first,,0.2\n"
    "bee/1.mp4,whole,,\nfly/1.mp4,nobody,,\n"
  )
  args = (
    f"--input={videos}",
    f"--captions={table}",
    f"--output={tmp_path / 'out'}",
    *SMALL,
  )
  assert preparer.run(*args) == 0, preparer.text()
  said = (
    f"1 of 4 captions of {table} are for 1 paths that are not inputs, such as"
    " 'fly/1.mp4'"
  )
  assert preparer.text().count(said) == 1
  manifest = manifest_lib.load_manifest(tmp_path / "out")
  words = [word for shard in manifest.shards for word in shard.modalities]
  assert sorted(words) == ["rgb"] * 8 + ["rgb+text"] * 2
  assert check.verify(tmp_path / "out") == []
  report = json.loads((tmp_path / "out" / "report.json").read_text())
  assert report["clips_per_modalities"] == {"rgb": 8, "rgb+text": 2}
  found = {}
  for record in records_of(tmp_path / "out"):
    context = record.context.feature
    if schema.CAPTION_TIMES[0] in context:
      found[context["clip/id"].bytes_list.value[0]] = (
        list(context["clip/caption"].bytes_list.value),
        [
          pytest.approx(list(context[name].float_list.value))
          for name in schema.CAPTION_TIMES
        ],
      )
  assert found == {
    b"ant/1.mp4": ([b"first", b"second"], [[0.0, 0.2], [0.2, 0.4]]),
    b"bee/1.mp4": ([b"whole"], [[0.0], [0.4]]),
  }
  assert preparer.run(*args) == 0  # continues: nothing is left to do
  table.write_text(table.read_text().replace("whole", "other"))
  assert preparer.run(*args) == 2
  assert "begun with other settings or inputs" in preparer.text()
  assert "inputs.bee/1.mp4" in preparer.text()
  assert "inputs.ant/1.mp4" not in preparer.text()


def test_bad_captions_are_exit_3_and_nothing_is_written(
  videos, preparer, tmp_path
):
  table = tmp_path / "captions.csv"
  table.write_text("path,text,start_s\nant/1.mp4,x,late\n")
  args = (f"--input={videos}", f"--output={tmp_path / 'out'}", *SMALL)
  assert preparer.run(*args, f"--captions={table}") == 3
  assert (
    f"error: {table} has 1 error(s), nothing was decoded; line 2: `start_s`"
    " ('late') must be a number" in preparer.text()
  )
  assert preparer.run(*args, "--captions=none.csv") == 3
  assert "`--captions` (none.csv) does not exist" in preparer.text()
  assert not (tmp_path / "out").exists()
