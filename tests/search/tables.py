"""A small table of embeddings, as tfvssl.embed writes them."""

import pathlib

import numpy as np

from tfvssl.search import index as searching

# Columns of `embedding` (for MMV equal to `vat`) and `va`, as unit vectors or
# not; a row per window.
EAST, NORTH, WEST = [2.0, 0.0], [0.0, 0.5], [-1.0, 0.0]
NORTH_EAST, NONE = [1.0, 1.0], [0.0, 0.0]


def columns(**changes: np.ndarray) -> dict[str, np.ndarray]:
  """Returns two windows of a.mp4, one of b.mp4 with sound, one of c.wav."""
  table = {
    "path": np.array(["a.mp4", "a.mp4", "b.mp4", "c.wav"]),
    "start_s": np.array([0.0, 1.5, 0.0, 0.0]),
    "has_video": np.array([True, True, True, False]),
    "has_audio": np.array([False, False, True, True]),
    "audio_s": np.array([0.0, 0.0, 1.0, 1.0]),
    "video_embedding": np.array([NORTH, EAST, NORTH_EAST, NONE], "f4"),
    "audio_embedding": np.array([NONE, NONE, EAST, WEST], "f4"),
    "model": np.array("abc"),
    "root": np.array("."),
  }
  return {**table, **changes}


def index_of(table: dict[str, np.ndarray]) -> searching.Index:
  """Returns the index of a table, of the folder where the test runs."""
  return searching.Index(pathlib.Path("."), "abc", table)
