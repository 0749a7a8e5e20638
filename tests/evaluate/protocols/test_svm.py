"""The protocol over splits: known accuracies, one C, refusals by name."""

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl.config import protocols
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.evaluate.protocols import svm as svm_protocol
from tfvssl.evaluate.samples import splits as splits_of


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  return {
    "train": str(grey_records.bright_and_dark(root / "train", 12)),
    "test": str(grey_records.bright_and_dark(root / "test", 7, first=20)),
    "swapped": str(
      grey_records.bright_and_dark(root / "swapped", 5, first=40, flip=True)
    ),
  }


def _protocol(
  choose_c="first_test",
  epochs=2,
  grid_c=(1e-3, 1e-1),
  **settings,
):
  return svm_protocol.SvmProtocol(
    "video",
    grey_records.settings(**settings),
    recipe=protocols.Svm(train_epochs=epochs, grid_c=grid_c),
    choose_c=choose_c,
  )


def _open(folders, protocol, *pairs):
  return protocol.open_splits(
    [folders[train] for train, _ in pairs],
    [folders[test] for _, test in pairs],
  )


@pytest.fixture(scope="module")
def two_splits(folders):
  protocol = _protocol()
  pairs = [("train", "test"), ("train", "swapped")]
  splits = _open(folders, protocol, *pairs)
  encoder = grey_records.mean_colour_encoder(protocol.settings.spec)
  return splits, protocol.evaluate(encoder, splits)


def test_brightness_separates_dark_from_bright(two_splits):
  splits, result = two_splits
  first = result["splits"][0]
  assert first["top_1"] == 1.0
  assert first["top_5"] is None
  assert first["confusion"] == [[4, 0], [0, 3]]
  assert first["predictions"]["20.mp4"] == "down"
  described = splits_of.describe_split(splits[0])
  assert _protocol().baselines(splits[0]) == {
    "chance": 0.5,
    "majority": pytest.approx(4 / 7),
  }
  assert described["test_clips_per_class"] == {"down": 4, "right": 3}
  assert described["train_records"]["folder"] == "train"


def test_mean_is_over_the_splits(two_splits):
  # In `swapped` dark and bright carry each other's label: all are wrong.
  _, result = two_splits
  assert [split["top_1"] for split in result["splits"]] == [1.0, 0.0]
  assert result["mean"]["top_1"] == 0.5


def test_c_is_chosen_on_the_first_split_alone(two_splits):
  # The mean over both splits would be 0.5 for each C.
  _, result = two_splits
  assert result["sweep"] == {"0.001": 1.0, "0.1": 1.0}
  assert result["c"] == 1e-3


@pytest.mark.slow
def test_random_networks_follow_the_same_protocol(folders):
  protocol = _protocol("cross_validation")
  splits = _open(folders, protocol, ("train", "test"))
  encoder = grey_records.mean_colour_encoder(protocol.settings.spec)
  result = protocol.evaluate_random([(3, encoder)], splits)
  assert [run["seed"] for run in result["runs"]] == [3]
  assert result["runs"][0]["sweep"] == {"0.001": 1.0, "0.1": 1.0}
  assert result["mean"]["top_1"] == 1.0
  assert protocol.evaluate_random([], splits) == {
    "runs": [],
    "mean": {"top_1": None, "top_5": None},
  }


def test_every_choice_is_in_the_result():
  tree = _protocol(grid_c=(0.5,), temporal_clips=4, spatial_crops=3).to_tree()
  assert tree["grid_c"] == [0.5]
  assert tree["test_views_per_clip"] == 12
  assert tree["train_view"]["augmentation"]["blur_probability"] == 0.0
  assert tree["choose_c"] == "first_test"


def test_features_that_are_not_finite_are_refused(folders):
  protocol = _protocol(epochs=1)
  encoder = grey_records.mean_colour_encoder(protocol.settings.spec)
  encoder.backbone.add(tf.keras.layers.Rescaling(np.nan))
  splits = _open(folders, protocol, ("train", "test"))
  with pytest.raises(ValueError, match="split 1, training: 12 of 12 clips"):
    protocol.evaluate(encoder, splits)


def test_testing_on_training_clips_is_refused(folders):
  # Of the 12 clips two stand still, which says nothing.
  with pytest.raises(ValueError, match="10 test clips are also training clips"):
    _protocol().open_splits([folders["train"]], [folders["train"]])


def test_unlabelled_clips_and_untrained_classes_are_left_out(tmp_path):
  for folder, first in (("train", 0), ("test", 10)):
    levels = [30, 200, 40, 210, 50]
    encoded = [
      grey_records.grey_clip(
        f"{first + n}.mp4", n % 2, [levels[n]] * 12 + [first + n]
      )
      for n in range(5)
    ]
    encoded[4].label_index = -1
    record_fixture.write_records(tmp_path / folder, encoded, num_shards=2)
  manifest = manifest_lib.load_manifest(tmp_path / "test")
  manifest.classes = ["down", "left"]  # its bright clips
  manifest.save(tmp_path / "test" / manifest_lib.MANIFEST_NAME)
  protocol = _protocol()
  splits = protocol.open_splits(
    [str(tmp_path / "train")], [str(tmp_path / "test")]
  )
  described = splits_of.describe_split(splits[0])
  assert described["train_clips"] == 4
  assert described["test_clips"] == 2
  assert described["train_clips_unlabelled"] == 1
  assert described["test_clips_unlabelled"] == 1
  assert described["classes_left_out"] == {"left": 2}
  assert protocol.baselines(splits[0])["chance"] == 0.5
  encoder = grey_records.mean_colour_encoder(protocol.settings.spec)
  result = protocol.evaluate(encoder, splits)
  assert result["splits"][0]["predictions"] == {
    "10.mp4": "down",
    "12.mp4": "down",
  }
  assert result["splits"][0]["labels"] == ["down", "right"]
  assert result["mean"]["top_1"] == 1.0
