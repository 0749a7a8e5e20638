"""Settings are checked before anything runs, and make the manifest's config."""

import dataclasses
import json

import pytest

from data_prep.prepare_records import optical_flow
from data_prep.prepare_records import settings
from tfvssl import views
from tfvssl.config import sound
from tfvssl.data.media import streams


def test_defaults_are_valid():
  settings.Settings().validate()


@pytest.mark.parametrize(
  ("field", "message"),
  [
    ({"modalities": ("rgb", "depth")}, r"`modalities` \(rgb,depth\)"),
    ({"modalities": ()}, "must be some of audio,flow,rgb,spectrogram"),
    (
      {"modalities": ("rgb", "text")},
      r"`modalities` \(rgb,text\) must be some of audio,flow,rgb,spectrogram;"
      " captions are packed wherever there are some",
    ),
    ({"clip_seconds": 0.0}, r"`clip_seconds` \(0.0\) must be above 0"),
    ({"short_side": -1}, r"`short_side` \(-1\) must be above 0"),
    ({"clip_seconds": 0.01}, "holds not one frame at 25.0 Hz"),
    ({"frame_rate_hz": 0.0}, r"`frame_rate_hz` \(0.0\) must be above 0"),
    ({"sample_rate_hz": 0}, r"`sample_rate_hz` \(0\) must be above 0"),
    (
      {
        "modalities": ("spectrogram",),
        "spectrogram": sound.SpectrogramSpec(sample_rate_hz=8000),
      },
      "`spectrogram.lower_hz and upper_hz`",
    ),
    ({"jpeg_quality": 101}, r"`jpeg_quality` \(101\) must be 1 to 100"),
    ({"damage": "ignore"}, r"`damage` \(ignore\) must be one of strict, skip"),
    ({"spectrogram_dtype": "int8"}, r"`spectrogram_dtype` \(int8\)"),
    (
      {"clip_seconds": 0.8, "min_tail_seconds": 1.0},
      r"`min_tail_seconds` \(1.0\) must be 0 to `clip_seconds` \(0.8\)",
    ),
    ({"min_tail_seconds": -1.0}, r"`min_tail_seconds` \(-1.0\) must be 0"),
    ({"modalities": ("audio",), "images": True}, "`images` needs rgb among"),
    ({"flow": optical_flow.FlowSettings(short_side=8)}, "`flow_short_s"),
  ],
)
def test_rules(field, message):
  with pytest.raises(ValueError, match=message):
    settings.Settings(**field).validate()


def test_config_holds_every_choice_and_json_keeps_it():
  config = settings.Settings().to_config()
  assert json.loads(json.dumps(config)) == config
  assert config["spectrogram"] == dataclasses.asdict(sound.SpectrogramSpec())
  assert config["flow"]["attachment"] == 15.0
  assert config["ffmpeg"]


# What version 0.1.0 wrote, but for the version of ffmpeg.
_CONFIG_OF_0_1 = {
  "modalities": ["audio", "rgb"],
  "clip_seconds": 10.0,
  "min_tail_seconds": 1.0,
  "short_side": 256,
  "jpeg_quality": 90,
  "flow": {
    "short_side": 128,
    "bound_px": 20.0,
    "attachment": 15.0,
    "tightness": 0.3,
    "num_warp": 5,
    "num_iter": 10,
    "tol": 0.0001,
    "prefilter": False,
  },
  "sample_rate_hz": 48_000,
  "spectrogram_dtype": "float16",
  "spectrogram": dataclasses.asdict(sound.SpectrogramSpec()),
  "max_pixels": 33_177_600,
}


def test_config_at_the_usual_rates_is_that_of_version_0_1():
  config = settings.Settings().to_config()
  del config["ffmpeg"]
  assert config.pop("media_rules") == streams.MEDIA_RULES == 2
  assert json.dumps(config) == json.dumps(_CONFIG_OF_0_1)


def test_other_rates_stand_in_the_config_and_give_the_size_of_clips():
  found = settings.Settings(frame_rate_hz=30.0, sample_rate_hz=24_000)
  found.validate()
  config = found.to_config()
  assert (config["frame_rate_hz"], config["sample_rate_hz"]) == (30.0, 24_000)
  assert (found.clip_frames, found.clip_samples) == (300, 240_000)


def test_hash_changes_with_a_choice_and_not_with_patience():
  first = settings.config_hash(settings.Settings().to_config())
  other = settings.Settings(jpeg_quality=91).to_config()
  patient = settings.Settings(decode_budget_s=99.0).to_config()
  assert settings.config_hash(other) != first
  assert settings.config_hash(patient) == first


def test_what_is_wanted():
  flow = settings.Settings(modalities=("flow",))
  assert flow.wants_pictures and not flow.wants_sound
  sound = settings.Settings(modalities=("spectrogram",))
  assert sound.wants_sound and not sound.wants_pictures
  assert sound.wants(views.Modality.SPECTROGRAM)


def test_pictures_are_media_where_they_are_asked_for():
  assert not {".jpg", ".jpeg", ".png"} & settings.Settings().suffixes
  assert {".jpg", ".png", ".mp4"} <= settings.Settings(images=True).suffixes
  assert "images" not in settings.Settings().to_config()
  assert settings.Settings(images=True).to_config()["images"] is True


def test_what_becomes_of_damage_stands_in_the_config_where_it_is_chosen():
  assert "damage" not in settings.Settings().to_config()
  config = settings.Settings(damage="skip_clips").to_config()
  assert config["damage"] == "skip_clips"
