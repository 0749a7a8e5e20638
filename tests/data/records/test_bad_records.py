"""Exactly the bad records are found, and exactly they are left out."""

import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import one_pass
from tfvssl.data import pipeline
from tfvssl.data.records import bad_records
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import payloads
from tfvssl.data.records import reader

RGB = views.Modality.RGB
NARROW = views.RgbViewSpec(num_frames=2, image_size=8)
# Of 14 clips, dealt to three shards; 12 is the last one of shard 0.
BAD = {0: [0, 4], 1: [1, 2], 2: [0, 1, 2, 3]}
LEFT_OUT = {0, 12, 4, 7, 2, 5, 8, 11}


@pytest.fixture(scope="module", name="whole")
def _whole(tmp_path_factory):
  folder = tmp_path_factory.mktemp("whole")
  clips = [record_fixture.make_clip(seed, num_frames=3) for seed in range(14)]
  return record_fixture.write_records(folder, clips)


@pytest.fixture(scope="module", name="damaged")
def _damaged(whole, tmp_path_factory):
  """A copy with a bit of each record of BAD flipped: context, picture, sum."""
  folder = tmp_path_factory.mktemp("damaged") / "records"
  shutil.copytree(whole, folder)
  for shard, numbers in BAD.items():
    path = _shard(folder, shard)
    records = list(payloads.scan(path))
    ends = [record.offset for record in records[1:]] + [path.stat().st_size]
    content = bytearray(path.read_bytes())
    for place, number in enumerate(numbers):
      begin, end = records[number].offset + 12, ends[number] - 4
      content[(begin + 30, (begin + end) // 2, end)[place % 3]] ^= 16
    path.write_bytes(content)
  return folder


def _shard(folder, number):
  return pathlib.Path(folder) / f"clips-{number:05d}-of-00003.tfrecord"


def _find(folder):
  manifest = manifest_lib.load_manifest(folder)
  return bad_records.find(folder, manifest, manifest.shards)


@pytest.fixture(scope="module", name="records")
def _records(damaged):
  bad = bad_records.by_shard(_find(damaged))
  return reader.open_for_views(damaged, [NARROW], bad=bad)


def test_each_bad_record_is_found_with_its_place_and_clip(whole, damaged):
  found = _find(damaged)
  places = [(int(r.shard[6:11]), r.number) for r in found]
  assert places == [(s, number) for s in BAD for number in BAD[s]]
  second = found[1]
  last = list(payloads.scan(_shard(whole, 0)))[4]
  assert second == bad_records.BadRecord(
    "clips-00000-of-00003.tfrecord",
    4,
    last.offset,
    _shard(whole, 0).stat().st_size,
    "down/clip012.mp4",
    "its checksum does not match",
  )
  assert second.describe() == (
    f"clips-00000-of-00003.tfrecord: record 4 at byte {last.offset} (clip"
    " 'down/clip012.mp4'): its checksum does not match"
  )
  assert _find(whole) == []


def test_record_that_is_whole_but_wrong_is_bad(tmp_path):
  clips = [record_fixture.make_clip(seed, num_frames=3) for seed in range(4)]
  clips[2].frames[1] = clips[2].frames[1][:-20]
  clips[1].label_index = 9
  folder = record_fixture.write_records(tmp_path, clips, num_shards=1)
  with_junk = folder / "clips-00000-of-00001.tfrecord"
  stored = [record.payload for record in payloads.scan(with_junk)]
  record_fixture.write_payloads(with_junk, [*stored[:3], b"\xff" * 50])
  assert [(r.number, r.clip_id, r.problem) for r in _find(folder)] == [
    (
      1,
      "right/clip001.mp4",
      "`clip/label/index` holds 9, not -1 alone or 0 to 1",
    ),
    (2, "down/clip002.mp4", "image/encoded 1 of 3 is not a whole image"),
    (3, "", "it is no SequenceExample"),
  ]


def _sample_views(clip, seed):
  start = tf.constant(0)
  return {"a": clip_views.view(clip, NARROW, start, seed=seed, name="a")}


def _read(records):
  dataset = one_pass.dataset(
    records, _sample_views, modalities={RGB}, seed=0, batch_size=1
  )
  return {
    int(batch["a"].sample_index[0]): batch["a"].video.numpy()
    for batch in dataset
  }


def test_exactly_the_bad_ones_are_left_out(whole, records):
  assert records.usable_count == 14 - len(LEFT_OUT)
  assert records.skipped == {"rgb": 0}
  expected = _read(reader.open_for_views(whole, [NARROW]))
  found = _read(records)
  # A sample_index counts the clips shard by shard.
  order = [*range(0, 14, 3), *range(1, 14, 3), *range(2, 14, 3)]
  left_out = {place for place, clip in enumerate(order) if clip in LEFT_OUT}
  assert found.keys() == expected.keys() - left_out
  for index, video in found.items():
    np.testing.assert_array_equal(video, expected[index])


def test_without_that_the_folder_is_refused_as_ever(damaged):
  with pytest.raises(ValueError, match="is not what its manifest.json says"):
    reader.open_for_views(damaged, [NARROW])


def _order(records, start, count):
  dataset = pipeline.training_dataset(
    records,
    lambda clip, seed: {"a": clip.sample_index},
    modalities={RGB},
    seed=3,
    start_position=start,
    batch_size=1,
    shuffle_buffer=4,
  )
  return [int(batch["a"][0]) for batch in dataset.take(count)]


def test_order_begins_anywhere_and_has_each_clip_once(records):
  count = records.usable_count
  order = _order(records, 0, 3 * count)
  for epoch in range(3):
    passed = sorted(order[epoch * count : (epoch + 1) * count])
    assert passed == np.flatnonzero(records.usable).tolist()
  for start in (1, count - 1, count + 2):
    assert _order(records, start, 3 * count - start) == order[start:]


def test_damage_that_comes_later_is_still_an_error(damaged, tmp_path):
  copy = shutil.copytree(damaged, tmp_path / "copy")
  bad = bad_records.by_shard(_find(copy))
  records = reader.open_for_views(copy, [NARROW], bad=bad)
  path = _shard(copy, 1)
  last = list(payloads.scan(path))[4]
  content = bytearray(path.read_bytes())
  content[last.offset + 300] ^= 1
  path.write_bytes(content)
  with pytest.raises(tf.errors.DataLossError):
    _read(records)
  path.write_bytes(content[: last.offset])
  with pytest.raises(tf.errors.FailedPreconditionError):
    _read(records)


def test_clips_that_lack_something_are_told_apart(tmp_path, caplog):
  clips = [record_fixture.make_clip(seed, num_frames=3) for seed in range(4)]
  clips[3] = record_fixture.make_clip(3, num_frames=3, modalities=("audio",))
  folder = record_fixture.write_records(tmp_path, clips, num_shards=1)
  path = folder / "clips-00000-of-00001.tfrecord"
  content = bytearray(path.read_bytes())
  content[50] ^= 1
  path.write_bytes(content)
  bad = bad_records.by_shard(_find(folder))
  with caplog.at_level("WARNING"):
    records = reader.open_for_views(folder, [NARROW], bad=bad)
  assert records.usable.tolist() == [False, True, True, False]
  assert caplog.messages == [
    f"{folder}: 1 of 4 clips are not used (1 lack rgb): right/clip003.mp4"
  ]


def test_bad_records_and_lacking_ones_leave_no_clip(tmp_path):
  clips = [record_fixture.make_clip(0, num_frames=3)]
  clips.append(record_fixture.make_clip(1, num_frames=3, modalities=("audio",)))
  folder = record_fixture.write_records(tmp_path, clips, num_shards=1)
  end = list(payloads.scan(next(folder.glob("*.tfrecord"))))[1].offset
  bad = {"clips-00000-of-00001.tfrecord": {0: end}}
  with pytest.raises(ValueError, match="of 1 clips 0 hold rgb. Choose views"):
    reader.open_for_views(folder, [NARROW], bad=bad)


def test_first_record_that_counts_is_named(tmp_path):
  clips = [record_fixture.make_clip(seed, num_frames=3) for seed in range(3)]
  folder = record_fixture.write_records(tmp_path, clips, num_shards=1)
  path = folder / "clips-00000-of-00001.tfrecord"
  stored = [record.payload for record in payloads.scan(path)]
  manifest = manifest_lib.load_manifest(folder)
  other = b"0" * len(manifest.config_hash)
  stored[1] = stored[1].replace(manifest.config_hash.encode(), other)
  record_fixture.write_payloads(path, stored)
  end = list(payloads.scan(path))[1].offset
  with pytest.raises(ValueError, match="record 1: it was prepared with anothe"):
    reader.open_for_views(folder, [NARROW], bad={path.name: {0: end}})
