"""Which windows are seen, in which order, and that padding leaves no trace."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.config import pictures
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.evaluate.samples import features

LEVELS = np.arange(50) * 4  # the grey level tells the frame
WINDOW = np.array([0, 2, 4, 6])
# Clips 0 to 4 go round-robin into two shards; rows follow the shards. Clip k
# is 4 k levels brighter.
BRIGHTER = 4 * np.array([[0], [2], [4], [1], [3]])


def _open(folder, clips):
  record_fixture.write_records(folder, clips, num_shards=2)
  return reader.open_records(folder, {views.Modality.RGB})


@pytest.fixture(scope="module")
def ramp_in_time(tmp_path_factory):
  clips = [
    grey_records.grey_clip(f"{number}.mp4", number % 2, LEVELS + 4 * number)
    for number in range(5)
  ]
  return _open(tmp_path_factory.mktemp("time"), clips)


def _features(which, records, **changes):
  settings = grey_records.settings(**changes)
  encoder = grey_records.mean_colour_encoder(settings.spec)
  return which(encoder, records, settings)


def _training(epochs):
  return functools.partial(features.training_features, epochs=epochs)


def test_test_clips_are_regularly_spaced_in_time(ramp_in_time):
  rows = _features(features.test_features, ramp_in_time, temporal_clips=3)
  # 4 frames, 2 apart, span 7: the last start of 50 frames is 43.
  starts = np.array([0, 21, 43])
  frames = starts[:, np.newaxis] + WINDOW
  expected = LEVELS[frames].mean(axis=1) + BRIGHTER
  # JPEG keeps a plain grey, to a level or so.
  np.testing.assert_allclose(rows[..., 0] * 255, expected, atol=1.0)
  assert rows.shape == (5, 3, 3)


def test_test_crops_go_along_the_longer_side_with_time_outermost(tmp_path):
  clip = grey_records.grey_clip("a.mp4", 0, LEVELS[:40] / 2, ramp=3.0)
  records = _open(tmp_path, [clip])
  rows = (
    _features(
      features.test_features, records, temporal_clips=2, spatial_crops=3
    )[0, :, 0]
    * 255
  )
  # 32 x 48 pixels become 16 x 24; squares of 16 start at 0, 4 and 8, which
  # are 8 pixels of 3 levels apart in the record.
  per_time = rows.reshape(2, 3)
  np.testing.assert_allclose(np.diff(per_time, axis=1), 24.0, atol=1.0)
  assert np.all(per_time[1] > per_time[0] + 40)


def test_every_epoch_draws_another_start_of_every_clip(ramp_in_time):
  rows = _features(_training(6), ramp_in_time)
  levels = rows[..., 0] * 255 - BRIGHTER
  starts = levels / 4 - 3  # the mean of start + 0, 2, 4, 6
  np.testing.assert_allclose(starts, np.round(starts), atol=0.3)
  assert starts.min() > -0.5
  assert starts.max() < 43.5
  assert len(np.unique(np.round(starts))) > 15  # of 30 draws from 44


def test_features_do_not_depend_on_the_batch_and_repeat(ramp_in_time):
  for which in (_training(2), features.test_features):
    padded = _features(which, ramp_in_time, batch_size=4)
    whole = _features(which, ramp_in_time, batch_size=10)
    np.testing.assert_allclose(whole, padded, rtol=1e-6)


def test_flow_is_seen_in_units_of_its_scale(tmp_path):
  clip = record_fixture.make_clip(0, num_frames=12, modalities=("flow",))
  image = np.concatenate([np.full([36, 64, 1], 191), np.full([36, 64, 1], 64)])
  png = tf.io.encode_png(tf.constant(image, tf.uint8)).numpy()
  clip.flow = [png] * 12
  record_fixture.write_records(tmp_path, [clip], num_shards=1)
  records = reader.open_records(tmp_path, {views.Modality.FLOW})
  spec = views.FlowViewSpec(
    num_frames=4,
    image_size=16,
    resize_short_side=20,
    flip_probability=0.0,
    scale_px=10.0,
  )
  settings = grey_records.settings(spec)
  encoder = grey_records.mean_colour_encoder(spec)
  # Bound 20 px: one level is 20 / 127 px per frame.
  levels = np.array([191.0, 64.0]) - schema.FLOW_ZERO
  expected = levels * 20 / 127 / 10
  for which in (_training(2), features.test_features):
    rows = which(encoder, records, settings)
    np.testing.assert_allclose(rows[0, 0], expected, rtol=1e-2)


def test_clips_that_lack_the_modality_have_no_row(tmp_path):
  clips = [
    record_fixture.make_clip(seed, num_frames=12, modalities=("rgb", "audio"))
    for seed in range(2)
  ]
  clips.insert(
    1, record_fixture.make_clip(3, num_frames=12, modalities=("audio",))
  )
  records = _open(tmp_path, clips)
  rows = _features(features.test_features, records, temporal_clips=1)
  assert rows.shape == (2, 1, 3)


def test_training_view_has_no_blur_and_no_random_convolution():
  augmentation = pictures.RgbAugmentation(
    random_convolution=True, hue_delta=0.1
  )
  spec = views.RgbViewSpec(num_frames=8, augmentation=augmentation)
  expected = dataclasses.replace(
    spec,
    augmentation=pictures.RgbAugmentation(
      blur_probability=0.0, random_convolution=False, hue_delta=0.1
    ),
  )
  assert features.training_spec(spec) == expected
  assert features.training_spec(views.AudioViewSpec()) == views.AudioViewSpec()


def test_sound_has_one_view_per_window_in_time():
  sound = grey_records.settings(views.AudioViewSpec(), spatial_crops=3)
  assert features.views_per_clip(sound) == 2
  assert features.views_per_clip(grey_records.settings(spatial_crops=3)) == 6


def test_shapes_at_the_network_follow_the_kind_of_view():
  rgb = views.RgbViewSpec(num_frames=8, image_size=112)
  assert features.input_shape(rgb) == [1, 8, 112, 112, 3]
  flow = views.FlowViewSpec(num_frames=4, image_size=96)
  assert features.input_shape(flow) == [1, 4, 96, 96, 2]
  assert features.input_shape(views.AudioViewSpec()) == [1, 1500, 80]
  with pytest.raises(TypeError, match="AudioViewSpec, not ViewSpec"):
    features.input_shape(views.ViewSpec())


def test_one_frame_is_a_view(tmp_path):
  clips = [grey_records.grey_clip("a.mp4", 0, [100])]
  spec = dataclasses.replace(grey_records.plain_spec(), num_frames=1)
  settings = grey_records.settings(spec)
  rows = features.test_features(
    grey_records.mean_colour_encoder(spec), _open(tmp_path, clips), settings
  )
  np.testing.assert_allclose(rows, 100 / 255, atol=0.01)
  assert rows.shape == (1, 2, 3)
