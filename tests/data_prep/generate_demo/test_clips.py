"""The generator's files: real codecs, settings that stay, continuing."""

import csv

import pytest

from data_prep.generate_demo import clips
from data_prep.generate_demo import scenes
from tfvssl.data.media import streams

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
  assert clips.generate(output, **SETTINGS) == 3
  return output


def test_csv_names_every_clip_with_label_and_split(folder):
  with open(folder / clips.CSV_NAME, encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
  assert rows == [
    {"path": "train/blink/train_00000.mp4", "label": "blink", "split": "train"},
    {"path": "train/bob/train_00001.mp4", "label": "bob", "split": "train"},
    {"path": "test/blink/test_00000.mp4", "label": "blink", "split": "test"},
  ]
  assert all((folder / row["path"]).is_file() for row in rows)


def test_files_are_h264_with_sound(folder):
  path = folder / "train/bob/train_00001.mp4"
  info = streams.probe(path)
  assert info.video_codec.startswith("h264")
  assert info.has_audio
  assert b"mp4a" in path.read_bytes()  # the box of AAC sound
  assert (info.width, info.height) == (64, 64)
  assert info.frame_rate_hz == pytest.approx(25)
  frames = streams.decode_frames(path, short_side=None)
  assert frames.shape == (48, 64, 64, 3)


def test_decoded_pictures_are_those_that_were_drawn(folder):
  scene, _ = clips.scene_of(3, "train", 1, 1)
  drawn = scenes.render_frames(scene, scenes.textures(3))
  frames = streams.decode_frames(
    folder / "train/bob/train_00001.mp4", short_side=None
  )
  error = abs(frames.astype(float) - drawn).mean()
  assert error < 8  # of 255; halved colour resolution costs most of it


def test_train_and_test_are_different_clips():
  train, _ = clips.scene_of(3, "train", 0, 1)
  test, _ = clips.scene_of(3, "test", 0, 1)
  assert train.phase != test.phase


def test_rerun_writes_only_what_is_missing(folder):
  missing = folder / "train/bob/train_00001.mp4"
  missing.unlink()
  assert clips.generate(folder, **SETTINGS) == 1
  assert missing.is_file()
  assert clips.generate(folder, **SETTINGS) == 0


def test_other_settings_are_refused(folder):
  with pytest.raises(ValueError, match="holds clips of other settings"):
    clips.generate(folder, **{**SETTINGS, "seed": 4})


def test_captions_name_one_object_and_do_not_change_what_it_does(tmp_path):
  settings = {**SETTINGS, "train_clips": 10, "test_clips": 0}
  assert clips.generate(tmp_path, **settings, captions=True) == 10
  with open(tmp_path / clips.CSV_NAME, encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
  for number, row in enumerate(rows):
    plain, _ = clips.scene_of(3, "train", number, 2)
    scene, _ = clips.scene_of(3, "train", number, 2, captions=True)
    assert row["caption"] == scene.caption
    _, colour, shape, moves, _, sounds = scene.caption.split()
    assert colour in scenes.COLOURS
    assert {shot.shape for shot in scene.shots} == {scenes.SHAPES[shape]}
    assert (scene.phase, scene.frequency_hz) == (
      plain.phase,
      plain.frequency_hz,
    )
  # Clips 0 and 8 are of one class, 1 is of another.
  verbs = [tuple(row["caption"].split()[3:]) for row in rows]
  assert verbs[0] == verbs[8] == ("blinks", "and", "hisses")
  assert verbs[1] == ("bobs", "and", "whistles")
  with pytest.raises(ValueError, match="holds clips of other settings"):
    clips.generate(tmp_path, **settings)


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_the_object_has_the_colour_of_the_caption(colour):
  found = []
  for number in range(80):
    scene, _ = clips.scene_of(3, "train", 8 * number + 1, 1, True)
    if scene.colour == colour:
      frames = scenes.render_frames(scene, scenes.textures(3))
      x, y = (round(value) for value in scene.shots[0].centre_px)
      # bob: at phase 0 of its swing the object is where it rests.
      rest = abs(scenes.pose(scene, scenes.phases(scene, 25, 48)).y).argmin()
      found.append(frames[rest, y, x].argmax())
  assert len(found) > 2
  assert set(found) == {["red", "green", "blue"].index(colour)}
