import pathlib
import random
import shutil
import struct

import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl.data.records import check
from tfvssl.data.records import contexts
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import payloads
from tfvssl.data.records import schema
from tfvssl.data.records import shard_files


@pytest.fixture(scope="module", name="source")
def _source(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.tiny_records(
    folder,
    num_clips=4,
    num_shards=2,
    num_frames=2,
    modalities=("rgb", "flow"),
  )


@pytest.fixture(name="folder")
def _folder(source, tmp_path):
  return shutil.copytree(source, tmp_path / "records")


def _shard(folder) -> pathlib.Path:
  return sorted(folder.glob("*.tfrecord"))[0]


def _small_shard(tmp_path):
  """Returns the path of 20 records of 1 to 96 bytes, and its content."""
  rng = random.Random(0)
  path = tmp_path / "small.tfrecord"
  record_fixture.write_payloads(
    path, [rng.randbytes(rng.randint(1, 96)) for _ in range(20)]
  )
  return path, path.read_bytes()


def _header(length: int) -> bytes:
  raw = struct.pack("<Q", length)
  return raw + struct.pack("<I", shard_files.masked_crc32c(raw))


def _check(path, content, records=20):
  """Returns the problems of a shard with other bytes than the manifest's.

  The sha256 is that of the damaged bytes, so that only the records' own
  checks are at work.
  """
  path.write_bytes(content)
  manifest = manifest_lib.Manifest(
    schema_version=2,
    clip_count=records,
    classes=[],
    config={},
    config_hash="",
    shards=[],
  )
  shard = manifest_lib.Shard(path.name, records, len(content), "", [])
  problems = check.verify_shard(path, shard, manifest)
  return [
    line
    for line in problems
    if "sha256" not in line
    and "no SequenceExample" not in line
    and "schema version" not in line
    and "configuration" not in line
  ]


def test_whole_folder_has_no_problem(source):
  assert check.verify(source) == []


def test_every_truncation_is_found(tmp_path):
  path, content = _small_shard(tmp_path)
  assert _check(path, content) == []
  for length in range(len(content)):
    assert _check(path, content[:length]), length


def test_every_bit_flip_is_found(tmp_path):
  path, content = _small_shard(tmp_path)
  rng = random.Random(1)
  for _ in range(600):
    place, bit = rng.randrange(len(content)), rng.randrange(8)
    damaged = bytearray(content)
    damaged[place] ^= 1 << bit
    problems = _check(path, bytes(damaged))
    assert problems, (place, bit)
    assert "record " in problems[0]
    assert "at byte" in problems[0]


def test_damaged_payload_hides_no_later_record(tmp_path):
  path, content = _small_shard(tmp_path)
  records = list(payloads.scan(path))
  damaged = bytearray(content)
  for number in (3, 11):
    damaged[records[number].offset + 12] ^= 1
  problems = _check(path, bytes(damaged))
  assert [line.split(": ", 1)[1] for line in problems] == [
    f"record 3 at byte {records[3].offset}: its checksum does not match",
    f"record 11 at byte {records[11].offset}: its checksum does not match",
    "18 whole records instead of 20",
  ]


@pytest.mark.parametrize("length", [2**34, 2**40, 2**63, 2**64 - 1])
def test_forged_length_is_refused_without_reading_it(tmp_path, length):
  path = tmp_path / "forged.tfrecord"
  problems = _check(path, _header(length) + b"x" * 50, records=1)
  assert f"it claims {length} bytes, the file has 46" in problems[0]


def test_cut_inside_a_header(tmp_path):
  path, content = _small_shard(tmp_path)
  problems = _check(path, content + b"12345")
  assert (
    f"record 20 at byte {len(content)}: the file ends after 5" in (problems[0])
  )


def test_length_that_looks_like_gzip_is_fine(tmp_path):
  path = tmp_path / "long.tfrecord"
  record_fixture.write_payloads(path, [bytes(0x8B1F)])
  assert path.read_bytes()[:2] == b"\x1f\x8b"
  assert _check(path, path.read_bytes(), records=1) == []


def test_beginnings_pass_over_payloads(tmp_path):
  path, _ = _small_shard(tmp_path)
  whole = [record.payload for record in payloads.scan(path)]
  found = list(shard_files.beginnings(path, 5))
  assert found == [(n, payload[:5]) for n, payload in enumerate(whole)]


def test_beginnings_of_a_damaged_shard_is_an_error(tmp_path):
  path, content = _small_shard(tmp_path)
  path.write_bytes(b"\xff" + content[1:])
  with pytest.raises(ValueError, match="checksum of its length"):
    list(shard_files.beginnings(path, 5))


def test_other_bytes_of_the_same_size_are_found_by_sha256(folder):
  path = _shard(folder)
  content = bytearray(path.read_bytes())
  content[100] ^= 1
  path.write_bytes(bytes(content))
  problems = check.verify(folder)
  assert f"{path}: its sha256 is not that of the manifest" in problems
  assert any("record 0 at byte 0: its checksum" in line for line in problems)


def test_missing_shard_is_listed(folder):
  _shard(folder).unlink()
  assert check.verify(folder) == [f"{_shard_name(folder)} is missing"]


def _shard_name(folder):
  return manifest_lib.load_manifest(folder).shards[0].file


def _rewrite(folder, change):
  """Applies `change` to the first shard's first example, checksums valid."""
  path = _shard(folder)
  stored = [record.payload for record in payloads.scan(path)]
  example = tf.train.SequenceExample.FromString(stored[0])
  change(example)
  stored[0] = example.SerializeToString(deterministic=True)
  record_fixture.write_payloads(path, stored)
  lines = check.verify(folder)
  return [
    line.split("record 0 at byte 0: ")[1]
    for line in lines
    if "record 0 at byte 0: " in line
  ]


def _frames(example, key="image/encoded"):
  return example.feature_lists.feature_list[key].feature


def test_other_modalities_than_the_manifest_says(folder):
  def change(example):
    del example.feature_lists.feature_list["flow/encoded"]

  assert _rewrite(folder, change) == [
    "it holds rgb, the manifest says flow+rgb"
  ]


def test_other_schema_version_and_configuration(folder):
  def change(example):
    feature = example.context.feature
    feature["schema_version"].int64_list.value[0] = 7
    feature["config_hash"].bytes_list.value[0] = b"other"

  assert _rewrite(folder, change) == [
    "schema version 7, not 2",
    "it was prepared with another configuration",
  ]


def test_half_a_jpeg_is_found(folder):
  def change(example):
    value = _frames(example)[1].bytes_list.value
    value[0] = value[0][: len(value[0]) // 2]

  assert _rewrite(folder, change) == [
    "image/encoded 1 of 2 is not a whole image"
  ]


def test_jpeg_without_size_is_found(folder):
  def change(example):
    _frames(example)[0].bytes_list.value[0] = b"\xff\xd8 nothing \xff\xd9"

  assert _rewrite(folder, change) == [
    "image/encoded 0 of 2 is not a whole image"
  ]


def test_frame_of_another_size_is_found(folder):
  def change(example):
    image = tf.zeros([2000, 3000, 3], tf.uint8)
    _frames(example)[1].bytes_list.value[0] = tf.io.encode_jpeg(image).numpy()

  assert _rewrite(folder, change) == [
    "image/encoded 1 has 3000x2000 pixels, the first 64x48"
  ]


def test_flow_of_another_size_is_found(folder):
  def change(example):
    image = tf.zeros([10, 20, 1], tf.uint8)
    frames = _frames(example, "flow/encoded")
    frames[0].bytes_list.value[0] = tf.io.encode_png(image).numpy()

  assert _rewrite(folder, change) == [
    "flow/encoded 1 has 64x96 pixels, the first 20x10"
  ]


def test_clip_without_frames_is_found(folder):
  def change(example):
    del _frames(example)[:]

  assert "image/encoded is empty" in _rewrite(folder, change)


def _sound_folder(tmp_path):
  clips = [
    record_fixture.make_clip(0, num_frames=2, modalities=("audio",)),
    record_fixture.make_clip(1, num_frames=2, modalities=("spectrogram",)),
  ]
  return record_fixture.write_records(tmp_path / "s", clips, num_shards=2)


def test_odd_waveform_is_found(tmp_path):
  def change(example):
    value = _frames(example, "WAVEFORM/feature/pcm16")[0].bytes_list.value
    value[0] = value[0][:-1]

  assert _rewrite(_sound_folder(tmp_path), change) == [
    "WAVEFORM/feature/pcm16 is not one string of 16-bit samples"
  ]


@pytest.mark.parametrize(
  ("change", "expected"),
  [
    (lambda raw: raw[:-4], "has 7676 bytes, not rows of 320"),
    (
      lambda raw: raw[:-4] + b"\0\0\xc0\x7f",
      "holds values that are not finite",
    ),
  ],
)
def test_damaged_spectrogram_is_found(tmp_path, change, expected):
  folder = _sound_folder(tmp_path)
  manifest = manifest_lib.load_manifest(folder)
  manifest.shards = manifest.shards[1:]
  manifest.clip_count = 1
  manifest.save(folder / manifest_lib.MANIFEST_NAME)
  _shard(folder).unlink()
  key = "SPECTROGRAM/feature/log_mel"

  def apply(example):
    value = _frames(example, key)[0].bytes_list.value
    value[0] = change(value[0])

  assert _rewrite(folder, apply) == [f"{key} {expected}"]


def _no_bytes(example):
  del _frames(example)[0].bytes_list.value[:]


def _text_rate(example):
  example.context.feature["image/frame_rate_hz"].bytes_list.value.append(b"25")


def _no_path(example):
  del example.context.feature["clip/path"]


@pytest.mark.parametrize(
  ("change", "expected"),
  [
    (_no_bytes, ["image/encoded has steps that are not one string"]),
    (_text_rate, ["`image/frame_rate_hz` is not a float"]),
    (_no_path, ["`clip/path` is missing"]),
  ],
)
def test_well_formed_records_of_wrong_kinds_are_listed(
  folder, change, expected
):
  assert _rewrite(folder, change) == expected


@pytest.mark.parametrize(
  ("name", "value", "expected"),
  [
    (
      "dtype",
      {"bytes_list": {"value": [b"dread"]}},
      ["`SPECTROGRAM/dtype` (b'dread') is not float16 or float32"],
    ),
    (
      "dtype",
      {"int64_list": {"value": [3]}},
      [
        "`SPECTROGRAM/dtype` is not text",
        "`SPECTROGRAM/dtype` (3) is not float16 or float32",
      ],
    ),
    (
      "num_mels",
      {"int64_list": {"value": [-80]}},
      ["`SPECTROGRAM/num_mels` (-80) is not 1 or more"],
    ),
    (
      "num_mels",
      {"bytes_list": {"value": [b"x"]}},
      [
        "`SPECTROGRAM/num_mels` is not a whole number",
        "`SPECTROGRAM/num_mels` (b'x') is not 1 or more",
      ],
    ),
  ],
)
def test_spectrogram_of_unknown_form_is_listed(tmp_path, name, value, expected):
  clip = record_fixture.make_clip(0, num_frames=2, modalities=("spectrogram",))
  folder = record_fixture.write_records(tmp_path / "s", [clip], num_shards=1)

  def change(example):
    feature = example.context.feature[f"SPECTROGRAM/{name}"]
    feature.CopyFrom(
      tf.train.Feature(
        **{
          kind: getattr(tf.train, kind.title().replace("_", ""))(**fields)
          for kind, fields in value.items()
        }
      )
    )

  assert _rewrite(folder, change) == expected


@pytest.mark.parametrize(
  ("change", "expected"),
  [
    (_no_path, "record 0: `clip/path` is missing"),
    (_text_rate, "record 0: `image/frame_rate_hz` is not a float"),
  ],
)
def test_contexts_of_wrong_kinds_are_an_error(folder, change, expected):
  _rewrite(folder, change)
  with pytest.raises(ValueError, match=expected):
    list(contexts.of_shard(_shard(folder)))
  lines, _ = contexts.compare_beginnings(
    folder, manifest_lib.load_manifest(folder)
  )
  assert any(_shard(folder).name in line for line in lines)


def test_garbage_payload_is_no_example(folder):
  path = _shard(folder)
  record_fixture.write_payloads(path, [b"\xff" * 64] * 2)
  problems = check.verify(folder)
  assert any(
    "record 1 at byte 80: it is no SequenceExample" in line for line in problems
  )


def test_context_of_a_cut_record_is_an_error(source):
  _, payload = next(shard_files.beginnings(_shard(source), 100))
  with pytest.raises(ValueError, match="it is no SequenceExample"):
    contexts.parse_context(payload)


def _labels(*values):
  def change(example):
    feature = example.context.feature["clip/label/index"].int64_list
    del feature.value[:]
    feature.value.extend(values)

  return change


@pytest.mark.parametrize(
  ("values", "expected"),
  [
    ((1,), []),
    ((-1,), []),
    ((1, 0), []),
    ((2,), ["`clip/label/index` holds 2, not -1 alone or 0 to 1"]),
    ((0, -1), ["`clip/label/index` holds -1, not -1 alone or 0 to 1"]),
    ((-2,), ["`clip/label/index` holds -2, not -1 alone or 0 to 1"]),
    ((1, 0, 1), ["`clip/label/index` holds (1, 0, 1) with one of them twice"]),
    ((), ["`clip/label/index` is missing"]),
  ],
)
def test_labels_are_checked_against_the_classes(folder, values, expected):
  assert _rewrite(folder, _labels(*values)) == expected


def test_labels_of_another_kind_are_listed(folder):
  def change(example):
    feature = example.context.feature["clip/label/index"]
    feature.bytes_list.value.append(b"cat")

  assert _rewrite(folder, change) == [
    "`clip/label/index` is not a list of whole numbers"
  ]


def test_contexts_hold_all_labels(folder):
  _rewrite(folder, _labels(1, 0))
  _, context = next(contexts.of_shard(_shard(folder)))
  assert context["clip/label/index"] == (1, 0)


def _captioned(tmp_path):
  clips = [
    record_fixture.make_clip(
      0,
      num_frames=50,
      modalities=("audio",),
      captions=[("one", 0.0, 0.5), ("two", 0.5, 2.0)],
    )
  ]
  return record_fixture.write_records(tmp_path / "c", clips, num_shards=1)


def _replace(name, values):
  """Returns a change of a context feature to texts or else floats."""

  def change(example):
    feature = example.context.feature[name]
    if values and isinstance(values[0], bytes):
      feature.CopyFrom(
        tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
      )
    else:
      feature.CopyFrom(
        tf.train.Feature(float_list=tf.train.FloatList(value=values))
      )

  return change


def test_contexts_hold_all_captions_and_their_times(tmp_path):
  folder = _captioned(tmp_path)
  assert check.verify(folder) == []
  assert manifest_lib.load_manifest(folder).shards[0].modalities == [
    "audio+text"
  ]
  _, context = next(contexts.of_shard(_shard(folder)))
  assert context["clip/caption"] == (b"one", b"two")
  assert context["clip/caption/start_s"] == (0.0, 0.5)
  assert context["clip/caption/end_s"] == (0.5, 2.0)


@pytest.mark.parametrize(
  ("name", "values", "expected"),
  [
    (
      "clip/caption/start_s",
      [0.0],
      ["2 captions have 1 starts, 2 ends"],
    ),
    (
      "clip/caption",
      [b"one", b"two", b"three"],
      ["3 captions have 2 starts, 2 ends"],
    ),
    ("clip/caption", [b"one", b"\xff"], ["`clip/caption` is not UTF-8"]),
    (
      "clip/caption",
      [1.5],
      ["`clip/caption` is not a list of texts"],
    ),
    (
      "clip/caption/end_s",
      [b"x"],
      ["`clip/caption/end_s` is not a list of floats"],
    ),
    (
      "clip/caption/end_s",
      [0.5, 2.5],
      ["a caption lasts from 0.5 to 2.5 s, its clip 2 s"],
    ),
    (
      "clip/caption/end_s",
      [0.5, 0.25],
      ["a caption lasts from 0.5 to 0.25 s, its clip 2 s"],
    ),
    (
      "clip/caption/start_s",
      [-1.0, 0.5],
      ["a caption lasts from -1 to 0.5 s, its clip 2 s"],
    ),
    (
      "clip/caption/start_s",
      [float("nan"), float("nan")],
      ["a caption lasts from nan to 0.5 s, its clip 2 s"],
    ),
    ("clip/caption", [], ["`clip/caption` is missing"]),
    (
      "clip/duration_s",
      [b"x"],
      ["`clip/duration_s` is not a float"],
    ),
  ],
)
def test_damaged_captions_are_listed(tmp_path, name, values, expected):
  found = _rewrite(_captioned(tmp_path), _replace(name, values))
  # Without captions there are times all the same: both is said.
  assert [line for line in found if "0 captions" not in line] == expected


def test_captions_that_the_manifest_does_not_know_are_listed(folder):
  def change(example):
    for name in schema.CAPTION_TIMES:
      _replace(name, [0.0])(example)

  assert _rewrite(folder, change) == [
    "it holds flow+rgb+text, the manifest says flow+rgb"
  ]


@pytest.mark.parametrize("texts", [[b"of old"], [b"one", b"two"]])
def test_captions_of_old_records_have_no_times_and_are_whole(folder, texts):
  assert _rewrite(folder, _replace("clip/caption", texts)) == []
