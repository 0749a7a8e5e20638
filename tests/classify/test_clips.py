"""A new video is seen as the evaluation sees it in a record, to the bit."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import settings as settings_lib
from data_prep.prepare_records import sources
from tests.data import record_fixture
from tfvssl import views
from tfvssl.classify import clips
from tfvssl.config import protocols
from tfvssl.data.media import mp4
from tfvssl.data.media import streams
from tfvssl.data.records import reader
from tfvssl.evaluate.classifiers import saved
from tfvssl.evaluate.samples import features
from tfvssl.runtime import storage

_SPEC = views.RgbViewSpec(num_frames=4, frame_step=2, image_size=16)
_SIGNATURE = {"num_frames": 4, "frame_step": 2, "image_size": 16}
_VIEWS = {"temporal_clips": 3, "spatial_crops": 2, "test_short_side": 20}


def _layer():
  return saved.Classifier(
    classes=np.array(["a", "b"]),
    weights=np.zeros([1, 2]),
    bias=np.zeros(2),
    mean=np.zeros(1),
    scale=np.ones(1),
    softmax=False,
    record_short_side=32,
    jpeg_quality=90,
    frame_rate_hz=25.0,
    network="",
    protocol="svm",
    **_VIEWS,
  )


# A video of fewer frames than a view loops in both.
@pytest.mark.parametrize("num_frames", [23, 5])
def test_views_are_those_of_the_evaluation(tmp_path, num_frames):
  draw = np.random.default_rng(num_frames)
  blocks = draw.integers(0, 256, [num_frames, 6, 9, 3], np.uint8)
  path = storage.Path(tmp_path / "new.mp4")
  mp4.encode(blocks.repeat(8, 1).repeat(8, 2), 25, path)
  found = np.stack(list(clips.test_views(path, _layer(), _SIGNATURE)))

  choices = settings_lib.Settings(
    modalities=("rgb",), short_side=32, jpeg_quality=90, clip_seconds=10.0
  )
  source = sources.ClipSource(str(path), "new.mp4", "new.mp4")
  encoded = list(encode_clip.encode(source, (), choices, encode_clip.Notes()))
  folder = record_fixture.write_records(
    tmp_path / "records", encoded, num_shards=1
  )
  settings = features.Settings(
    _SPEC, _SPEC, protocols.TestViews(**_VIEWS), 6, 0
  )
  expected = features.test_outputs(
    lambda pixels: tf.reshape(pixels * 255.0, [6, -1]),
    reader.open_for_views(folder, [_SPEC]),
    settings,
  )
  assert found.shape == (6, 4, 16, 16, 3) and found.dtype == np.uint8
  np.testing.assert_array_equal(
    found, expected.reshape(found.shape).round().astype(np.uint8)
  )
  assert len({view.tobytes() for view in found}) > 1


def test_sound_alone_is_told(tmp_path):
  path = storage.Path(tmp_path / "a.wav")
  path.write_bytes(
    b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0"
    b"\x80\x3e\0\0\2\0\x10\0data\0\x10\0\0" + bytes(4096)
  )
  with pytest.raises(streams.MediaError, match="no_stream: no video in it"):
    clips.test_views(path, _layer(), _SIGNATURE)
