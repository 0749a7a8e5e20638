"""What comes after records fits what they hold."""

import shlex

import pytest

from data_prep import next_command
from data_prep.make_vocabulary import __main__ as vocabulary
from tests import page_commands
from tests import parsed_command
from tfvssl.config import recipes
from tfvssl.data.records import manifest
from tfvssl.data.records import schema


def _records(folder, *clips, **config):
  """Writes a manifest of clips with these modalities."""
  folder.mkdir(parents=True)
  manifest.Manifest(
    schema_version=schema.SCHEMA_VERSION,
    clip_count=len(clips),
    classes=[],
    config=config,
    config_hash="",
    shards=[manifest.Shard("a", len(clips), 1, "", list(clips))],
  ).save(folder / manifest.MANIFEST_NAME)
  return folder


@pytest.mark.parametrize(
  ("held", "recipe"),
  [
    ("audio+rgb", "tiny_brave"),
    ("audio+flow+rgb", "tiny_brave"),
    ("flow+rgb", "tiny_brave_flow"),
    ("rgb", "tiny_brave_rgb"),
    ("rgb+text", "tiny_brave_rgb"),
  ],
)
def test_recipe_is_for_what_the_clips_hold(held, recipe, tmp_path):
  folder = _records(tmp_path / "r", *[held] * 64)
  words = next_command.after_records(folder)
  assert words == [
    "tfvssl.train",
    f"--config={recipe}",
    "--workdir=RUN",
    f"--config.data.train_records={folder}",
  ]
  assert not parsed_command.problem_of(words)


def test_silent_sound_is_none(tmp_path):
  shard = manifest.Shard("a", 64, 1, "", ["audio+rgb"] * 64)
  shard.digests = ["audio:0123456789abcdef= rgb:0123456789abcdef"] * 64
  manifest.Manifest(
    schema_version=schema.SCHEMA_VERSION,
    clip_count=64,
    classes=[],
    config={},
    config_hash="",
    shards=[shard],
  ).save(tmp_path / manifest.MANIFEST_NAME)
  words = next_command.after_records(tmp_path)
  assert words[1] == "--config=tiny_brave_rgb"


def test_captions_lead_to_a_vocabulary(tmp_path):
  folder = _records(tmp_path / "r", "audio+rgb+text", "audio+rgb")
  words = next_command.after_records(folder)
  assert words[:3] == ["tfvssl", "vocabulary", f"--records={folder}"]
  command = page_commands.of_line(shlex.join(["python", "-m", *words]))
  assert not parsed_command.problem_of(command.words)


def test_few_clips_fill_a_smaller_batch(tmp_path):
  folder = _records(tmp_path / "r", *["audio+rgb"] * 20, *["rgb"] * 50)
  assert next_command.after_records(folder)[-1] == "--config.batch_size=10"


def test_test_records_beside_are_held_out(tmp_path):
  train = _records(tmp_path / "train", "rgb")
  flag = f"--config.data.heldout_records={tmp_path / 'test'}"
  assert flag not in next_command.after_records(train)
  test = _records(tmp_path / "test", "rgb")
  assert flag in next_command.after_records(train)
  assert flag not in next_command.after_records(test)


def test_other_rates_are_told_to_the_views(tmp_path):
  rates = {"frame_rate_hz": 12.5, "sample_rate_hz": 16_000}
  for number, (needed, (_, broad)) in enumerate(next_command.TRAININGS.items()):
    held = "+".join(sorted(needed))
    folder = _records(tmp_path / str(number), *[held] * 64, **rates)
    words = next_command.after_records(folder)
    assert "--config.method.narrow.record_rate_hz=12.5" in words
    kind = "--config.method.broad.audio.view.spectrogram"
    assert (f"{kind}.sample_rate_hz=16000" in words) == (broad == "audio")
    assert not parsed_command.problem_of(words)


def test_pictures_alone_are_for_a_deflation(tmp_path):
  folder = _records(tmp_path / "r", "rgb", images=True)
  words = next_command.after_records(folder)
  assert words == ["tfvssl.deflate", "--workdir=RUN", f"--records={folder}"]


def test_sound_alone_is_for_an_evaluation(tmp_path):
  folder = _records(tmp_path / "r" / "train", "audio")
  words = next_command.after_records(folder)
  assert words[0] == "tfvssl.evaluate"
  assert words[3:] == [
    "--modality=audio",
    f"--train_records={folder}",
    "--test_records=TEST",
  ]


def test_batch_of_a_vocabularys_training_is_that_of_its_recipe(tmp_path):
  size = recipes.load("tiny_mmv").get_config().batch_size
  folder = _records(tmp_path / "r", *["rgb+text"] * (size - 1), "audio")
  assert next_command.batch_flags([folder], ("rgb",), size) == [
    f"--config.batch_size={(size - 1) // 2}"
  ]
  assert next_command.batch_flags([folder], ("rgb",), size - 1) == []
  second = _records(tmp_path / "s", *["rgb"] * 5)
  assert next_command.batch_flags([folder, second], ("rgb",), size) == [
    "--config.batch_size=4"
  ]
  assert size == vocabulary.BATCH_SIZE


def test_batch_and_broad_views_are_those_of_the_recipes():
  for needed, (recipe, broad) in next_command.TRAININGS.items():
    experiment = recipes.load(recipe.removeprefix("--config=")).get_config()
    assert experiment.batch_size == next_command.BATCH_SIZE
    assert list(experiment.method.broad) == [broad]
    assert {"rgb", broad} == set(needed)
