"""Films that begin alike are no leaks; one file has one name."""

import json

import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.data.records import check
from tfvssl.data.records import content
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import reader
from tfvssl.evaluate.samples import clips
from tfvssl.evaluate.samples import splits

_FILMS = ("one", "two", "three", "four")
_SPEC = views.RgbViewSpec(num_frames=2, image_size=32)


@pytest.fixture(scope="module")
def films(tmp_path_factory, make_clip):
  """Films of a second of black, silent but for the last two, then pictures."""
  root = tmp_path_factory.mktemp("films")
  for number, name in enumerate(_FILMS):
    tone = 300 + 100 * number
    begin = 0 if number > 1 else 1
    make_clip(
      root / f"{name}.mkv",
      "-vf",
      "drawbox=color=black:t=fill:enable='lt(t,0.99)'",
      "-c:v",
      "libx264",
      "-c:a",
      "pcm_s16le",
      video=f"testsrc2=size=64x48:rate=25:duration=2,hue=h={90 * number}",
      audio=f"sine=frequency={tone}:sample_rate=48000:duration=2,"
      f"volume=volume='gte(t,{begin})':eval=frame",
    )
  return root


@pytest.fixture(scope="module")
def prepared(films, preparer, tmp_path_factory):
  """Two splits of the films by a csv that spells paths as people do."""
  table = films / "list.csv"
  rows = [
    f"./{name}.mkv,{'ab'[number % 2]},{'train' if number < 2 else 'test'}"
    for number, name in enumerate((*_FILMS[::2], *_FILMS[1::2]))
  ]
  # Of either label one film is silent at first, and one is not.
  table.write_text("\n".join(["path,label,split", *rows]) + "\n")
  output = tmp_path_factory.mktemp("out") / "records"
  code = preparer.run(
    f"--input={table}",
    f"--output={output}",
    "--clip_seconds=1",
    "--short_side=32",
  )
  assert code == 0, preparer.text()
  return output


def _split(prepared, **options):
  folders = (str(prepared / side) for side in ("train", "test"))
  return splits.open_split("split 1", *folders, spec=_SPEC, **options)


def test_films_that_begin_with_black_can_be_evaluated(prepared):
  described = splits.describe_split(_split(prepared))
  assert (described["train_clips"], described["test_clips"]) == (4, 4)
  assert described["train_clips_constant"] == 1
  assert described["test_clips_constant"] == 1
  report = json.loads((prepared / "report.json").read_text())
  assert report["constant_clip_count"] == 2


def test_digests_stand_in_the_manifest_and_are_checked(prepared):
  assert check.verify(prepared / "train") == []
  manifest = manifest_lib.load_manifest(prepared / "train")
  digests = [text for shard in manifest.shards for text in shard.digests]
  assert len(set(digests)) == len(digests) == 4
  assert sum(map(content.is_constant, digests)) == 1
  manifest.shards[0].digests[0] = "rgb:0 audio:0"
  (problem,) = check.verify_shard(
    prepared / "train" / manifest.shards[0].file, manifest.shards[0], manifest
  )
  assert "the manifest says 'rgb:0 audio:0'" in problem


def test_payloads_are_read_for_folders_without_digests_alone(
  prepared, monkeypatch
):
  records = reader.open_records(prepared / "train", {views.Modality.RGB})
  with monkeypatch.context() as patch:
    patch.setattr(tf.data, "TFRecordDataset", None)
    told = clips.read_clips(records)
  for shard in records.manifest.shards:
    shard.digests = []
  looked_at = clips.read_clips(records)
  assert [clip._replace(digest="") for clip in told] == [
    clip._replace(digest="") for clip in looked_at
  ]
  assert [content.plain(clip.digest) for clip in told] == [
    content.plain(clip.digest) for clip in looked_at
  ]
  assert {clip.source for clip in told} == {"one.mkv", "three.mkv"}


def test_a_copy_is_a_leak_still(prepared):
  with pytest.raises(ValueError, match="1 test clips are also training clips"):
    train = _split(prepared).train_clips
    changing = [c for c in train if not content.is_constant(c.digest)]
    clips.check_leakage(train, [changing[0]], "split 1", same_paths_differ=True)


def test_one_file_of_several_spellings_is_one(films, preparer, tmp_path):
  (films / "deep").mkdir()
  (films / "deep" / "link.mkv").symlink_to(films / "one.mkv")
  table = films / "spelled.csv"
  table.write_text(
    "path,label,start_s\none.mkv,x,0\n./one.mkv,x,0.4\n"
    "deep/../one.mkv,x,0.8\ndeep/link.mkv,x,1.2\n"
  )
  args = (f"--output={tmp_path / 'out'}", "--short_side=32", "--clip_seconds=1")
  code = preparer.run(f"--input={table}", *args, "--test_share=0.5")
  assert code == 0, preparer.text()
  assert "cannot be in both splits" in preparer.text()  # x has one file
  report = json.loads((tmp_path / "out" / "report.json").read_text())
  assert report["labels_left_out"] == ["x"]
  (split,) = report["clips_per_split"]
  records = reader.open_records(tmp_path / "out" / split, {views.Modality.RGB})
  assert {clip.source for clip in clips.read_clips(records)} == {"one.mkv"}
  table.write_text("path\none.mkv\n./one.mkv\n")
  assert preparer.run(f"--input={table}", *args) == 3
  assert "line 3: id 'one.mkv' is also on line 2" in preparer.text()
