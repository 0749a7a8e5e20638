"""What the trainings of one evaluation have come to, so that it can go on.

An evaluation that was stopped does not repeat the trainings that had ended, of
which the scores are kept, and goes on with the one that had not, of which a
checkpoint is.
"""

from collections.abc import Callable
import contextlib
import hashlib
import json
import os
import shutil

from absl import logging
import numpy as np

from tfvssl.runtime import storage


class Progress:
  """The trainings of one evaluation, in the order in which it makes them."""

  def __init__(self, root: storage.PathLike | None = None):
    """Keeps nothing until `open` is called.

    Args:
      root: folder of the kept; None to keep nothing at all.
    """
    self._root = None if root is None else storage.Path(root)
    self._folder: storage.Path | None = None
    self._number = 0
    self._held = contextlib.ExitStack()

  def open(self, about: object) -> None:
    """Goes on with what an equal evaluation has kept.

    Args:
      about: everything that its scores depend on, as JSON.

    Raises:
      ValueError: an equal evaluation is running.
    """
    if self._root is None:
      return
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    self._folder = self._root / digest.hexdigest()[:16]
    self._folder.mkdir(parents=True, exist_ok=True)
    self._hold()
    storage.remove_unfinished(self._folder)
    if done := len(list(self._folder.glob("*.npy"))):
      logging.info("%d trainings were finished before; going on", done)

  def _hold(self):
    """Keeps others out of the folder until this process ends."""
    try:
      self._held.enter_context(storage.lock(self._folder / ".lock"))
    except storage.InUseError as error:
      raise ValueError(
        f"{self._folder} is in use by an equal evaluation that is running;"
        " wait for it."
      ) from error

  def scores(
    self, compute: Callable[[storage.Path | None], np.ndarray]
  ) -> np.ndarray:
    """Returns the scores of the next training.

    Args:
      compute: trains and scores; gets the folder for its checkpoints, None
        where nothing is kept.
    """
    if self._folder is None:
      return compute(None)
    self._number += 1
    path = self._folder / f"{self._number:03d}.npy"
    if path.is_file():
      return np.load(path, allow_pickle=False)
    training = path.with_suffix("")
    found = compute(training)
    with storage.new_file(path) as unfinished, unfinished.open("wb") as file:
      np.save(file, found)
    shutil.rmtree(training, ignore_errors=True)
    return found

  def close(self) -> None:
    """Lets an equal evaluation go on; nothing more is kept."""
    self._held.close()
    self._folder = None

  def remove(self) -> None:
    """Removes what was kept; call it when the result is written."""
    if self._folder is not None:
      shutil.rmtree(self._folder)
      self.close()
      with contextlib.suppress(OSError):  # others go on there
        os.rmdir(self._root)
