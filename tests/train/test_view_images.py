import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.data import record_fixture
from tfvssl import views
from tfvssl.data.records import reader
from tfvssl.train import view_images
from tfvssl.train import weights


def test_frames_stand_side_by_side():
  video = np.zeros([1, 2, 3, 4, 3], np.float32)
  video[0, 1] = 1.0
  image = view_images.picture(views.View(video=tf.constant(video)), 0)
  assert image.shape == (3, 8, 3)
  assert (image[:, :4] == 0).all() and (image[:, 4:] == 255).all()


def test_values_beyond_the_range_are_scaled_over_the_clip():
  video = np.array([-1.0, 0.0, 3.0], np.float32).reshape(1, 3, 1, 1, 1)
  image = view_images.picture(views.View(video=video.repeat(3, -1)), 0)
  assert image[0, :, 0].tolist() == [0, 64, 255]


def test_flow_direction_is_hue_and_rest_is_white():
  flow = np.zeros([1, 1, 1, 3, 2], np.float32)
  flow[0, 0, 0, 0] = (1.0, 0.0)
  flow[0, 0, 0, 1] = (-1.0, 0.0)
  image = view_images.picture(views.View(flow=flow), 0)
  assert image[0].tolist() == [[255, 0, 0], [0, 255, 255], [255, 255, 255]]


def test_sound_runs_to_the_right_with_low_tones_at_the_bottom():
  log_mel = np.zeros([1, 5, 2], np.float32)
  log_mel[0, 3, 0] = 7.0  # late and low
  image = view_images.picture(views.View(audio=log_mel), 0)
  assert image.shape == (2, 5, 3)
  brightest = np.unravel_index(image.sum(-1).argmax(), (2, 5))
  assert brightest == (1, 3)


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_constant_sound_is_finite(value):
  image = view_images.picture(
    views.View(audio=np.full([1, 5, 2], value, np.float32)), 0
  )
  assert (image == image[0, 0]).all()


def test_labels_that_the_method_made_stand_below_the_picture():
  video = np.full([1, 1, 2, 12, 3], 0.5, np.float32)
  targets = np.array([[10, -7]], np.int32)
  view = views.View(video=tf.constant(video))
  plain = view_images.picture(view, 0)
  image = view_images.picture(view._replace(targets=targets), 0)
  assert image.shape == (2 + 9, 20, 3)  # the numbers are wider
  np.testing.assert_array_equal(image[:2, :12], plain)
  assert not image[:2, 12:].any()
  lit = image[4:9, :, 0] == 255
  assert ["".join(".#"[point] for point in row) for row in lit] == [
    ".#..###.........###.",
    "##..#.#...........#.",
    ".#..#.#.....###...#.",
    ".#..#.#...........#.",
    "###.###...........#.",
  ]


def test_summary_holds_every_view(tmp_path):
  folder = record_fixture.tiny_records(tmp_path / "records")
  method = weights.fresh_method(tiny_runs.experiment(), 0)
  records = reader.open_for_views(folder, method.view_specs.values())
  view_images.write_summary(
    method, records, folder=tmp_path / "views", seed=0, step=3, clips=2
  )
  (path,) = (tmp_path / "views").iterdir()
  found = {
    (event.step, value.tag)
    for event in tf.compat.v1.train.summary_iterator(str(path))
    for value in event.summary.value
  }
  assert found == {(3, "narrow"), (3, "broad_audio")}
