"""Embeddings of a few clips on a circle, whose neighbours are seen by eye."""

import numpy as np

from tfvssl.evaluate.retrieval import embeddings


def circle(*degrees):
  """Returns points of a circle, float64 [N, 2]."""
  angles = np.deg2rad(degrees)
  return np.stack([np.cos(angles), np.sin(angles)], 1)


def embedded():
  """Returns clips 3, 5, 8, 9 on a circle, by modality.

  Clip 8 lacks sound, clip 9 captions, clip 4 pictures; clip 5 has two captions,
  and one of them has the words of that of clip 8.
  """
  video = circle(0, 90, 180, 270)
  text = circle(10, 200, 100, 170, 250)
  return {
    "video": embeddings.Embedded(
      np.array([3, 5, 8, 9]), {"va": video, "vat": video}, None
    ),
    "audio": embeddings.Embedded(
      np.array([3, 5, 9, 4]),
      {"va": circle(80, 95, 280, 0), "vat": circle(0, 120, 0, 240)},
      None,
    ),
    "text": embeddings.Embedded(
      np.array([3, 5, 5, 8, 4]),
      {"vat": text},
      np.array([[1, 0], [2, 2], [3, 0], [2, 2], [4, 0]]),
    ),
  }


DIRECTIONS = [
  embeddings.Direction(query, gallery, space)
  for one, other, space in (
    ("text", "video", "vat"),
    ("text", "audio", "vat"),
    ("audio", "video", "va"),
  )
  for query, gallery in ((one, other), (other, one))
]
