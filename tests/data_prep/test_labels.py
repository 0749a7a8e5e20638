"""Labels follow what was decoded, whatever the files are called."""

import json
import shutil

import pytest

from data_prep.prepare_records import sources
from data_prep.prepare_records import splits
from tests.data import record_fixture
from tests.data_prep import outputs
from tests.evaluate import grey_records
from tfvssl.data.media import streams
from tfvssl.data.records import check
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.embed import inputs as embedded
from tfvssl.evaluate.samples import splits as splits_of

_SMALL = ("--modalities=rgb", "--short_side=32")


@pytest.fixture(scope="module")
def videos(tmp_path_factory, make_clip):
  """Videos of no suffix and a strange one, texts, and one that is damaged."""
  root = tmp_path_factory.mktemp("videos")
  first = make_clip(
    root / "swim" / "1.mp4", video="testsrc2=size=64x48:rate=25:duration=0.4"
  )
  second = make_clip(
    root / "swim" / "2.mp4", video="testsrc=size=64x48:rate=25:duration=0.4"
  )
  for name in ("dance", "texts", "lost"):
    (root / name).mkdir()
  shutil.copyfile(first, root / "dance" / "a.download")
  shutil.copyfile(second, root / "dance" / "b")
  first.rename(root / "swim" / "1")
  second.rename(root / "swim" / "2")
  (root / "texts" / "notes").write_text("no video")
  (root / "texts" / "list.txt").write_text("no video")
  (root / "lost" / "x.mp4").write_bytes(b"no video at all" * 20)
  return root


@pytest.fixture(scope="module")
def prepared(videos, preparer, tmp_path_factory):
  """Records of the folder, and what the command said."""
  output = tmp_path_factory.mktemp("out") / "records"
  code = preparer.run(f"--input={videos}", f"--output={output}", *_SMALL)
  assert code == 0, preparer.text()
  return output, preparer.text()


def test_videos_without_suffix_have_their_labels(prepared, records_of):
  output, _ = prepared
  found = {
    record.context.feature["clip/id"].bytes_list.value[0]: (
      record.context.feature["clip/label/index"].int64_list.value[0],
      record.context.feature["clip/label/text"].bytes_list.value[0],
    )
    for record in records_of(output)
  }
  assert manifest_lib.load_manifest(output).classes == ["dance", "lost", "swim"]
  assert found == {
    b"dance/a.download": (0, b"dance"),
    b"dance/b": (0, b"dance"),
    b"swim/1": (2, b"swim"),
    b"swim/2": (2, b"swim"),
  }
  assert check.verify(output) == []


def test_class_without_a_clip_keeps_its_number_and_is_said(prepared):
  output, said = prepared
  assert manifest_lib.load_manifest(output).empty_classes == ["lost"]
  report = json.loads((output / "report.json").read_text())
  assert report["empty_classes"] == ["lost"]
  assert (
    "classes of which no clip was kept, and which count nowhere: lost" in said
  )
  assert report["reasons"] == {"not_media": 2, "unreadable": 1}


def test_rows_of_a_csv_and_splits_count_files_without_suffix(
  videos, preparer, tmp_path
):
  table = videos / "list.csv"
  table.write_text("path,label\nswim/1,x\nswim/2,x\ntexts/notes,y\n")
  args = (f"--input={table}", f"--output={tmp_path / 'out'}", *_SMALL)
  assert preparer.run(*args, "--test_share=0.5") == 0, preparer.text()
  table.unlink()
  for split in ("train", "test"):
    manifest = manifest_lib.load_manifest(tmp_path / "out" / split)
    assert (manifest.classes, manifest.clip_count) == (["x"], 1)
  assert outputs.files_of(tmp_path / "out")


def test_few_files_are_looked_into(videos, monkeypatch):
  looked = []
  monkeypatch.setattr(
    splits, "_is_media", lambda path: looked.append(path) or True
  )
  found = sources.read(videos, True)
  for source in found:
    source.labels = ("dance",)  # lost/x.mp4 has a suffix: it is enough
  assert splits.classes(found) == ["dance"]
  assert looked == []


def test_embedding_takes_the_files_of_a_preparation(videos, tmp_path):
  outside = tmp_path / "outside"
  outside.write_bytes(b"")
  link = videos / "swim" / "link.mp4"
  link.symlink_to(outside)
  prepared = sources.read(videos, True)
  assert [str(path) for path in embedded.list_files(videos)] == [
    source.path for source in prepared
  ]
  refused = [source.path for source in prepared if source.refused]
  link.unlink()
  assert refused == [str(link)]
  assert streams.is_media(videos / "swim" / "1")
  assert not streams.is_media(videos / "texts" / "notes")
  assert not streams.is_media(videos / "none")


def test_no_protocol_counts_a_class_without_clips(tmp_path):
  for side, first in (("train", 0), ("test", 20)):
    grey_records.bright_and_dark(tmp_path / side, 4, first=first)
    path = tmp_path / side / manifest_lib.MANIFEST_NAME
    manifest = manifest_lib.load_manifest(tmp_path / side)
    manifest.classes = [*record_fixture.CLASSES, "lost"]
    manifest.empty_classes = ["lost"]
    manifest.save(path)
  split = splits_of.open_split(
    "split 1",
    str(tmp_path / "train"),
    str(tmp_path / "test"),
    spec=grey_records.plain_spec(),
  )
  assert split.classes == [
    record_fixture.CLASSES[label]
    for label in sorted({clip.labels[0] for clip in split.train_clips})
  ]
  described = splits_of.describe_split(split)
  assert set(described["train_clips_per_class"]) == set(split.classes)
  assert min(described["train_clips_per_class"].values()) > 0
