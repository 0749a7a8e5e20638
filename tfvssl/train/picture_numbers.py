"""Whole numbers as a strip below a picture."""

import numpy as np

# Three by five points each, row by row.
_GLYPHS = {
  character: np.array([[point == "#" for point in row] for row in rows.split()])
  for character, rows in {
    "0": "### #.# #.# #.# ###",
    "1": ".#. ##. .#. .#. ###",
    "2": "### ..# ### #.. ###",
    "3": "### ..# ### ..# ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ### ..# ###",
    "6": "### #.. ### #.# ###",
    "7": "### ..# ..# ..# ..#",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ###",
    "-": "... ... ### ... ...",
    " ": "... ... ... ... ...",
  }.items()
}


def below(image: np.ndarray, numbers: np.ndarray) -> np.ndarray:
  """Returns [H, W, 3] with whole numbers in white on a black strip below."""
  glyphs = [_GLYPHS[character] for character in " ".join(map(str, numbers))]
  lit = np.concatenate([np.pad(glyph, ((2, 2), (0, 1))) for glyph in glyphs], 1)
  strip = np.repeat(lit[..., np.newaxis], 3, axis=2).astype(np.uint8) * 255
  width = max(image.shape[1], strip.shape[1])
  parts = [
    np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)))
    for part in (image, strip)
  ]
  return np.concatenate(parts)
