"""What an export says of a network that is a mean of colours."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl.deflate import networks
from tfvssl.export import description
from tfvssl.export import writer
from tfvssl.runtime import unfinished


def _encoder(**changes):
  return grey_records.mean_colour_encoder(grey_records.plain_spec(**changes))


def _export(output, *, records="", **arguments):
  experiment = tiny_runs.experiment(records)
  experiment.svm.test_short_side = 20
  writer.export(
    {"video": _encoder()}, output, experiment=experiment, step=3, **arguments
  )
  return description.load_description(output)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("export") / "model"
  _export(folder, max_batch_size=4)
  return folder / "1"


def test_export_is_made_by_one_and_without_what_a_killed_one_left(tmp_path):
  with unfinished.held(tmp_path / "model"):
    with pytest.raises(ValueError, match="model is being made by"):
      _export(tmp_path / "model")
  left = tmp_path / ".model.unfinished-1234"
  left.mkdir()
  (left / "saved_model.pb").write_text("half")
  _export(tmp_path / "model")
  assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_golden_file_holds_the_means_of_the_fixed_request(folder):
  with np.load(folder / description.GOLDEN_NAME) as golden:
    pixels = description.golden_request("video_uint8", (4, 16, 16, 3))
    means = pixels.astype(np.float64).mean(axis=(1, 2, 3)) / 255
    for signature in ("video_uint8", "video"):
      for output in ("backbone", "embedding"):
        np.testing.assert_allclose(
          golden[f"{signature}/{output}"], means, rtol=1e-6
        )


def test_reloaded_model_gives_the_means(folder):
  model = tf.saved_model.load(str(folder))
  video = np.zeros([1, 4, 16, 16, 3], np.uint8)
  video[..., 0], video[..., 2] = 255, 51
  outputs = model.signatures["video_uint8"](video=tf.constant(video))
  # The mean of 1024 values in float32.
  np.testing.assert_allclose(outputs["backbone"], [[1, 0, 0.2]], atol=1e-5)


def test_description_of_the_view(folder):
  found = description.load_description(folder)
  assert found["step"] == 3
  assert found["max_batch_size"] == 4
  assert found["signatures"]["video"]["outputs"] == {
    "backbone": 3,
    "embedding": 3,
  }
  assert found["video"] == {
    "num_frames": 4,
    "record_frame_rate_hz": 25.0,
    "frame_step": 2,
    "frame_rate_hz": 12.5,
    "seconds": 8 / 25,
    # Nothing is known of the records.
    "record_short_side": 256,
    "short_side": 20,
    "image_size": 16,
  }
  assert found["audio"] is None


def test_short_side_is_that_of_the_training_records(tmp_path):
  records = record_fixture.write_records(
    tmp_path / "records",
    [grey_records.grey_clip("a.mp4", 0, [100] * 4)],
    config={"frame_rate_hz": 25.0, "short_side": 48},
  )
  found = _export(tmp_path / "model", records=records)
  assert found["video"]["record_short_side"] == 48


def test_images_need_a_video_network(tmp_path):
  audio = tiny_runs.method_config().build().encoders()["audio"]
  with pytest.raises(
    ValueError, match=r"`image` \(naive\) needs a video network; the run has a"
  ):
    writer.export(
      {"audio": audio},
      tmp_path / "model",
      experiment=tiny_runs.experiment(),
      step=0,
      image=networks.Image.NAIVE,
    )
  assert not list(tmp_path.iterdir())
