"""Every kind of view goes to its own augmentation, by its own draws."""

import numpy as np
import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.augment import flow
from tfvssl.augment import rgb
from tfvssl.augment import sound
from tfvssl.augment import view as view_augmentation
from tfvssl.config import pictures
from tfvssl.config import sound as sound_config
from tfvssl.data import spectrogram

_BATCH = 3
_ABOUT = {
  "sample_index": tf.constant([4, 9, 2], tf.int64),
  "epoch": tf.constant([0, 1, 1], tf.int64),
  "labels": tf.constant([5, 6, 7], tf.int64),
}
_DRAWS = {
  "seed": 11,
  "epoch": _ABOUT["epoch"],
  "sample_index": _ABOUT["sample_index"],
  "view": "seen",
}
_LOG_MEL = sound_config.SpectrogramSpec(
  frame_length=1920, frame_step=960, num_mels=40
)


def _pixels(channels):
  draw = np.random.default_rng(0)
  shape = [_BATCH, 2, 16, 16, channels]
  return tf.constant(draw.integers(1, 256, shape, np.uint8))


def _samples(count):
  draw = np.random.default_rng(1)
  return tf.constant(draw.uniform(-1, 1, [_BATCH, count]), tf.float32)


def _augment(view, spec, name="seen"):
  return view_augmentation.augment(view._replace(**_ABOUT), spec, 11, name)


def _only(view, field):
  """Returns the field, after a check that no other piece is there."""
  pieces = ("video", "flow", "audio", "waveform", "text")
  assert [p for p in pieces if getattr(view, p) is not None] == [field]
  for name, value in _ABOUT.items():
    assert getattr(view, name) is value
  return getattr(view, field)


def test_pictures():
  spec = views.RgbViewSpec(
    augmentation=pictures.RgbAugmentation(greyscale_probability=0.5)
  )
  video = _pixels(3)
  found = _only(_augment(views.View(video=video), spec), "video")
  expected = rgb.augment(video, spec.augmentation, **_DRAWS)
  tf.debugging.assert_equal(found, expected)
  other = _augment(views.View(video=video), spec, "another").video
  assert not np.array_equal(found, other)


def test_flow_in_units_of_its_scale():
  spec = views.FlowViewSpec(bound_px=10.0, scale_px=5.0)
  stored = _pixels(2)
  found = _only(_augment(views.View(flow=stored), spec), "flow")
  expected = flow.augment(stored, spec, bound_px=10.0, **_DRAWS)
  tf.debugging.assert_equal(found, expected)


def test_samples_become_a_spectrogram():
  spec = views.WaveformViewSpec(
    seconds=0.1, spectrogram=_LOG_MEL, noise=0.1, temporal_jitter_s=0.0
  )
  samples = _samples(4800)
  found = _only(_augment(views.View(waveform=samples), spec), "audio")
  assert found.shape == (_BATCH, 5, 40)
  expected = sound.augment(samples, spec, **_DRAWS)
  tf.debugging.assert_equal(found, expected)
  clean = spectrogram.log_mel(samples, _LOG_MEL)
  assert np.abs(found - clean).max() > 0.01


@pytest.mark.parametrize(
  ("spec", "field", "tensor"),
  [
    (views.AudioViewSpec(), "audio", tf.ones([_BATCH, 5, 40])),
    (views.TextViewSpec(), "text", tf.ones([_BATCH, 2, 4], tf.int32)),
  ],
)
def test_spectrograms_and_word_ids_stay_as_they_are(spec, field, tensor):
  for change in (_augment, lambda v, s: view_augmentation.plain(v, s)):
    view = views.View(**{field: tensor}, **_ABOUT)
    assert _only(change(view, spec), field) is tensor


def test_nothing_is_random_in_a_test():
  video, stored = _pixels(3), _pixels(2)
  seen = view_augmentation.plain(
    views.View(video=video, **_ABOUT), views.RgbViewSpec()
  )
  pixels = video.numpy().astype(np.float32) / np.float32(255)
  np.testing.assert_array_equal(_only(seen, "video"), pixels)
  seen = view_augmentation.plain(
    views.View(flow=stored, **_ABOUT),
    views.FlowViewSpec(bound_px=10.0, scale_px=5.0),
  )
  # 127 levels up are 10 pixels a frame, which are 2 in units of 5.
  expected = (stored.numpy().astype(np.float32) - 128) / 127 * 2
  np.testing.assert_allclose(_only(seen, "flow"), expected, rtol=1e-6)


@pytest.mark.parametrize("field", ["video", "flow", "audio", "text"])
def test_network_takes_what_the_view_holds(field):
  tensor = tf.ones([2, 3])
  view = views.View(**{field: tensor})
  assert view_augmentation.network_input(view) is tensor


def test_view_that_holds_nothing():
  with pytest.raises(
    ValueError,
    match="a view holds neither video nor flow nor audio nor text.",
  ):
    view_augmentation.network_input(views.View(waveform=tf.ones([2, 3])))
