"""Checkpoints that are whole or not there: save, verify, fall back.

A checkpoint is a folder `step-00000100` that appears by one rename after its
files are on disk, with the SHA-256 of each. TensorFlow's own manager neither
syncs nor verifies, and restarts from zero when its state file is damaged.
"""

import json
import re
import shutil

from absl import logging
import tensorflow as tf

from tfvssl.runtime import storage

_FOLDER = "checkpoints"
_DIGESTS = "sha256.json"
_PREFIX = "variables"
_READ_ERRORS = (tf.errors.OpError, IndexError, ValueError, OSError)


class CheckpointStore:
  """The checkpoints of one run.

  Attributes:
    folder: where they stand.
  """

  def __init__(
    self,
    workdir: storage.PathLike,
    state: dict[str, tf.Module],
    *,
    probe: tf.Module | None = None,
    kept: int,
    chief: bool = True,
  ):
    """Opens the store and removes unfinished checkpoints of dead runs.

    Args:
      workdir: the run's folder.
      state: by name, what is saved and restored.
      probe: is saved, too, and restored where the checkpoint has its like: it
        teaches the method nothing, so a run goes on without it.
      kept: how many of the newest stay on disk.
      chief: other workers only take part in the collective part of a save.
    """
    self.folder = storage.Path(workdir) / _FOLDER
    self._state = tf.train.Checkpoint(**state)
    self._probe = probe
    self._checkpoint = self._state
    if probe is not None:
      self._checkpoint = tf.train.Checkpoint(**state, probe=probe)
    self._kept = kept
    self._chief = chief
    self.folder.mkdir(parents=True, exist_ok=True)
    if chief:
      storage.remove_unfinished(self.folder)
      for leftover in self.folder.glob(".unfinished-*"):  # of version 0.1.0
        shutil.rmtree(leftover)

  def save(self, step: int) -> None:
    """Writes the checkpoint of `step`, durable when this returns.

    One that is there already is the same and stays.
    """
    if (self.folder / _name(step)).exists():
      return
    appearing = storage.new_folder if self._chief else storage.scratch_folder
    with appearing(self.folder / _name(step)) as unfinished:
      self._checkpoint.write(str(unfinished / _PREFIX))
      if self._chief:
        digests = storage.digests(unfinished)
        (unfinished / _DIGESTS).write_text(json.dumps(digests, indent=1))
    if self._chief:
      for old in _complete(self.folder)[: -self._kept]:
        shutil.rmtree(old)

  def restore_newest(self) -> int | None:
    """Restores the newest checkpoint that is whole; returns its step.

    A damaged one is renamed to `.corrupt` and the one before it is taken.

    Returns:
      The step, or None where the run has no checkpoint yet.

    Raises:
      ValueError: there are checkpoints but none is whole, or the newest whole
        one belongs to another model. Training never restarts from zero.
    """
    path = newest_whole(self.folder, set_aside=self._chief)
    if path is None:
      return None
    if self._has_probes_like(path):
      _restore(self._checkpoint, path)
    else:
      logging.warning("the online probe of %s does not fit; a new one", path)
      _restore(self._state, path, whole=False)
    return _step(path)

  def _has_probes_like(self, path):
    """Returns whether checkpoint and run have equal probes, or none."""
    stored = {
      tuple(shape)
      for name, shape in tf.train.list_variables(str(path / _PREFIX))
      if name.startswith("probe/")
    }
    held = () if self._probe is None else self._probe.trainable_variables
    return {tuple(variable.shape) for variable in held} == {
      shape for shape in stored if shape
    }


def newest_whole(
  folder: storage.Path, set_aside: bool = False
) -> storage.Path | None:
  """Returns the newest undamaged checkpoint, None where none was ever written.

  Args:
    folder: of the checkpoints.
    set_aside: rename damaged ones to `.corrupt`.

  Raises:
    ValueError: checkpoints were written but none is whole.
  """
  found = _complete(folder)
  for path in reversed(found):
    damage = _damage(path)
    if damage is None:
      return path
    logging.error("checkpoint %s is damaged (%s)", path, damage)
    if set_aside:
      path.rename(path.with_name(path.name + ".corrupt"))
  damaged = [path for path in folder.glob("step-*") if path.is_dir()]
  if damaged:
    raise ValueError(
      f"{folder} holds {len(damaged)} checkpoints and all are damaged;"
      " restore one from a backup, or start again with another --workdir."
    )
  return None


def _complete(folder):
  return sorted(
    path
    for path in folder.glob("step-*")
    if re.fullmatch(r"step-\d{8,}", path.name)
  )


def _name(step):
  return f"step-{step:08d}"


def _step(path):
  return int(path.name.partition("-")[2])


def _damage(path):
  """Returns what is wrong with a checkpoint folder, None if nothing is."""
  try:
    digests = json.loads((path / _DIGESTS).read_text())
    for name, digest in digests.items():
      if storage.digest(path / name) != digest:
        return f"{name} does not have its SHA-256"
    tf.train.load_checkpoint(str(path / _PREFIX))
  except _READ_ERRORS as error:
    return str(error).splitlines()[0]
  return None


def _restore(checkpoint, path, whole=True):
  try:
    status = checkpoint.read(str(path / _PREFIX))
    status.assert_existing_objects_matched()
    if whole:
      status.assert_consumed()
    else:
      status.expect_partial()
  except (AssertionError, ValueError, tf.errors.OpError) as error:
    reason = " ".join(str(error).split())[:200]
    raise ValueError(
      f"{path} does not belong to this model ({reason}); use the config it"
      " was trained with, or another --workdir."
    ) from error


def restore_newest(folder: storage.PathLike, **state: tf.Module) -> int:
  """Fills objects with what the newest whole checkpoint of a folder holds.

  Args:
    folder: that a CheckpointStore was opened for.
    **state: by name, some of what was saved.

  Returns:
    The step of the checkpoint.

  Raises:
    FileNotFoundError: the folder holds no checkpoint.
    ValueError: checkpoints are damaged or belong to another model.
  """
  return restore(newest(folder), **state)


def restore(path: storage.Path, **state: tf.Module) -> int:
  """Fills objects with what a checkpoint holds; returns its step.

  Args:
    path: of `newest`.
    **state: by name, some of what was saved.

  Raises:
    ValueError: the checkpoint belongs to another model.
  """
  _restore(tf.train.Checkpoint(**state), path, whole=False)
  return _step(path)


def digest_of_newest(folder: storage.PathLike) -> str:
  """Returns a hash of the newest whole checkpoint's content.

  Raises:
    FileNotFoundError: the folder holds no checkpoint.
    ValueError: checkpoints are damaged.
  """
  return storage.digest(newest(folder) / _DIGESTS)


def newest(folder: storage.PathLike) -> storage.Path:
  """Returns the newest whole checkpoint of a run's folder.

  Raises:
    FileNotFoundError: the folder holds no checkpoint.
    ValueError: checkpoints are damaged.
  """
  path = newest_whole(storage.Path(folder) / _FOLDER)
  if path is None:
    raise FileNotFoundError(
      f"{storage.Path(folder) / _FOLDER} holds no checkpoint; train first with"
      " tfvssl.train --workdir."
    )
  return path
