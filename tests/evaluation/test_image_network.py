"""Images through a video network: repeated, deflated, and deflated anew."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.evaluation import grey_records
from tfvssl import checkpoints
from tfvssl import views
from tfvssl.backbones import deflation
from tfvssl.data import reader
from tfvssl.evaluation import image_network

Image = image_network.Image


@pytest.fixture(scope="module")
def video():
  return checkpoints.fresh_method(tiny_runs.experiment(), 3).encoders()["video"]


def _encoder(video, image, workdir, step=5):
  method = tiny_runs.method_config()
  return image_network.encoder(video, method, image, workdir, step)


def _images():
  generator = np.random.default_rng(0)
  return generator.uniform(size=[2, 1, 16, 16, 3]).astype(np.float32)


def test_repeated_image_is_a_film_in_which_nothing_moves(video, tmp_path):
  encoder = _encoder(video, Image.REPEATED, tmp_path)
  assert encoder.spec.num_frames == 1
  found = encoder(_images())
  expected = video(np.repeat(_images(), 4, axis=1))
  for name, value in expected.items():
    np.testing.assert_array_equal(found[name], value)


def test_trained_network_is_read_from_the_run(video, tmp_path):
  twin = deflation.deflate(
    video.backbone, tiny_runs.method_config().narrow_backbone, "image_backbone"
  )
  for variable in twin.trainable_variables:
    if "gamma" in variable.name:
      variable.assign(variable * 1.5)
  image_network.save(twin, tmp_path, step=5)
  found = _encoder(video, Image.TRAINED, tmp_path).backbone(_images())
  np.testing.assert_array_equal(found, twin(_images()))
  naive = _encoder(video, Image.NAIVE, tmp_path).backbone(_images())
  assert np.abs(naive - found).max() > 1e-3
  with pytest.raises(
    ValueError,
    match="was deflated from step 5, the newest checkpoint is of step 6; remov",
  ):
    _encoder(video, Image.TRAINED, tmp_path, step=6)


def test_trained_network_must_be_there(video, tmp_path):
  with pytest.raises(
    FileNotFoundError,
    match="deflated holds no deflated network; train one with tfvssl.deflate",
  ):
    _encoder(video, Image.TRAINED, tmp_path)
  assert not list(tmp_path.iterdir())


def test_pictures_are_the_first_frames(tmp_path):
  grey_records.bright_and_dark(tmp_path, 5)
  spec = grey_records.plain_spec()
  records = reader.open_for_views(tmp_path, [spec], views.FRAME_RATE_HZ)
  dataset = image_network.pictures(records, spec, short_side=20)
  assert dataset.element_spec == tf.TensorSpec([16, 16, 3], tf.float32)
  levels = [float(image[8, 8, 0]) * 255 for image in dataset]
  assert len(levels) == 5
  assert sorted(level > 120 for level in levels) == [False] * 3 + [True] * 2
  again = [float(image[8, 8, 0]) * 255 for image in dataset]
  assert again == levels
