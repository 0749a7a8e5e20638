"""Figures of hand-made embeddings."""

import numpy as np
import pytest

from tests.evaluate import circles
from tfvssl.evaluate.retrieval import figures

_FIELDS = ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank")


def _by_name(values, field):
  return {d.name: values[f"{d.name}_{field}"] for d in circles.DIRECTIONS}


def test_figures_by_hand():
  values = figures.figures(circles.embedded(), circles.DIRECTIONS)
  assert list(values) == [
    f"{d.name}_{f}" for d in circles.DIRECTIONS for f in _FIELDS
  ]
  assert _by_name(values, "recall_at_1") == pytest.approx(
    {
      # 4 captions of the clips 3, 5, 8, which both hold: 10 finds 0, 200 finds
      # 180 instead of 90, 100 finds 90, 170 finds 180.
      "text_to_video": 3 / 4,
      # 0 has 10 next; 90 has 100; 180 has 170 next, closer than 200.
      "video_to_text": 3 / 3,
      # Clips 3, 5, 4 hold both. 10 finds 0; 200 finds 240 instead of 120; 100
      # finds 120; 250 finds 240.
      "text_to_audio": 3 / 4,
      "audio_to_text": 3 / 3,
      # Clips 3, 5, 9: 80 finds 90 instead of 0; 95 finds 90; 280 finds 270.
      "audio_to_video": 2 / 3,
      # 0 has 80 and, of another clip, 280 equally far; 90 has 95; 270 has 280.
      "video_to_audio": (1 / 2 + 1 + 1) / 3,
    }
  )
  assert _by_name(values, "median_rank") == {
    "text_to_video": 1.0,
    "video_to_text": 1.0,
    "text_to_audio": 1.0,
    "audio_to_text": 1.0,
    "audio_to_video": 1.0,
    "video_to_audio": 1.0,
  }
  assert _by_name(values, "recall_at_5") == dict.fromkeys(
    [d.name for d in circles.DIRECTIONS], 1.0
  )


def test_who_searches_what():
  found = circles.embedded()
  about = {d.name: figures.describe(found, d) for d in circles.DIRECTIONS}
  assert {
    name: (one["queries"], one["gallery"], one.get("ambiguous_queries"))
    for name, one in about.items()
  } == {
    "text_to_video": (4, 3, 2),
    # Clip 8 has no caption of its own alone, clip 5 has one.
    "video_to_text": (3, 4, 1),
    # Clip 8 has no sound: the sentence is that of one clip only.
    "text_to_audio": (4, 3, 0),
    "audio_to_text": (3, 4, 0),
    "audio_to_video": (3, 3, None),
    "video_to_audio": (3, 3, None),
  }
  assert about["text_to_audio"]["space"] == "vat"
  assert about["audio_to_video"]["space"] == "va"
  assert about["text_to_video"]["chance"] == pytest.approx(
    dict(zip(_FIELDS, (1 / 3, 1.0, 1.0, 2.0), strict=True))
  )
  # Two clips with 1 of 4 captions, one with 2: at the first place with 1/4, 1/4
  # and 1/2; up to the second with 1/2, 1/2 and 5/6, more than half in all.
  assert about["video_to_text"]["chance"] == pytest.approx(
    dict(zip(_FIELDS, (1 / 3, 1.0, 1.0, 2.0), strict=True))
  )


def test_embeddings_that_are_all_alike_are_at_chance():
  alike = {
    name: one._replace(
      spaces={
        space: np.full_like(rows, 2**-0.5) for space, rows in one.spaces.items()
      }
    )
    for name, one in circles.embedded().items()
  }
  values = figures.figures(alike, circles.DIRECTIONS)
  for direction in circles.DIRECTIONS:
    chance = figures.describe(alike, direction)["chance"]
    assert chance["recall_at_1"] < 0.5
    found = {field: values[f"{direction.name}_{field}"] for field in _FIELDS}
    assert found == pytest.approx(chance)


def test_caption_that_a_clip_repeats_is_its_own():
  clips = np.array([1, 1, 2, 3, 3])
  word_ids = np.array([[7, 0], [7, 0], [8, 9], [9, 8], [8, 9]])
  assert figures.ambiguous(clips, word_ids).tolist() == [
    False,
    False,
    True,
    False,
    True,
  ]
