import dataclasses
import gzip
import json
import shutil
import struct

import numpy as np
import pytest

from tests.data import record_fixture
from tfvssl import views
from tfvssl.config import sound
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import payloads
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.data.records import shard_files
from tfvssl.data.records import skipped

RGB, AUDIO = views.Modality.RGB, views.Modality.AUDIO
FLOW, SPECTROGRAM = views.Modality.FLOW, views.Modality.SPECTROGRAM


@pytest.fixture(scope="module", name="source")
def _source(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.tiny_records(folder, num_clips=7, num_frames=3)


@pytest.fixture(name="folder")
def _folder(source, tmp_path):
  """A copy that a test may damage."""
  return shutil.copytree(source, tmp_path / "records")


def _open(folder, *modalities):
  return reader.open_records(folder, set(modalities or (RGB,)))


def _refusal(folder):
  with pytest.raises(ValueError, match="is not what its manifest.json says"):
    _open(folder)
  with pytest.raises(ValueError) as caught:
    _open(folder)
  assert "\n" not in str(caught.value)
  return str(caught.value)


def _shards(folder):
  return sorted(folder.glob("*.tfrecord"))


def _edit_manifest(folder, change):
  path = folder / manifest_lib.MANIFEST_NAME
  tree = json.loads(path.read_text())
  change(tree)
  path.write_text(json.dumps(tree))


def test_all_clips_of_one_modality_are_usable(source):
  records = _open(source, RGB)
  assert records.usable.tolist() == [True] * 7
  assert records.usable_count == 7
  assert records.classes == record_fixture.CLASSES
  assert records.skipped == {"rgb": 0}
  assert records.offsets.tolist() == [0, 3, 5]
  assert records.rates["image/frame_rate_hz"] == 25.0


def test_clips_without_sound_are_counted_and_named(source, caplog):
  with caplog.at_level("WARNING"):
    records = _open(source, RGB, AUDIO)
  # Clip 6 lacks sound; shard 0 holds clips 0, 3, 6.
  assert records.usable.tolist() == [True, True, False] + [True] * 4
  assert records.skipped == {"rgb": 0, "audio": 1}
  assert skipped.ids(records.usable_by_shard()) == ["down/clip006.mp4"]
  assert (
    skipped.describe(records.folder, records.usable_by_shard(), records.skipped)
    in caplog.text
  )
  assert "1 of 7 clips are not used (1 lack audio): down/clip006.mp4" in (
    caplog.text
  )


def test_no_more_clips_are_named_than_asked_for(source):
  records = _open(source, RGB)
  records.usable[:] = False
  assert len(skipped.ids(records.usable_by_shard(), limit=2)) == 2
  assert len(skipped.ids(records.usable_by_shard())) == 7


def test_no_usable_clip_is_an_error(source):
  with pytest.raises(
    ValueError,
    match=r"no clip of .* flow, rgb: of 7 clips "
    r"0 hold flow; 7 hold rgb.*--modalities=flow,rgb",
  ):
    _open(source, RGB, FLOW)


def test_hosts_divide_the_shards(source):
  records = _open(source, RGB, AUDIO)
  assert records.usable_per_shard().tolist() == [2, 2, 2]
  assert records.shards_for_host(0, 2).tolist() == [0, 2]
  assert records.shards_for_host(1, 2).tolist() == [1]
  assert records.usable_for_host(0, 2) == 4
  assert records.usable_for_host(1, 2) == 2


def test_fewer_shards_than_hosts_is_an_error(source):
  with pytest.raises(ValueError, match="3 shards .* fewer than the 4 hosts"):
    _open(source).shards_for_host(0, 4)


def test_folder_of_record_folders_names_them(tmp_path):
  record_fixture.tiny_records(tmp_path / "train")
  with pytest.raises(FileNotFoundError, match="in its folders train; name one"):
    manifest_lib.load_manifest(tmp_path)


def test_missing_manifest(tmp_path):
  with pytest.raises(FileNotFoundError, match="tfvssl prepare"):
    _open(tmp_path)


def test_missing_shard(folder):
  path = _shards(folder)[1]
  path.unlink()
  assert f"{path.name} is missing" in _refusal(folder)


def test_renamed_shard(folder):
  path = _shards(folder)[1]
  path.rename(folder / "clips-00009-of-00010.tfrecord")
  text = _refusal(folder)
  assert f"{path.name} is missing" in text
  assert "clips-00009-of-00010.tfrecord is not in the manifest" in text


def test_extra_shard(folder):
  shutil.copy(_shards(folder)[0], folder / "other-00000-of-00001")
  assert "other-00000-of-00001 is not in the manifest" in _refusal(folder)


def test_other_files_beside_the_shards_are_fine(folder):
  (folder / "report.json").write_text("{}")
  (folder / "quarantine.csv").write_text("path,reason,detail\n")
  assert _open(folder).usable_count == 7


def test_empty_shard(folder):
  path = _shards(folder)[2]
  path.write_bytes(b"")
  assert f"{path.name} is empty" in _refusal(folder)


def test_shard_that_is_a_directory(folder):
  path = _shards(folder)[2]
  path.unlink()
  path.mkdir()
  assert f"{path.name} is a directory" in _refusal(folder)


def test_shard_of_another_size(folder):
  path = _shards(folder)[0]
  size = path.stat().st_size
  path.write_bytes(path.read_bytes()[:-1])
  assert f"has {size - 1} bytes instead of {size}" in _refusal(folder)


def test_all_differences_are_in_one_message(folder):
  first, second, third = _shards(folder)
  first.unlink()
  second.write_bytes(b"")
  text = _refusal(folder)
  assert first.name in text
  assert second.name in text
  assert third.name not in text


def test_many_differences_are_cut_short(folder):
  for number in range(30):
    (folder / f"extra-{number:05d}-of-00030").write_bytes(b"")
  assert "; and 10 more." in _refusal(folder)


def test_manifest_that_contradicts_itself(folder):
  def change(tree):
    tree["clip_count"] = 9
    tree["shards"][0]["modalities"].pop()

  _edit_manifest(folder, change)
  text = _refusal(folder)
  assert "its shards hold 7 clips, not 9" in text
  assert "lists 2 clips but counts 3" in text


def test_other_schema_version_in_the_manifest(folder):
  _edit_manifest(folder, lambda tree: tree.update(schema_version=99))
  with pytest.raises(ValueError, match="schema version 99"):
    _open(folder)


def _replace_shard(folder, number, content):
  """Puts other bytes into a shard, with a manifest that knows their size."""
  path = _shards(folder)[number]
  path.write_bytes(content)
  _edit_manifest(
    folder, lambda tree: tree["shards"][number].update(bytes=len(content))
  )
  return path


def _other_records(tmp_path, **clip):
  """Returns a shard of three clips of another preparation."""
  clips = [
    dataclasses.replace(record_fixture.make_clip(seed, num_frames=3), **clip)
    for seed in range(3)
  ]
  config = {"frame_rate_hz": clip.get("frame_rate_hz", 25.0), "other": True}
  other = record_fixture.write_records(
    tmp_path / "other", clips, num_shards=1, config=config
  )
  return _shards(other)[0].read_bytes()


def test_shard_of_another_preparation(folder, tmp_path):
  path = _replace_shard(folder, 0, _other_records(tmp_path, frame_rate_hz=12.5))
  text = _refusal(folder)
  assert f"{path.name} record 0: it was prepared with another" in text
  assert "image/frame_rate_hz is 25 in" in text
  assert "but 12.5 in" in text


def test_records_of_another_schema_version(folder, tmp_path, monkeypatch):
  monkeypatch.setattr(schema, "SCHEMA_VERSION", 99)
  content = _other_records(tmp_path)
  monkeypatch.undo()
  _replace_shard(folder, 0, content)
  assert "record 0: schema version 99, not 2" in _refusal(folder)


def test_compressed_shard(folder):
  content = gzip.compress(_shards(folder)[1].read_bytes())
  _replace_shard(folder, 1, content)
  assert "record 0 at byte 0: it is compressed with GZIP" in _refusal(folder)


def test_shard_of_something_else(folder):
  _replace_shard(folder, 1, b"\xff" * 500)
  assert "the checksum of its length does not match" in _refusal(folder)


def test_record_that_is_no_example(folder, tmp_path):
  path = tmp_path / "one.tfrecord"
  record_fixture.write_payloads(path, [b"\xff" * 100] * 2)
  _replace_shard(folder, 1, path.read_bytes())
  assert "record 0: it is no SequenceExample" in _refusal(folder)


def test_another_frame_rate_is_refused(source):
  with pytest.raises(
    ValueError, match="`image/frame_rate_hz` 25 but the config asks for 12.5"
  ):
    reader.open_for_views(source, [views.RgbViewSpec(record_rate_hz=12.5)])


def test_frame_rate_does_not_matter_for_sound(tmp_path):
  clips = [record_fixture.make_clip(seed, num_frames=2) for seed in range(2)]
  for clip in clips:
    clip.frame_rate_hz = 12.5
  folder = record_fixture.write_records(tmp_path, clips, num_shards=1)
  assert (
    reader.open_for_views(folder, [views.AudioViewSpec()]).usable_count == 2
  )


SOUND = views.AudioViewSpec()


def test_sound_without_packed_spectrogram_is_read_as_waveform(source):
  manifest = manifest_lib.load_manifest(source)
  assert reader.modalities_for(SOUND, manifest) == {AUDIO}
  assert reader.modalities_for(views.RgbViewSpec(), manifest) == {RGB}
  assert reader.modalities_for(views.FlowViewSpec(), manifest) == {FLOW}


def test_packed_spectrogram_is_used_only_if_it_is_the_one_asked_for(tmp_path):
  folder = record_fixture.tiny_records(
    tmp_path,
    num_clips=3,
    num_frames=3,
    modalities=("rgb", "audio", "spectrogram"),
  )
  manifest = manifest_lib.load_manifest(folder)
  assert reader.modalities_for(SOUND, manifest) == {SPECTROGRAM}
  other = views.AudioViewSpec(spectrogram=sound.SpectrogramSpec(num_mels=40))
  assert reader.modalities_for(other, manifest) == {AUDIO}


def test_view_of_unknown_kind_is_an_error(source):
  with pytest.raises(TypeError, match="must be RgbViewSpec, .* not ViewSpec"):
    reader.modalities_for(views.ViewSpec(), manifest_lib.load_manifest(source))


def test_open_for_views_asks_for_what_they_need(source):
  records = reader.open_for_views(source, [views.RgbViewSpec(), SOUND])
  assert records.modalities == {RGB, AUDIO}
  assert records.usable_count == 6


def test_another_sample_rate_is_refused(source):
  spec = views.AudioViewSpec(
    spectrogram=sound.SpectrogramSpec(sample_rate_hz=16_000)
  )
  with pytest.raises(ValueError, match="sample_rate_hz` 48000 .* 16000"):
    reader.open_for_views(source, [spec])


def test_another_bound_of_flow_is_refused(tmp_path):
  folder = record_fixture.tiny_records(
    tmp_path, num_clips=3, num_frames=2, modalities=("rgb", "flow")
  )
  specs = [views.RgbViewSpec(), views.FlowViewSpec(resize_short_side=48)]
  assert reader.open_for_views(folder, specs).usable_count == 2
  specs[1].bound_px = 10.0
  with pytest.raises(ValueError, match="`flow/bound_px` 20 .* asks for 10"):
    reader.open_for_views(folder, specs)


def test_flow_of_another_size_is_refused(tmp_path):
  folder = record_fixture.tiny_records(
    tmp_path, num_clips=3, num_frames=2, modalities=("rgb", "flow")
  )
  with pytest.raises(
    ValueError,
    match=(
      r"`resize_short_side` \(128\) of a flow view must be the short side of"
      r" the flow in .* \(48\); set it to 48, or .* --flow_short_side=128"
    ),
  ):
    reader.open_for_views(folder, [views.FlowViewSpec()])


def test_another_packed_spectrogram_without_sound_is_named(tmp_path):
  folder = record_fixture.tiny_records(
    tmp_path, num_clips=3, num_frames=3, modalities=("rgb", "spectrogram")
  )
  other = views.AudioViewSpec(spectrogram=sound.SpectrogramSpec(num_mels=40))
  assert reader.open_for_views(folder, [SOUND]).usable_count == 2
  with pytest.raises(
    ValueError,
    match=(
      r"`spectrogram` \(num_mels 80 instead of 40\), and there is no sound .*"
      r" use the packed settings, or .* audio among the --modalities"
    ),
  ):
    reader.open_for_views(folder, [other])


WAVEFORM = views.WaveformViewSpec()
TEXT = views.TextViewSpec(vocabulary="words.txt")


@pytest.fixture(scope="module", name="captioned")
def _captioned(tmp_path_factory):
  """Five clips with pictures; 1 and 3 have captions, 4 has no sound."""
  clips = [
    record_fixture.make_clip(
      seed,
      num_frames=3,
      modalities=("rgb",) if seed == 4 else ("rgb", "audio"),
      captions=[("words", 0.0, 0.1)] if seed % 2 else [],
    )
    for seed in range(5)
  ]
  folder = tmp_path_factory.mktemp("captioned")
  return record_fixture.write_records(folder, clips, num_shards=2)


def test_views_that_may_be_absent_ask_for_waveform_and_captions(captioned):
  manifest = manifest_lib.load_manifest(captioned)
  assert reader.modalities_for(WAVEFORM, manifest) == {AUDIO}
  assert reader.modalities_for(TEXT, manifest) == {views.Modality.TEXT}


def test_clips_may_lack_what_is_optional(captioned, caplog):
  specs = [views.RgbViewSpec(), WAVEFORM, TEXT]
  with caplog.at_level("INFO", logger="absl"):
    records = reader.open_for_views(captioned, specs)
  assert records.usable_count == 5
  assert records.modalities == {RGB, AUDIO, views.Modality.TEXT}
  assert records.absent == {"audio": 1, "text": 3}
  assert records.skipped == {"rgb": 0}
  assert (
    f"{captioned}: of 5 usable clips 1 lack audio, 3 lack text; zeros stand"
    " for it" in caplog.text
  )


def test_what_another_view_needs_is_not_optional(captioned):
  specs = [views.RgbViewSpec(), SOUND, WAVEFORM, TEXT]
  records = reader.open_for_views(captioned, specs)
  assert records.usable.sum() == 4
  assert records.skipped == {"audio": 1, "rgb": 0}
  assert records.absent == {"text": 2}


def test_optional_views_alone_need_one_clip_that_has_them(captioned):
  records = reader.open_for_views(captioned, [TEXT])
  assert records.usable_count == 5
  assert records.absent == {"text": 3}


def test_no_clip_with_what_is_optional_is_an_error(source, tmp_path):
  with pytest.raises(
    ValueError,
    match=(
      r"none of the 7 usable clips of .* holds text; leave its view out, or"
      r" prepare the videos with captions \(--captions, or the column"
      r" `caption` of the csv\)\.$"
    ),
  ):
    reader.open_for_views(source, [views.RgbViewSpec(), TEXT])
  folder = record_fixture.tiny_records(
    tmp_path, num_clips=2, num_frames=2, modalities=("rgb", "spectrogram")
  )
  with pytest.raises(
    ValueError, match="holds audio; .* with audio among the --modalities"
  ):
    reader.open_for_views(folder, [views.RgbViewSpec(), WAVEFORM])


def test_second_records_may_lack_it_altogether(source):
  records = reader.open_for_views(
    source, [views.RgbViewSpec(), TEXT], may_lack_all=True
  )
  assert records.modalities == {RGB, views.Modality.TEXT}
  assert records.usable_count == 7


def test_another_sample_rate_of_the_waveform_is_refused(captioned):
  spec = views.WaveformViewSpec(
    spectrogram=sound.SpectrogramSpec(sample_rate_hz=16_000)
  )
  with pytest.raises(ValueError, match="sample_rate_hz` 48000 .* 16000"):
    reader.open_for_views(captioned, [spec])


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda tree: tree.update(config_hash=3), "`config_hash` holds 3, not str"),
    (lambda tree: tree.update(config=[]), r"`config` holds \[\], not dict"),
    (
      lambda tree: tree["shards"][0].update(bytes="9"),
      "`bytes` holds '9', not int",
    ),
    (
      lambda tree: tree["shards"][0].update(modalities=[None] * 3),
      "`modalities` holds None, not str",
    ),
    (
      lambda tree: tree["shards"][0].update(file="../../etc/passwd"),
      r"`file` \('../../etc/passwd'\) is not a plain file name",
    ),
  ],
)
def test_manifest_of_wrong_kinds_is_refused(folder, change, message):
  _edit_manifest(folder, change)
  with pytest.raises(ValueError, match=f"cannot be used: {message}"):
    _open(folder)


def test_usable_clips_per_shard_with_an_empty_shard(tmp_path):
  clips = [record_fixture.make_clip(seed, num_frames=2) for seed in range(2)]
  folder = record_fixture.write_records(tmp_path, clips, num_shards=3)
  records = _open(folder, RGB)
  np.testing.assert_array_equal(records.usable_per_shard(), [1, 1, 0])
  assert records.shards_for_host(0, 1).tolist() == [0, 1]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_forged_length_of_any_record_never_reaches_tensorflow(folder, number):
  # TensorFlow takes memory for what a header claims if its checksum is right.
  shard = _shards(folder)[0]
  offset = list(payloads.scan(shard))[number].offset
  length = struct.pack("<Q", 1 << 40)
  content = bytearray(shard.read_bytes())
  content[offset : offset + 12] = length + struct.pack(
    "<I", shard_files.masked_crc32c(length)
  )
  shard.write_bytes(content)
  room = len(content) - offset - 16
  assert (
    f"{shard}: record {number} at byte {offset}: it claims {1 << 40} bytes,"
    f" the file has {room}"
  ) in _refusal(folder)


def test_shard_with_another_number_of_records_is_named(folder):
  def change(tree):
    tree["shards"][0]["record_count"] = 2
    tree["shards"][0]["modalities"].pop()
    tree["clip_count"] -= 1

  _edit_manifest(folder, change)
  assert f"{_shards(folder)[0]}: 3 records instead of 2" in _refusal(folder)
