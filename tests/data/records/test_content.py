"""Digests of clips by hand, and which clips they call equal."""

import hashlib

import numpy as np
import pytest

from tfvssl import views
from tfvssl.data.records import content
from tfvssl.data.records import manifest

RGB, FLOW = views.Modality.RGB, views.Modality.FLOW
AUDIO, SPECTROGRAM = views.Modality.AUDIO, views.Modality.SPECTROGRAM


def _hex(value):
  return hashlib.sha256(value).hexdigest()[:16]


def _sound(*samples):
  return [np.array(samples, "<i2").tobytes()]


def test_digest_names_pictures_and_sound_and_what_does_not_change():
  tone = _sound(0, 900, -900)
  assert content.describe({RGB: [b"a", b"b"], AUDIO: tone}) == (
    f"rgb:{_hex(b'ab')} audio:{_hex(tone[0])}"
  )
  assert content.describe({RGB: [b"a", b"a"]}) == f"rgb:{_hex(b'aa')}="
  assert content.describe({RGB: [b"a"]}) == f"rgb:{_hex(b'a')}"
  assert content.describe({AUDIO: _sound(7, 7)}).endswith("=")
  assert content.describe({RGB: [b"a", b"b"]}, still=True).endswith("=")
  assert content.describe({AUDIO: tone}, silent=True).endswith("=")
  # The first of two that show the same stands for both.
  assert content.describe({RGB: [b"a"], FLOW: [b"f"], SPECTROGRAM: [b"s"]}) == (
    f"rgb:{_hex(b'a')} spectrogram:{_hex(b's')}"
  )
  assert content.describe({}) == ""


@pytest.mark.parametrize(
  ("samples", "silent"),
  [
    ([0, 0], True),
    ([30, -30], True),
    ([31, 0], False),
    ([0, -31], False),
    ([-32768, 0], False),
    ([500, 500], True),
  ],
)
def test_silence_is_a_peak_of_at_most_30(samples, silent):
  waveform = np.array(samples, np.int16)
  assert content.is_silent(waveform) == silent
  digest = content.describe({RGB: [b"a", b"b"], AUDIO: [waveform.tobytes()]})
  assert manifest.has_silent_sound(digest) == silent


@pytest.mark.parametrize(
  ("first", "second", "equal"),
  [
    ("rgb:a audio:b", "rgb:a audio:b", True),
    ("rgb:a= audio:b", "rgb:a= audio:c", False),  # black, other sound
    ("rgb:a audio:b=", "rgb:c audio:b=", False),  # silent, other pictures
    ("rgb:a= audio:b", "rgb:a= audio:b", True),
    ("rgb:a audio:b", "rgb:a= audio:b=", False),
    ("rgb:a= audio:b=", "rgb:a= audio:b=", False),  # black and silent
    ("rgb:a=", "rgb:a=", False),
    ("rgb:a", "rgb:a", True),
    ("rgb:a audio:b", "rgb:a", True),  # all that both hold
    ("rgb:a= audio:b", "rgb:a=", False),
    ("audio:b", "rgb:a audio:b", True),
    ("rgb:a", "flow:a", False),
    ("rgb:a", "audio:a", False),
    ("", "", False),
  ],
)
def test_clips_are_equal_by_all_that_both_hold(first, second, equal):
  others = ["rgb:x audio:y", "rgb:z", ""]
  found = list(content.equal_pairs([*others, first], ["rgb:q", second]))
  assert found == ([(3, 1)] if equal else [])


def test_constant_is_what_does_not_change_at_all():
  assert content.is_constant("rgb:a= audio:b=")
  assert not content.is_constant("rgb:a= audio:b")
  assert not content.is_constant("")
  assert content.plain("rgb:a= audio:b=") == "rgb:a audio:b"
