"""Real files, if they are there: the awkward ones, and (slow) all."""

import csv
import json
import pathlib

import pytest

from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import settings
from data_prep.prepare_records import sources
from tfvssl.data.media import streams

# What becomes of every file with rgb,audio: the clips as (frames, has sound,
# height, width), else the reason; and with audio: clips, or the reason.
AWKWARD = {
  "empty_webm_185B/webm.webm": ("no_frames", "no_audio"),
  "failing_audio/video_with_failing_audio.mp4": (
    [(250, True, 256, 455), (30, True, 256, 455)],
    2,
  ),
  "frame_1x1/bitmap.mp4": ([(125, False, 256, 256)], "no_audio"),
  "hevc/h265_video.mp4": ([(25, False, 256, 256)], "no_audio"),
  "no_duration/no_duration.webm": ([(123, True, 256, 455)], 1),
  "one_frame_a/one_frame_a.mp4": ([(1, False, 256, 320)], "no_audio"),
  "qcif_176x144_no_audio/carphone_pristine.mp4": (
    [(100, False, 256, 343)],
    "no_audio",
  ),
  "rotate_90/video_90.mov": ([(3, False, 454, 256)], "no_audio"),
  "silent_audio_track/fi001.mp4": ([(53, True, 256, 341)], 1),
  "three_frames/video_0.mov": ([(3, False, 256, 454)], "no_audio"),
  "truncated_no_moov/truncated_no_moov.mp4": ("unreadable", "unreadable"),
  "vfr_with_audio/vfr_with_audio.mp4": ([(73, True, 256, 320)], 1),
}


def _clips(path, modalities):
  source = sources.ClipSource(str(path), path.name, path.name)
  choices = settings.Settings(modalities=modalities)
  notes = encode_clip.Notes()
  try:
    return list(encode_clip.encode(source, (), choices, notes))
  except streams.MediaError as error:
    return error.reason


def test_the_table_names_every_awkward_file(data_dir):
  folder = data_dir / "awkward"
  if not folder.is_dir():
    pytest.skip(f"no such folder: {folder}")
  found = {str(path.relative_to(folder)) for path in streams.list_files(folder)}
  assert found == set(AWKWARD)


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_awkward_file(data_dir, name):
  path = data_dir / "awkward" / name
  if not path.is_file():
    pytest.skip(f"no such file: {path}")
  expected, expected_sound = AWKWARD[name]
  found = _clips(path, ("audio", "rgb"))
  if not isinstance(found, str):
    found = [
      (len(clip.frames), clip.waveform is not None, clip.height, clip.width)
      for clip in found
    ]
  assert found == expected
  found = _clips(path, ("audio",))
  assert (found if isinstance(found, str) else len(found)) == expected_sound


def _prepare(preparer, data: pathlib.Path, output: pathlib.Path, words: str):
  code = preparer.run(
    f"--input={data}", f"--output={output}", f"--modalities={words}"
  )
  assert code in (0, 4), preparer.text()
  report = json.loads((output / "report.json").read_text())
  with open(output / "quarantine.csv", encoding="utf-8", newline="") as file:
    lost = [row["path"] for row in csv.DictReader(file)]
  assert len(lost) == len(set(lost)) == report["quarantined_count"]
  assert report["input_count"] == (
    report["written_count"] + report["quarantined_count"]
  )
  return report


@pytest.mark.slow
@pytest.mark.parametrize(
  ("words", "written", "reasons"),
  [
    ("rgb,audio", 1153, {"no_frames": 1, "no_video": 224, "unreadable": 1}),
    ("audio", 1006, {"no_audio": 372, "unreadable": 1}),
  ],
)
def test_all_of_the_set(data_dir, preparer, tmp_path, words, written, reasons):
  manifest = data_dir / "manifest.csv"
  report = _prepare(preparer, manifest, tmp_path / "out", words)
  assert report["input_count"] == 1379
  assert report["written_count"] == written
  assert report["reasons"] == reasons


@pytest.mark.slow
def test_the_folder_itself(data_dir, preparer, tmp_path):
  """Every regular file is an input; texts and pictures are not media."""
  report = _prepare(preparer, data_dir, tmp_path / "out", "audio")
  assert report["input_count"] == len(streams.list_files(data_dir))
  others = [
    path
    for path in streams.list_files(data_dir)
    if path.suffix in (".md", ".csv", ".jpg")
  ]
  assert report["reasons"]["not_media"] == len(others)
