"""Damaged recordings give their whole clips: right pictures, right sound."""

import csv
import json
import pathlib
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import settings
from data_prep.prepare_records import sources
from data_prep.prepare_records import whole_clips
from tests.data.media import films
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import streams

_AAC = ("-c:a", "aac")
_FILMS = {
  "a.mp4": (*films.H264, *_AAC),
  "b.ts": (*films.H264, *_AAC),
  "c.mkv": (*films.H264, *_AAC),
  "d.mpg": (*films.MPEG2, "-c:a", "mp2"),
}
_FLAGS = ("--clip_seconds=4", "--num_workers=2", "--short_side=48")


def _flip(path, place, length):
  """Flips a bit of every seventh byte of a stretch of a file."""
  content = bytearray(path.read_bytes())
  for at in range(place, place + length, 7):
    content[at] ^= 1 << at % 8
  path.write_bytes(content)


def _packets(path):
  """Returns size and place of the packets of the only stream of an MP4."""
  table = subprocess.run(
    [
      *(ffmpeg.path(), "-v", "error", "-i", path),
      *("-c", "copy", "-f", "framecrc", "-"),
    ],
    check=True,
    capture_output=True,
    text=True,
    timeout=60,
  ).stdout
  sizes = [
    int(line.split(",")[4])
    for line in table.splitlines()
    if not line.startswith("#")
  ]
  begin = path.read_bytes().index(b"mdat") + 4
  return [(n, begin + sum(sizes[:k])) for k, n in enumerate(sizes)]


@pytest.fixture(scope="module", name="damaged")
def _damaged(tmp_path_factory) -> pathlib.Path:
  """A folder of films of 24 s that are damaged in the middle."""
  folder = tmp_path_factory.mktemp("damaged")
  for name, codec in _FILMS.items():
    path = films.make(folder / name, *codec, seconds=24, key_frames=50)
    size = path.stat().st_size
    _flip(path, size // 2, size // 100)
  # Pictures of second 7 that spoil those of the next two: no key until 10.
  late = films.make(
    folder / "f.mp4",
    *(*films.H264, "-bf", "0", "-sc_threshold", "0"),
    seconds=20,
    sound=False,
  )
  size, place = _packets(late)[197]
  _flip(late, place + 5, size - 5)
  cut = films.make(folder / "g.mkv", *films.H264, *_AAC, seconds=24)
  cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 6 // 10])
  films.make(folder / "h.mp4", *films.H264, *_AAC, seconds=8)
  return folder


@pytest.fixture(scope="module", name="kept")
def _kept(damaged, tmp_path_factory, preparer, records_of):
  """Records by file, the report, the skipped clips and the console."""
  output = tmp_path_factory.mktemp("kept") / "records"
  code = preparer.run(
    f"--input={damaged}",
    f"--output={output}",
    "--modalities=rgb,audio",
    "--damage=skip_clips",
    *_FLAGS,
  )
  assert code == 0, preparer.text()
  records = {}
  for record in records_of(output):
    feature = record.context.feature
    path = feature["clip/path"].bytes_list.value[0].decode()
    records.setdefault(path, []).append(record)
  with open(output / "skipped_clips.csv", encoding="utf-8") as file:
    skipped = list(csv.DictReader(file))
  report = json.loads((output / "report.json").read_text())
  return records, report, skipped, preparer.text()


def _assert_true(record):
  """Fails where a clip's pictures or sound are not those of its time."""
  start_s = record.context.feature["clip/start_s"].float_list.value[0]
  duration_s = record.context.feature["clip/duration_s"].float_list.value[0]
  lists = record.feature_lists.feature_list
  wanted = films.expected(start_s, start_s + duration_s)
  if "image/encoded" in lists:
    frames = np.stack(
      [
        tf.io.decode_jpeg(feature.bytes_list.value[0]).numpy()
        for feature in lists["image/encoded"].feature
      ]
    )
    films.assert_shows(frames, wanted)
  if "WAVEFORM/feature/pcm16" in lists:
    raw = lists["WAVEFORM/feature/pcm16"].feature[0].bytes_list.value[0]
    tones = films.tones(np.frombuffer(raw, "<i2"))
    assert tones == [200 + 100 * second for second in sorted(set(wanted))]


def _starts(records):
  return [
    round(record.context.feature["clip/start_s"].float_list.value[0], 2)
    for record in records
  ]


def test_clips_before_and_behind_the_damage_are_kept_and_true(kept):
  records, report, skipped, _ = kept
  for name in _FILMS:
    starts = _starts(records[name])
    lost = [float(row["start_s"]) for row in skipped if row["path"] == name]
    assert sorted(starts + lost) == [0, 4, 8, 12, 16, 20]
    assert {0, 4, 16, 20} <= set(starts), (name, starts)
    assert 1 <= len(lost) <= 2
    for record in records[name]:
      _assert_true(record)
      (clip_id,) = record.context.feature["clip/id"].bytes_list.value
      assert clip_id.decode().startswith(f"{name}#")
  assert report["written_count"] == 7 and not report["quarantined"]


def test_sound_alone_keeps_its_clips_too(tmp_path, preparer, records_of):
  codec = ("-c:a", "flac")
  path = tmp_path / "in" / "a.flac"
  path.parent.mkdir()
  films.make(path, *codec, seconds=24, pictures=False)
  _flip(path, path.stat().st_size // 2, 3000)
  output = tmp_path / "records"
  code = preparer.run(
    f"--input={path.parent}",
    f"--output={output}",
    "--modalities=audio",
    "--damage=skip_clips",
    *_FLAGS,
  )
  assert code == 0, preparer.text()
  records = records_of(output)
  starts = _starts(records)
  assert {0, 4, 16, 20} <= set(starts) and len(starts) < 6
  for record in records:
    _assert_true(record)


def test_pictures_that_inherit_damage_are_not_kept(kept):
  records, _, skipped, _ = kept
  assert _starts(records["f.mp4"]) == [0, 12, 16]
  for record in records["f.mp4"]:
    _assert_true(record)
  rows = [row for row in skipped if row["path"] == "f.mp4"]
  assert [(row["start_s"], row["end_s"]) for row in rows] == [
    ("4", "8"),
    ("8", "12"),
  ]


def test_cut_recording_keeps_what_is_before_the_cut(kept):
  records, _, skipped, _ = kept
  starts = _starts(records["g.mkv"])
  assert starts == [0, 4, 8][: len(starts)] and len(starts) >= 2
  for record in records["g.mkv"]:
    _assert_true(record)
  rows = [row for row in skipped if row["path"] == "g.mkv"]
  assert float(rows[0]["start_s"]) == 4 * len(starts)
  assert float(rows[-1]["end_s"]) == pytest.approx(24, abs=0.1)


def test_every_skipped_clip_is_said(kept):
  _, report, skipped, console = kept
  assert list(skipped[0]) == [
    *("path", "id", "start_s", "end_s", "reason", "detail")
  ]
  assert report["skipped_clips"] == skipped
  assert f"{len(skipped)} damaged clips of inputs that became clips are" in (
    console
  )
  assert {row["reason"] for row in skipped} <= {
    *("damaged", "truncated", "no_frames", "no_audio")
  }
  remarks = [row["remark"] for row in report["remarks"]]
  assert sum("; clips skipped: " in line for line in remarks) == 6
  assert not any("cannot open" in line for line in remarks)


def test_without_the_flag_a_damaged_input_is_left_out_whole(
  damaged, tmp_path, preparer, records_of
):
  output = tmp_path / "records"
  preparer.run(
    f"--input={damaged}",
    f"--output={output}",
    "--modalities=rgb,audio",
    "--max_quarantined_share=1",
    *_FLAGS,
  )
  assert {
    record.context.feature["clip/path"].bytes_list.value[0]
    for record in records_of(output)
  } == {b"h.mp4"}
  assert not (output / "skipped_clips.csv").exists()
  report = json.loads((output / "report.json").read_text())
  assert report["skipped_clips"] == []
  assert {row["reason"] for row in report["quarantined"]} <= {
    *("damaged", "truncated")
  }


def test_first_clip_of_a_file_whose_length_is_an_estimate_is_kept(
  tmp_path, preparer, records_of
):
  sound = tmp_path / "media" / "a.aac"
  sound.parent.mkdir()
  lavfi = ("-f", "lavfi", "-i", "sine=frequency=200:duration=12")
  subprocess.run([ffmpeg.path(), "-v", "error", *lavfi, sound], check=True)
  _flip(sound, sound.stat().st_size // 2, 300)  # in the second clip
  output = tmp_path / "records"
  code = preparer.run(
    f"--input={sound.parent}",
    f"--output={output}",
    "--modalities=audio",
    "--damage=skip_clips",
    *_FLAGS,
  )
  assert code == 0, preparer.text()
  assert _starts(records_of(output)) == [0.0, 8.0]


def test_error_stands_where_whole_clips_are_not_asked_for():
  error = streams.MediaError("damaged", "a bit")
  clips = whole_clips.encode(
    sources.ClipSource("a.mp4", "a.mp4", "a.mp4"),
    (),
    settings.Settings(),
    encode_clip.Notes(),
    error=error,
    decoded_s=9.0,
    beat=lambda: None,
  )
  with pytest.raises(streams.MediaError, match="damaged: a bit"):
    list(clips)
