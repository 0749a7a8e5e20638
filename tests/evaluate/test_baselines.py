"""Raw baselines: what they see, and what they cannot."""

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl.evaluate import baselines
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.runtime import exit_codes


def test_features_of_two_colours_by_hand():
  video = np.zeros([2, 12, 12, 3], np.uint8)
  video[1, :, :, 0] = 64  # red level 1, a quarter of the range
  features = baselines.pixel_features(tf.constant(video), pairs=1)
  histogram = features["colour histogram"].numpy()
  assert histogram[0] == pytest.approx(0.5)
  assert histogram[16] == pytest.approx(0.5)
  assert histogram.sum() == pytest.approx(1.0)
  mean = features["mean image"].numpy().reshape(12, 12, 3)
  np.testing.assert_allclose(mean[..., 0], 32)
  np.testing.assert_allclose(mean[..., 1:], 0)
  np.testing.assert_allclose(
    features["frame difference"], np.full(144, 64 / 3), rtol=1e-6
  )


def test_still_pictures_have_no_difference():
  video = np.random.default_rng(0).integers(0, 255, [1, 24, 36, 3], np.uint8)
  features = baselines.pixel_features(
    tf.constant(np.concatenate([video, video])), pairs=1
  )
  assert not features["frame difference"].numpy().any()


def test_every_clip_with_pictures_has_a_row(tmp_path):
  encoded = [record_fixture.make_clip(seed) for seed in range(4)]
  encoded[3].path, encoded[3].label_index = "other.mp4", -1
  encoded.append(record_fixture.make_clip(4, modalities=("audio",)))
  record_fixture.write_records(tmp_path, encoded)
  samples, classes = baselines.samples(tmp_path)
  assert classes == record_fixture.CLASSES
  assert set(samples) == set(baselines.NAMES)
  for part in samples.values():
    assert part.features.shape[:2] == (4, 1)
    # Round-robin over three shards: clips 0, 3, 1, 2.
    assert part.labels.tolist() == [0, -1, 1, 0]
    assert part.sources == [
      "down/clip000.mp4",
      "other.mp4",
      "right/clip001.mp4",
      "down/clip002.mp4",
    ]
    assert part.clip_ids[1] == "right/clip003.mp4"


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
  """Squares that move; one test clip and one training clip have no label."""
  root = tmp_path_factory.mktemp("moving")
  for folder, seeds in (("train", range(13)), ("test", range(13, 22))):
    encoded = [record_fixture.make_clip(seed, num_frames=30) for seed in seeds]
    encoded[0].label_index = -1
    record_fixture.write_records(root / folder, encoded)
  return root


@pytest.mark.parametrize("rule", list(linear_svm.ChooseC))
def test_frame_difference_tells_directions(moving, rule):
  found = baselines.measure(
    moving / "train", moving / "test", choose_c=rule, grid_c=(1e-4, 1e-2)
  )
  assert found["frame difference"].top_1 == 1.0
  assert found["frame difference"].c == 1e-4  # the smallest of equal ones
  assert found["colour histogram"].top_1 < 1.0


def test_c_follows_the_rule_that_was_asked_for(moving):
  train, test = (
    baselines.samples(moving / name)[0]["colour histogram"]
    for name in ("train", "test")
  )
  train, test = (
    linear_svm.subset(part, np.flatnonzero(part.labels >= 0))
    for part in (train, test)
  )
  grid = (1e-4, 1e-2, 1.0, 100.0)
  for rule in linear_svm.ChooseC:
    expected = linear_svm.choose(train, test, grid, rule)
    found = baselines.measure(
      moving / "train", moving / "test", choose_c=rule, grid_c=grid
    )["colour histogram"]
    assert found.c == expected.c
    assert found.top_1 == linear_svm.accuracy(expected.classifier, test).top_1


def test_broken_picture_ends_in_one_line_with_shard_and_record(tmp_path):
  encoded = [record_fixture.make_clip(seed, num_frames=3) for seed in range(4)]
  encoded[3].frames = [b"no picture"] * 3
  record_fixture.write_records(tmp_path, encoded, num_shards=1)
  with pytest.raises(exit_codes.UserError) as caught:
    baselines.samples(tmp_path)
  assert caught.value.exit_code == exit_codes.DATA
  assert "clips-00000-of-00001.tfrecord: record 3 at byte" in str(caught.value)
  assert "image/encoded 0 of 3 is not a whole image" in str(caught.value)
