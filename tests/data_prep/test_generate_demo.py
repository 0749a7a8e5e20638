"""The generator's files: real codecs, settings that stay, continuing."""

import csv

import pytest

from data_prep import demo_scenes
from data_prep import generate_demo
from tfvssl.data import media

SETTINGS = {
  "train_clips": 2,
  "test_clips": 1,
  "num_shots": 1,
  "seed": 3,
  "workers": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  output = tmp_path_factory.mktemp("videos")
  assert generate_demo.generate(output, **SETTINGS) == 3
  return output


def test_csv_names_every_clip_with_label_and_split(folder):
  with open(folder / generate_demo.CSV_NAME, encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
  assert rows == [
    {"path": "train/blink/train_00000.mp4", "label": "blink", "split": "train"},
    {"path": "train/bob/train_00001.mp4", "label": "bob", "split": "train"},
    {"path": "test/blink/test_00000.mp4", "label": "blink", "split": "test"},
  ]
  assert all((folder / row["path"]).is_file() for row in rows)


def test_files_are_h264_with_sound(folder):
  path = folder / "train/bob/train_00001.mp4"
  info = media.probe(path)
  assert info.video_codec.startswith("h264")
  assert info.has_audio
  assert b"mp4a" in path.read_bytes()  # the box of AAC sound
  assert (info.width, info.height) == (64, 64)
  assert info.frame_rate_hz == pytest.approx(25)
  frames = media.decode_frames(path, short_side=None)
  assert frames.shape == (48, 64, 64, 3)


def test_decoded_pictures_are_those_that_were_drawn(folder):
  scene, _ = generate_demo.scene_of(3, "train", 1, 1)
  drawn = demo_scenes.render_frames(scene, demo_scenes.textures(3))
  frames = media.decode_frames(
    folder / "train/bob/train_00001.mp4", short_side=None
  )
  error = abs(frames.astype(float) - drawn).mean()
  assert error < 8  # of 255; halved colour resolution costs most of it


def test_train_and_test_are_different_clips():
  train, _ = generate_demo.scene_of(3, "train", 0, 1)
  test, _ = generate_demo.scene_of(3, "test", 0, 1)
  assert train.phase != test.phase


def test_rerun_writes_only_what_is_missing(folder):
  missing = folder / "train/bob/train_00001.mp4"
  missing.unlink()
  assert generate_demo.generate(folder, **SETTINGS) == 1
  assert missing.is_file()
  assert generate_demo.generate(folder, **SETTINGS) == 0


def test_other_settings_are_refused(folder):
  with pytest.raises(ValueError, match="holds clips of other settings"):
    generate_demo.generate(folder, **{**SETTINGS, "seed": 4})
