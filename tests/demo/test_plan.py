"""What the demo decides by itself, and in which words it says so."""

import json
import pathlib

import numpy as np
import pytest

from tfvssl.config import recipes
from tfvssl.data.media import mp4
from tfvssl.data.records import manifest
from tfvssl.data.records import schema
from tfvssl.demo import plan as demo_plan
from tfvssl.runtime import exit_codes


def survey(videos, with_sound, seconds=60.0):
  return demo_plan.Survey(videos, with_sound, seconds)


def test_sound_in_most_videos_gives_the_audio_view():
  choice = demo_plan.choose(survey(20, 15))
  assert choice.config == "tiny_brave"
  assert choice.modalities == "rgb,audio"
  assert "15 of 20 videos have sound" in choice.reason


def test_little_sound_gives_flow():
  choice = demo_plan.choose(survey(20, 9))
  assert choice.config == "tiny_brave_flow"
  assert choice.modalities == "rgb,flow"


def test_long_silent_videos_give_rgb():
  choice = demo_plan.choose(survey(20, 0, seconds=7200))
  assert choice.config == "tiny_brave_rgb"
  assert "120 minutes" in choice.reason


def test_every_choice_is_a_recipe():
  for found in (survey(9, 9), survey(9, 0), survey(9, 0, 1e5)):
    assert demo_plan.choose(found).config in recipes.names()


def test_no_video_is_a_data_error():
  with pytest.raises(exit_codes.UserError, match="no readable video") as error:
    demo_plan.choose(survey(0, 0))
  assert error.value.exit_code == exit_codes.DATA


def test_survey_counts_what_can_be_opened(tmp_path):
  frames = np.zeros([25, 32, 32, 3], np.uint8)
  sound = np.zeros(16_000, np.int16)
  mp4.encode(frames, 25, tmp_path / "a.mp4", sound=sound, sample_rate_hz=16_000)
  mp4.encode(frames, 25, tmp_path / "b.mp4")
  (tmp_path / "c.mp4").write_bytes(b"no video")
  (tmp_path / "notes.txt").write_text("hello")
  found = demo_plan.survey(tmp_path)
  assert (found.videos, found.with_sound) == (2, 1)
  assert found.seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
  ("clips", "size"), [(1000, 64), (128, 64), (50, 25), (8, 4)]
)
def test_batch_has_at_most_half_of_the_clips(clips, size):
  assert demo_plan.batch_size(clips) == size


def test_too_few_clips_are_a_data_error():
  with pytest.raises(exit_codes.UserError, match="7 usable clips are too few"):
    demo_plan.batch_size(7)


def test_usable_clips_hold_every_modality(tmp_path):
  manifest.Manifest(
    schema_version=schema.SCHEMA_VERSION,
    clip_count=4,
    classes=[],
    config={},
    config_hash="",
    shards=[
      manifest.Shard(
        "a",
        4,
        1,
        "",
        ["audio+rgb", "rgb", "audio", "audio+rgb"],
        ["rgb:a audio:b", "rgb:c", "audio:d", "rgb:e audio:f="],  # silent
      )
    ],
  ).save(tmp_path / manifest.MANIFEST_NAME)
  assert demo_plan.usable_clips(tmp_path, "rgb,audio") == 1
  assert demo_plan.usable_clips(tmp_path, "rgb") == 3


def test_few_clips_change_the_batch_size_only():
  folder = pathlib.Path("demo")
  many, few = (
    demo_plan.train(
      folder, "tiny_brave", seed=0, train_clips=count, test_clips=9
    )
    for count in (500, 30)
  )
  assert "--config.data.heldout_records=demo/records/test" in many.flags
  assert sorted(few.flags) == sorted([*many.flags, "--config.batch_size=15"])


def test_no_held_out_loss_without_test_clips():
  stage = demo_plan.train(
    pathlib.Path("demo"),
    "tiny_brave",
    seed=0,
    train_clips=500,
    test_clips=0,
  )
  assert not [flag for flag in stage.flags if "heldout" in flag]


def test_too_few_clips_are_refused_by_number():
  with pytest.raises(exit_codes.UserError, match="7 usable clips are too few"):
    demo_plan.batch_size(7)


def test_evaluation_needs_labels():
  folder = pathlib.Path("demo")
  names = [
    [
      stage.name
      for stage in demo_plan.after_training(folder, folder, labelled=labelled)
    ]
    for labelled in (True, False)
  ]
  after = ["export", "embed", "search"]
  assert names == [["evaluate", *after], after]


def test_search_is_for_the_first_file_with_pictures(tmp_path):
  (tmp_path / "a.mp4").write_bytes(b"no video")
  (tmp_path / "notes.txt").write_text("hello")
  frames = np.zeros([25, 32, 32, 3], np.uint8)
  for name in ("b.mp4", "c.mp4"):
    mp4.encode(frames, 25, tmp_path / name)
  stage = demo_plan.after_training(
    pathlib.Path("demo"), tmp_path, labelled=False
  )[-1]
  assert stage.module == "tfvssl.search" and stage.optional
  assert f"--query={tmp_path / 'b.mp4'}" in stage.flags
  assert "--output=demo/search.html" in stage.flags


def test_commands_can_be_typed_again():
  stage = demo_plan.generated(pathlib.Path("my demo"), 7)[0]
  assert stage.command == (
    "python -m tfvssl generate-demo '--output=my demo/videos' --seed=7"
  )
  assert json.dumps(stage.flags)
