"""Images through a video network: repeated, deflated, and deflated anew."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.evaluate import grey_records
from tfvssl.backbones import deflation
from tfvssl.data.records import reader
from tfvssl.deflate import networks
from tfvssl.train import checkpoint_store
from tfvssl.train import weights

Image = networks.Image


@pytest.fixture(scope="module")
def video():
  return weights.fresh_method(tiny_runs.experiment(), 3).encoders()["video"]


def _encoder(video, image, workdir):
  return networks.encoder(video, image, workdir)


def _checkpoint(workdir, value):
  """Writes a checkpoint of step 5 that holds `value`."""
  state = {"method": tf.Variable(value)}
  checkpoint_store.CheckpointStore(workdir, state, kept=1).save(5)


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
  _checkpoint(tmp_path, 1.0)
  networks.save(twin, tmp_path, 5, {"epochs": 3})
  choices = networks.choices_of(tmp_path)
  assert choices["epochs"] == 3
  found = _encoder(video, Image.TRAINED, tmp_path).backbone(_images())
  np.testing.assert_array_equal(found, twin(_images()))
  naive = _encoder(video, Image.NAIVE, tmp_path).backbone(_images())
  assert np.abs(naive - found).max() > 1e-3
  # The same step, other weights.
  shutil.rmtree(tmp_path / "checkpoints")
  _checkpoint(tmp_path, 2.0)
  with pytest.raises(
    ValueError,
    match="deflated was not made of the run's newest checkpoint; remove the fol"
    "der and start tfvssl.deflate again",
  ):
    _encoder(video, Image.TRAINED, tmp_path)


def test_nothing_is_left_of_a_network_that_was_not_written_whole(
  video, tmp_path
):
  _checkpoint(tmp_path, 1.0)
  with pytest.raises(TypeError):
    networks.save(video.backbone, tmp_path, None, {})  # has no step to name
  assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_damaged_deflation_is_named(video, tmp_path, content):
  (tmp_path / "deflated").mkdir()
  (tmp_path / "deflated" / "deflation.json").write_text(content)
  with pytest.raises(
    ValueError, match="deflation.json is damaged; remove the folder and start"
  ):
    _encoder(video, Image.TRAINED, tmp_path)


def test_lost_weights_of_a_deflation_are_named(video, tmp_path):
  _checkpoint(tmp_path, 1.0)
  networks.save(tf.Module(), tmp_path, 5, {})
  shutil.rmtree(tmp_path / "deflated" / "checkpoints")
  with pytest.raises(
    ValueError, match="To make it anew: remove the folder and start tfvssl.defl"
  ):
    _encoder(video, Image.TRAINED, tmp_path)


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
  records = reader.open_for_views(tmp_path, [spec])
  dataset = networks.pictures(records, spec, short_side=20)
  assert dataset.element_spec == tf.TensorSpec([16, 16, 3], tf.float32)
  levels = [float(image[8, 8, 0]) * 255 for image in dataset]
  assert len(levels) == 5
  assert sorted(level > 120 for level in levels) == [False] * 3 + [True] * 2
  again = [float(image[8, 8, 0]) * 255 for image in dataset]
  assert again == levels
