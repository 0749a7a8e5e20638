"""What a read error becomes: one line that names shard, record and offset."""

import pathlib
import shutil

import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import one_pass
from tfvssl.data import pipeline
from tfvssl.data import starts
from tfvssl.data.records import check
from tfvssl.data.records import damage
from tfvssl.data.records import payloads
from tfvssl.data.records import reader
from tfvssl.runtime import exit_codes

RGB, AUDIO = views.Modality.RGB, views.Modality.AUDIO
NARROW = views.RgbViewSpec(num_frames=2, image_size=8)
SOUND = views.AudioViewSpec(seconds=0.04)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.tiny_records(
    folder, num_clips=23, num_shards=11, num_frames=4
  )


@pytest.fixture(scope="module", name="records")
def _records(folder):
  return reader.open_records(folder, {RGB, AUDIO})


def _sample_views(clip, seed):
  start = starts.narrow_start(clip, NARROW, seed=seed)
  return {
    "narrow": clip_views.view(clip, NARROW, start, seed=seed, name="narrow"),
    "broad_audio": clip_views.view(
      clip, SOUND, start, seed=seed, name="broad_audio"
    ),
  }


def _place(clip, seed):
  del seed
  return {"place": views.View(sample_index=clip.sample_index)}


def _dataset(records):
  return pipeline.training_dataset(
    records,
    _place,
    modalities=records.modalities,
    seed=5,
    start_position=0,
    batch_size=2,
    shuffle_buffer=9,
  )


def _read_all(records):
  dataset = one_pass.dataset(
    records,
    _sample_views,
    modalities=records.modalities,
    seed=0,
    batch_size=4,
  )
  with pytest.raises(tf.errors.OpError) as caught:
    for _ in dataset:
      pass
  return check.explain_read_error(caught.value, records)


def test_damaged_record_is_named_with_shard_number_and_offset(folder, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  records = reader.open_records(copy, {RGB, AUDIO})
  path = copy / records.manifest.shards[3].file
  record = list(payloads.scan(path))[1]
  content = bytearray(path.read_bytes())
  content[record.offset + 500] ^= 4
  path.write_bytes(bytes(content))
  text = _read_all(records)
  assert text.startswith(
    f"{path}: record 1 at byte {record.offset}: its checksum"
  )
  assert "python -m tfvssl inspect --records=" in text
  assert "\n" not in text


def test_shard_that_was_cut_at_a_record_after_the_start_is_an_error(
  folder, tmp_path
):
  """TensorFlow alone would see nothing but an end of the file."""
  copy = shutil.copytree(folder, tmp_path / "copy")
  records = reader.open_records(copy, {RGB, AUDIO})
  path = copy / records.manifest.shards[3].file
  record = list(payloads.scan(path))[1]
  path.write_bytes(path.read_bytes()[: record.offset])
  assert f"{path}: 1 whole records instead of 2" in _read_all(records)


def test_missing_shard_during_the_run_is_named(folder, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  records = reader.open_records(copy, {RGB, AUDIO})
  name = records.manifest.shards[3].file
  (copy / name).unlink()
  assert f"{name} is missing" in _read_all(records)


def test_error_that_is_not_the_records_fault_keeps_its_message(records):
  error = tf.errors.InvalidArgumentError(None, None, "first line\nsecond")
  text = check.explain_read_error(error, records)
  assert text.endswith("a clip could not be read: first line")


def test_explained_error_is_one_line_and_exit_code_3(folder, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  records = reader.open_records(copy, {RGB, AUDIO})
  path = copy / records.manifest.shards[3].file
  record = list(payloads.scan(path))[1]
  content = bytearray(path.read_bytes())
  content[record.offset + 500] ^= 4
  path.write_bytes(bytes(content))
  with pytest.raises(exit_codes.UserError) as caught:
    with damage.explained(records):
      list(_dataset(records).take(30))
  assert caught.value.exit_code == exit_codes.DATA
  assert str(caught.value).startswith(
    f"{path}: record 1 at byte {record.offset}: its checksum"
  )
  assert isinstance(caught.value.__cause__, tf.errors.DataLossError)


@pytest.mark.parametrize(
  "error",
  [
    tf.errors.ResourceExhaustedError(None, None, "no memory"),
    exit_codes.UserError(exit_codes.NUMERICAL, "not finite"),
    RuntimeError("a bug"),
  ],
)
def test_errors_that_are_not_of_the_data_are_not_explained(records, error):
  with pytest.raises(type(error)) as caught:
    with damage.explained(records):
      raise error
  assert caught.value is error


def test_picture_that_only_decoding_finds_broken_is_named(tmp_path):
  encoded = [record_fixture.make_clip(seed, num_frames=3) for seed in range(3)]
  picture = bytearray(encoded[2].frames[1])
  picture[picture.index(b"\xff\xdb") + 1] = 0xD0  # no quantisation table
  encoded[2].frames[1] = bytes(picture)
  record_fixture.write_records(tmp_path, encoded, num_shards=1)
  records = reader.open_records(tmp_path, {RGB})
  one = views.RgbViewSpec(num_frames=3, frame_step=1, image_size=8)

  def sample_views(clip, seed):
    start = tf.constant(0)
    return {"a": clip_views.view(clip, one, start, seed=seed, name="a")}

  dataset = one_pass.dataset(
    records, sample_views, modalities={RGB}, seed=0, batch_size=1
  )
  with pytest.raises(exit_codes.UserError) as caught:
    with damage.explained(records):
      list(dataset)
  shard = tmp_path / records.manifest.shards[0].file
  offset = list(payloads.scan(shard))[2].offset
  assert str(caught.value) == (
    f"{records.paths[0]}: record 2 at byte {offset}: image/encoded 1 of 3"
    " cannot be decoded; prepare the records again, or leave the clip out."
  )


def test_picture_with_a_forged_size_is_named_and_not_decoded(tmp_path):
  encoded = [record_fixture.make_clip(0, num_frames=2)]
  for number, frame in enumerate(encoded[0].frames):
    picture = bytearray(frame)
    begin = picture.index(b"\xff\xc0") + 5  # height and width of the frame
    picture[begin : begin + 4] = (60_000).to_bytes(2, "big") * 2
    encoded[0].frames[number] = bytes(picture)
  record_fixture.write_records(tmp_path, encoded, num_shards=1)
  records = reader.open_records(tmp_path, {RGB})
  error = tf.errors.InvalidArgumentError(None, None, "any")
  assert "image/encoded 0 of 2 has 60000x60000 pixels, more than 9437184" in (
    check.explain_read_error(error, records)
  )


def test_damage_of_the_second_records_is_found(records, folder, tmp_path):
  damaged = pathlib.Path(shutil.copytree(folder, tmp_path / "second"))
  shard = sorted(damaged.glob("*.tfrecord*"))[0]
  content = bytearray(shard.read_bytes())
  content[len(content) // 2] ^= 0xFF
  second = reader.open_records(damaged, {RGB, AUDIO})
  shard.write_bytes(content)
  message = check.explain_read_error(ValueError("x"), records, second)
  assert str(shard) in message and "--verify" in message
  whole = check.explain_read_error(ValueError("x"), records, records)
  assert "are what the manifest says" in whole
