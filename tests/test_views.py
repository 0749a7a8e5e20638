"""What each kind of view says of itself."""

import dataclasses

import pytest

from tfvssl import views
from tfvssl.config import pictures
from tfvssl.config import sound
from tfvssl.config import stored_config
from tfvssl.config import tree
from tfvssl.config import view

RGB = views.RgbViewSpec(num_frames=16, frame_step=2, image_size=112)
FLOW = views.FlowViewSpec(num_frames=64, frame_step=4, image_size=96)
AUDIO = views.AudioViewSpec(seconds=5.0)
WAVEFORM = views.WaveformViewSpec(seconds=3.2)
TEXT = views.TextViewSpec(vocabulary="w.txt", num_captions=5, max_words=16)
KINDS = (RGB, FLOW, AUDIO, WAVEFORM, TEXT)


@pytest.mark.parametrize(
  ("spec", "piece", "modality", "shape", "dtype"),
  [
    (RGB, "video", "rgb", (16, 112, 112, 3), "uint8"),
    (FLOW, "flow", "flow", (64, 96, 96, 2), "uint8"),
    (AUDIO, "audio", "audio", (1500, 80), "float32"),
    (WAVEFORM, "waveform", "audio", (153_600,), "float32"),
    (TEXT, "text", "text", (5, 16), "int32"),
  ],
)
def test_piece_modality_and_shape(spec, piece, modality, shape, dtype):
  assert spec.piece == piece and piece in views.View._fields
  assert spec.modalities == {views.Modality(modality)}
  assert spec.shape == shape
  assert spec.dtype == dtype


def test_words():
  assert [spec.words for spec in KINDS] == [
    "RGB, 12.5 frames per second, 1.28 s",
    "flow, 6.25 frames per second, 10.24 s",
    "log-mel, every 3.33 ms, 5 s",
    "sound, 48 kHz, 3.2 s",
    "word ids of the 5 nearest captions",
  ]


def test_samples_and_captions_may_be_absent_and_say_where_they_are():
  assert [spec.optional for spec in KINDS] == [False] * 3 + [True] * 2
  assert [spec.has_mask for spec in KINDS] == [False] * 3 + [True] * 2
  needed = [dataclasses.replace(spec, optional=False) for spec in KINDS]
  assert [spec.has_mask for spec in needed] == [False] * 3 + [True] * 2
  lacking = [dataclasses.replace(spec, optional=True) for spec in KINDS]
  assert all(spec.has_mask for spec in lacking)


def test_rates_that_are_asked_of_the_records():
  rgb, audio, packed = (
    views.Modality.RGB,
    views.Modality.AUDIO,
    views.Modality.SPECTROGRAM,
  )
  assert RGB.rate_of(rgb) == FLOW.rate_of(views.Modality.FLOW) == 25.0
  assert dataclasses.replace(RGB, record_rate_hz=30.0).rate_of(rgb) == 30.0
  assert AUDIO.rate_of(audio) == WAVEFORM.rate_of(audio) == 48_000
  assert AUDIO.rate_of(packed) is None
  assert TEXT.rate_of(views.Modality.TEXT) is None
  assert AUDIO.record_rate_hz == TEXT.record_rate_hz == 25.0


def test_rates_and_lengths_of_pictures_follow_the_records():
  spec = dataclasses.replace(RGB, record_rate_hz=30.0)
  assert spec.frame_rate_hz == 15.0
  assert spec.seconds == pytest.approx(32 / 30)
  assert (RGB.frame_rate_hz, RGB.seconds) == (12.5, 1.28)
  with pytest.raises(
    ValueError, match="`x.record_rate_hz` .0. must be above 0"
  ):
    dataclasses.replace(RGB, record_rate_hz=0).validate("x")
  with pytest.raises(ValueError, match="`x.record_rate_hz` .-1. must be above"):
    dataclasses.replace(FLOW, record_rate_hz=-1).validate("x")


def test_extent_in_frames_of_a_clip():
  def frames_of(seconds):
    return round(30 * seconds)

  assert RGB.extent(frames_of) == (16, 2)
  assert FLOW.extent(frames_of) == (64, 4)
  assert AUDIO.extent(frames_of) == (150, 1)
  assert WAVEFORM.extent(frames_of) == (96, 1)
  with pytest.raises(
    TypeError, match="also WaveformViewSpec or .*not TextView"
  ):
    TEXT.extent(frames_of)


def test_network_is_given_the_view_but_for_samples():
  assert [spec.heard is spec for spec in KINDS] == [True] * 3 + [False, True]
  assert WAVEFORM.heard.shape == (150, 80)
  assert WAVEFORM.heard.words == "log-mel, every 21.33 ms, 3.2 s"
  assert [spec.packed_spectrogram for spec in KINDS] == [
    None,
    None,
    sound.SpectrogramSpec(),
    None,
    None,
  ]


def test_view_of_a_classifier_has_no_blur_and_that_of_a_test_no_draws():
  strong = dataclasses.replace(
    RGB, augmentation=pictures.RgbAugmentation(random_convolution=True)
  )
  found = strong.without_blur().augmentation
  assert (found.blur_probability, found.random_convolution) == (0.0, False)
  assert found.colour_probability == 0.8
  found = strong.without_draws().augmentation
  assert found.flip_probability == found.colour_probability == 0.0
  assert found.greyscale_probability == found.blur_probability == 0.0
  assert not found.random_convolution
  assert FLOW.without_blur() is FLOW
  assert FLOW.without_draws().flip_probability == 0.0
  assert AUDIO.without_blur() is AUDIO and AUDIO.without_draws() is AUDIO


def test_base_class_answers_nothing():
  base = views.ViewSpec()
  with pytest.raises(TypeError, match="`x` is of the base class ViewSpec; use"):
    base.validate("x")
  with pytest.raises(TypeError, match="ViewSpec defines no `shape`"):
    _ = base.shape
  with pytest.raises(TypeError, match="ViewSpec defines no `words`"):
    _ = base.words
  assert base.piece == "" and not base.modalities
  assert views.ViewSpec is view.ViewSpec


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.piece)
def test_config_of_version_0_1_is_that_of_today(spec):
  """It lacks what came later; a run that goes on has the same config."""
  stored = tree.to_tree(spec)
  for field in ("optional", "record_rate_hz"):
    stored.pop(field, None)
  assert stored_config.from_tree(stored) == spec
  assert tree.differences(stored_config.from_tree(stored), spec) == []


def test_kinds_are_names_of_the_module_before_they_are_read():
  assert {type(spec).__name__ for spec in KINDS} <= set(dir(views))
  with pytest.raises(
    AttributeError, match="module 'tfvssl.views' has no attribute 'Rgb'"
  ):
    _ = views.Rgb
