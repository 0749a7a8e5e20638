"""Whether the pictures of a clip change, seen before they are compressed."""

import numpy as np

# Of 255: what lossy codecs make of a picture that stands still.
_TOLERANCE = 3


class Stillness:
  """Looks at the pictures of one clip as they pass."""

  def __init__(self) -> None:
    """Has seen none."""
    self._first: np.ndarray | None = None
    self._count = 0
    self._changed = False

  def seen(self, frame: np.ndarray) -> np.ndarray:
    """Returns a picture, uint8 [H, W, 3], after a look at it."""
    self._count += 1
    if self._first is None:
      self._first = frame.astype(np.int16)
    elif not self._changed:
      difference = np.abs(frame - self._first)
      self._changed = bool(difference.max() > _TOLERANCE)
    return frame

  @property
  def is_still(self) -> bool:
    """Whether there were several pictures, all like the first."""
    return self._count > 1 and not self._changed
