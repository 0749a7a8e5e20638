"""Kinds of spectrograms: their sizes, and what records say of them."""

import dataclasses

import pytest

from tfvssl.config import sound


@dataclasses.dataclass
class Other(sound.Spectrogram):
  """A kind that fills no last frame."""

  sample_rate_hz: int = 48_000
  frame_length: int = 320
  frame_step: int = 160

  title = "other"
  bins_title = "filters"

  def num_frames(self, num_samples):
    return 1 + (num_samples - self.frame_length) // self.frame_step


def test_sizes_of_log_mel():
  kind = sound.SpectrogramSpec()
  assert [kind.num_frames(n) for n in (160, 161, 48_000)] == [1, 2, 300]
  assert kind.num_bins == 80
  assert kind.frame_rate_hz == 300.0
  assert kind.extra_samples == 160
  assert sound.SpectrogramSpec(frame_length=100).extra_samples == 0
  assert kind.words == "log-mel, every 3.33 ms"


def test_records_hold_the_fields_and_of_other_kinds_the_class():
  kind = sound.SpectrogramSpec()
  assert kind.to_manifest() == {
    "sample_rate_hz": 48_000,
    "frame_length": 320,
    "frame_step": 160,
    "num_mels": 80,
    "lower_hz": 80.0,
    "upper_hz": 7600.0,
    "log_scale": 10_000.0,
  }
  assert Other().to_manifest() == {
    "class": "Other",
    "sample_rate_hz": 48_000,
    "frame_length": 320,
    "frame_step": 160,
  }


def test_kinds_are_compared_with_their_class():
  alike = dataclasses.make_dataclass(
    "Alike", [], bases=(sound.SpectrogramSpec,)
  )
  assert alike() == alike()
  assert alike() != sound.SpectrogramSpec()


def test_base_class_is_no_kind():
  kind = sound.Spectrogram(48_000, 320, 160)
  with pytest.raises(TypeError, match="`x` is of the base class Spectrogram"):
    kind.validate("x")
  with pytest.raises(TypeError, match="Spectrogram defines no `num_frames`"):
    kind.num_frames(3)
  with pytest.raises(TypeError, match="Other defines no `num_bins`"):
    _ = Other().num_bins
