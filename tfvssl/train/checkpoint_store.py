"""Checkpoints are written whole or not at all, and a run goes on from one.

A checkpoint appears by one rename after its files are on disk, with the SHA-256
of each. TensorFlow's own manager neither syncs nor verifies, and restarts from
zero when its state file is damaged.
"""

import json
import shutil

from absl import logging
import tensorflow as tf

from tfvssl.runtime import storage
from tfvssl.train import checkpoints


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
    self.folder = storage.Path(workdir) / checkpoints.FOLDER
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
    if (self.folder / checkpoints.name_of(step)).exists():
      return
    appearing = storage.new_folder if self._chief else storage.scratch_folder
    with appearing(self.folder / checkpoints.name_of(step)) as unfinished:
      self._checkpoint.write(str(unfinished / checkpoints.PREFIX))
      if self._chief:
        digests = storage.digests(unfinished)
        (unfinished / checkpoints.DIGESTS).write_text(
          json.dumps(digests, indent=1)
        )
    if self._chief:
      for old in checkpoints.complete(self.folder)[: -self._kept]:
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
    path = checkpoints.newest_whole(self.folder, set_aside=self._chief)
    if path is None:
      return None
    from tfvssl.train import restoring  # a run that begins restores nothing

    if self._has_probes_like(path):
      restoring.read(self._checkpoint, path)
    else:
      logging.warning("the online probe of %s does not fit; a new one", path)
      restoring.read(self._state, path, whole=False)
    return checkpoints.step_of(path)

  def _has_probes_like(self, path):
    """Returns whether checkpoint and run have equal probes, or none."""
    stored = {
      tuple(shape)
      for name, shape in tf.train.list_variables(str(path / checkpoints.PREFIX))
      if name.startswith("probe/")
    }
    held = () if self._probe is None else self._probe.trainable_variables
    return {tuple(variable.shape) for variable in held} == {
      shape for shape in stored if shape
    }
