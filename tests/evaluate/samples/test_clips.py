"""Labels are compared by name; overlap of the two sides is found."""

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.data.records import payloads
from tfvssl.data.records import reader
from tfvssl.evaluate.samples import clips
from tfvssl.runtime import exit_codes


def _clip(name, digest=None, source=None):
  return clips.ClipInfo(
    0, name, source or name, (0,), name if digest is None else digest
  )


def _records(folder, encoded):
  record_fixture.write_records(folder, encoded, num_shards=2)
  return reader.open_records(folder, {views.Modality.RGB})


def _four_clips():
  encoded = [
    grey_records.grey_clip(f"id {number}", number % 2, [9] * 3)
    for number in range(4)
  ]
  for number, clip in enumerate(encoded):
    clip.path = f"{number // 2}.mp4"
  return encoded


def test_clips_are_read_in_the_order_of_the_folder(tmp_path):
  encoded = _four_clips()
  encoded.insert(
    1, record_fixture.make_clip(7, num_frames=3, modalities=("audio",))
  )
  found = clips.read_clips(_records(tmp_path, encoded))
  # Round-robin over two shards; the one without pictures is left out.
  assert [clip.clip_id for clip in found] == ["id 0", "id 1", "id 3", "id 2"]
  assert [clip.source for clip in found] == ["0.mp4", "0.mp4", "1.mp4", "1.mp4"]
  assert [clip.sample_index for clip in found] == [0, 1, 2, 4]
  assert [clip.labels for clip in found] == [(0,), (1,), (1,), (0,)]
  assert len({clip.digest for clip in found}) == 1  # equal pictures


def test_restricted_records_hold_the_chosen_clips(tmp_path):
  records = _records(tmp_path, _four_clips())
  found = clips.read_clips(records)
  part, chosen = clips.restrict(
    records, found, np.array([True, False, False, True])
  )
  assert [clip.clip_id for clip in chosen] == ["id 0", "id 3"]
  assert clips.read_clips(part) == chosen
  assert part.usable_count == 2
  assert records.usable_count == 4


def test_damaged_record_ends_in_one_line_with_shard_and_record(tmp_path):
  records = _records(tmp_path, _four_clips())
  path = tmp_path / records.manifest.shards[1].file
  record = list(payloads.scan(path))[1]
  content = bytearray(path.read_bytes())
  content[record.offset + 200] ^= 4
  path.write_bytes(bytes(content))
  with pytest.raises(exit_codes.UserError) as caught:
    clips.read_clips(records)
  assert caught.value.exit_code == exit_codes.DATA
  assert str(caught.value).startswith(
    f"{path}: record 1 at byte {record.offset}: its checksum"
  )


@pytest.mark.parametrize(
  ("payload", "reason"),
  [
    (b"no message", "Error parsing message"),
    (tf.train.SequenceExample().SerializeToString(), "clip/id has 0 values"),
  ],
)
def test_record_of_another_kind_is_named(tmp_path, payload, reason):
  records = _records(tmp_path, _four_clips())
  path = tmp_path / records.manifest.shards[1].file
  first = list(payloads.scan(path))[0].payload
  record_fixture.write_payloads(path, [first, payload])
  with pytest.raises(
    ValueError, match=rf"record 1 is not a clip of this schema \({reason}"
  ):
    clips.read_clips(records)


def test_labels_are_matched_by_name():
  train, test = ["run", "walk"], ["jump", "run"]
  common = clips.common_classes(train, test)
  assert common == ["run", "walk", "jump"]
  labels = clips.renumber(np.array([0, 1, -1]), test, common)
  np.testing.assert_array_equal(labels, [2, 0, -1])


def _with_labels(*labels):
  return [
    _clip(f"{number}.mp4")._replace(labels=own)
    for number, own in enumerate(labels)
  ]


def test_all_labels_of_a_record_are_read(tmp_path):
  encoded = _four_clips()
  encoded[1].other_label_indices = (0,)
  encoded[2].label_index = -1
  record_fixture.write_records(tmp_path, encoded, num_shards=1)
  records = reader.open_records(tmp_path, {views.Modality.RGB})
  found = clips.read_clips(records)
  assert [clip.labels for clip in found] == [(0,), (1, 0), (), (1,)]


def test_rows_of_labels_are_filled_up():
  rows = clips.label_rows(_with_labels((2, 0), (), (1,)))
  assert rows.tolist() == [[2, 0], [-1, -1], [1, -1]]
  assert clips.label_rows(_with_labels((), ())).tolist() == [[-1], [-1]]
  np.testing.assert_array_equal(
    clips.renumber(rows, ["a", "b", "c"], ["c", "b", "a"]),
    [[0, 2], [-1, -1], [1, -1]],
  )


def test_clip_of_several_labels_is_named_with_the_remedy():
  with pytest.raises(
    ValueError, match="clip '1.mp4' of train has 2 labels; .* --protocol=mlp"
  ):
    clips.check_single_labels(_with_labels((1,), (0, 1), (0, 1)), "train")
  clips.check_single_labels(_with_labels((1,), ()), "train")


def test_equal_content_under_another_name_is_leakage():
  train = [_clip("train/a.mp4", digest="x"), _clip("train/b.mp4")]
  test = [_clip("test/c.mp4", digest="x"), _clip("test/d.mp4")]
  with pytest.raises(
    ValueError,
    match="split 2: 1 test clips are also .*'test/c.mp4' = 'train/a.mp4'",
  ):
    clips.check_leakage(train, test, "split 2", same_paths_differ=True)


def test_other_parts_of_a_training_file_are_leakage():
  # Ids of a csv need not tell the file.
  train = [_clip("first", source="a.mp4"), _clip("b.mp4")]
  test = [_clip("second", source="a.mp4")]
  with pytest.raises(
    ValueError, match=r"come from 1 same paths \('a.mp4'\).*same_paths_differ"
  ):
    clips.check_leakage(train, test, "split 1")
  clips.check_leakage(train, test, "split 1", same_paths_differ=True)


def test_a_long_list_of_overlap_is_cut():
  names = [_clip(f"{number}.mp4") for number in range(9)]
  with pytest.raises(ValueError, match="and 6 more"):
    clips.check_leakage(names, names, "split 1")


def test_separate_files_pass():
  clips.check_leakage([_clip("a.mp4")], [_clip("b.mp4")], "split 1")
