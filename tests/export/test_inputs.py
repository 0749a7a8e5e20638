"""The rules of a request, without a network."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tfvssl import views
from tfvssl.config import sound
from tfvssl.export import inputs

_SOUND = views.AudioViewSpec(
  seconds=0.5,
  spectrogram=sound.SpectrogramSpec(frame_length=1920, frame_step=960),
)
_VIDEO = views.RgbViewSpec(num_frames=4, image_size=16)


def test_signatures_of_sight_sound_text_and_images():
  image = dataclasses.replace(_VIDEO, num_frames=1, image_size=8)
  found = inputs.of_encoders(
    {"text": views.TextViewSpec(), "audio": _SOUND, "video": _VIDEO}, image
  )
  assert list(found) == [
    *("video", "video_uint8", "audio", "text", "image", "image_uint8")
  ]
  assert {name: entry.shape for name, entry in found.items()} == {
    "video_uint8": (4, 16, 16, 3),
    "video": (4, 16, 16, 3),
    "audio": (24_000,),
    "text": (),
    "image_uint8": (8, 8, 3),
    "image": (8, 8, 3),
  }
  assert found["video_uint8"].dtype == tf.uint8
  assert (found["audio"].low, found["audio"].high) == (-1, 1)
  assert found["text"].items == "sentences"
  assert list(inputs.of_encoders({"audio": _SOUND})) == ["audio"]


def test_the_default_signature_is_the_first():
  assert next(iter(inputs.of_encoders({"video": _VIDEO}))) == "video"


@pytest.mark.parametrize(
  ("signature", "modality"),
  [("video_uint8", "video"), ("image", "image"), ("audio", "audio")],
)
def test_modality_of_a_signature(signature, modality):
  assert inputs.modality_of(signature) == modality


def test_sound_may_go_on_for_what_the_last_frames_reach():
  assert _SOUND.num_samples == 24_000
  assert _SOUND.spectrogram.extra_samples == 960
  apart = dataclasses.replace(
    _SOUND,
    spectrogram=sound.SpectrogramSpec(frame_length=320, frame_step=400),
  )
  assert apart.spectrogram.extra_samples == 0
  required = inputs.of_encoders({"audio": _SOUND})["audio"]
  assert required.longest == (24_960,)
  assert required.shapes == ((24_000,), (24_960,))
  required = inputs.of_encoders({"audio": apart})["audio"]
  assert required.shapes == ((24_000,),)


def _sound(length, extra):
  return inputs.Input(
    "waveform", tf.float32, (length,), -1.0, 1.0, "divide", extra
  )


def test_silence_stands_where_the_extra_samples_are_not():
  required = _sound(3, 2)
  given = tf.constant([[0.5, 0.25, 1.0]])
  np.testing.assert_array_equal(
    inputs.append_silence(given, required), [[0.5, 0.25, 1.0, 0, 0]]
  )
  whole = tf.constant([[1.0, 2, 3, 4, 5]])
  np.testing.assert_array_equal(inputs.append_silence(whole, required), whole)
  assert inputs.append_silence(given, _sound(3, 0)) is given


def _problem(request, required, most=2):
  @tf.function(
    input_signature=[tf.TensorSpec(None, required.dtype)], autograph=False
  )
  def find(request):
    return inputs.find_problem(request, required, most)

  return find(tf.constant(request, required.dtype)).numpy().decode()


@pytest.mark.parametrize(
  ("request_shape", "message"),
  [
    ([2, 3], ""),
    ([2, 5], ""),
    ([0, 3], ""),
    ([3], "`waveform` must have rank 2 [batch, 3] or [batch, 5]; got shape"),
    ([1, 4], "`waveform` must have shape [batch, 3] or [batch, 5]; got [1 4]"),
    ([3, 3], "`waveform` must hold at most 2 clips; got 3; send several req"),
    # The first rule that is broken is the one that is named.
    ([3, 4], "`waveform` must have shape"),
  ],
)
def test_shapes(request_shape, message):
  found = _problem(np.zeros(request_shape), _sound(3, 2))
  assert found.startswith(message) and bool(found) == bool(message)


@pytest.mark.parametrize(
  ("values", "message"),
  [
    ([1.0, -1.0, 1.0009], ""),
    ([0.0, 2.0, -3.0], "`waveform` must lie in [-1, 1]; got -3 to 2; divide."),
    ([0.0, np.nan, np.inf], "`waveform` must be finite; 2 values are NaN or"),
  ],
)
def test_values(values, message):
  found = _problem([values], _sound(3, 0))
  assert found.startswith(message) and bool(found) == bool(message)


def test_integers_and_words_have_no_range():
  pixels = inputs.Input("video", tf.uint8, (2,), 0, 255)
  assert not _problem([[0, 255]], pixels)
  words = inputs.Input(
    "sentences", tf.string, (), None, None, items="sentences"
  )
  assert not _problem(["a", "b"], words)
  assert _problem(["a"] * 3, words).startswith(
    "`sentences` must hold at most 2 sentences; got 3"
  )
