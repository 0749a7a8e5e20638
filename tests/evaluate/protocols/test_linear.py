"""The linear layer on a frozen network: separable clips, nothing thawed."""

import dataclasses

import numpy as np
import pytest

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.backbones import tsm_resnet
from tfvssl.config import protocols
from tfvssl.evaluate.protocols import linear
from tfvssl.methods import base

RECIPE = protocols.Linear(
  epochs=12, warmup_epochs=1, learning_rate=5.0, batch_size=4
)


def _protocol(spec=None, recipe=RECIPE, **changes):
  spec = spec or grey_records.plain_spec()
  settings = grey_records.settings(
    spec, linear.test_spec(spec, 20), test_short_side=20, **changes
  )
  return linear.LinearProtocol("video", settings, recipe=recipe)


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  train = str(grey_records.bright_and_dark(root / "train", 12))
  test = str(grey_records.bright_and_dark(root / "test", 7, first=20))
  swapped = str(
    grey_records.bright_and_dark(root / "swapped", 5, first=40, flip=True)
  )
  return _protocol().open_splits([train, train], [test, swapped])


def test_brightness_separates_dark_from_bright(splits):
  encoder = grey_records.mean_colour_encoder(grey_records.plain_spec())
  result = _protocol().evaluate(encoder, splits)
  assert [split["top_1"] for split in result["splits"]] == [1.0, 0.0]
  assert result["splits"][0]["confusion"] == [[4, 0], [0, 3]]
  assert result["mean"] == {"top_1": 0.5, "top_5": None}


def test_network_stays_frozen(splits):
  spec = grey_records.plain_spec()
  network = tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125).build("f")
  network(np.zeros([1, 4, 16, 16, 3], np.float32))
  before = [variable.numpy() for variable in network.variables]
  recipe = dataclasses.replace(RECIPE, epochs=2)
  result = _protocol(recipe=recipe).evaluate(
    base.Encoder(spec, network, []), splits[:1]
  )
  for value, variable in zip(before, network.variables, strict=True):
    np.testing.assert_array_equal(variable, value, err_msg=variable.name)
  assert 0 <= result["mean"]["top_1"] <= 1


def test_test_crops_are_as_large_as_the_short_side():
  assert linear.test_spec(views.RgbViewSpec(), 256).image_size == 256
  assert linear.test_spec(views.FlowViewSpec(), 256).image_size == 128
  assert linear.test_spec(views.AudioViewSpec(), 256) == views.AudioViewSpec()
  tree = _protocol(temporal_clips=10, spatial_crops=3).to_tree()
  assert tree["test_views_per_clip"] == 30
  assert tree["test_view_size"] == 20
  assert tree["train_view"]["image_size"] == 16
  assert tree["recipe"]["learning_rate"] == 5.0
  assert tree["optimizer"]["weight_decay"] == 0.0
  assert tree["name"] == "linear"
  assert (tree["replicas"], tree["clips_per_replica"]) == (1, 4)


def test_images_are_clips_of_one_frame(tmp_path):
  for folder, first in (("train", 0), ("test", 20)):
    clips = [
      grey_records.grey_clip(f"{n}.mp4", n % 2, [40 + n + 120 * (n % 2)])
      for n in range(first, first + 8)
    ]
    record_fixture.write_records(tmp_path / folder, clips, num_shards=2)
  spec = dataclasses.replace(grey_records.plain_spec(), num_frames=1)
  protocol = _protocol(spec, temporal_clips=1, spatial_crops=3)
  splits = protocol.open_splits(
    [str(tmp_path / "train")], [str(tmp_path / "test")]
  )
  encoder = grey_records.mean_colour_encoder(spec)
  assert protocol.evaluate(encoder, splits)["mean"]["top_1"] == 1.0
