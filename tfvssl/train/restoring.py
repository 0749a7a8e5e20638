"""Objects are filled with what checkpoints hold; see checkpoints."""

import tensorflow as tf

from tfvssl.runtime import storage
from tfvssl.train import checkpoints


def read(
  checkpoint: tf.train.Checkpoint, path: storage.Path, whole: bool = True
) -> None:
  """Fills the objects of `checkpoint` with what is stored at `path`.

  Args:
    checkpoint: all of whose objects must be stored there.
    path: of a whole checkpoint.
    whole: whether nothing else may be stored there.

  Raises:
    ValueError: the checkpoint belongs to another model.
  """
  try:
    status = checkpoint.read(str(path / checkpoints.PREFIX))
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

  Of a run that goes on one may be removed as it is read: then the next is it.

  Args:
    folder: that a CheckpointStore was opened for.
    **state: by name, some of what was saved.

  Returns:
    The step of the checkpoint.

  Raises:
    FileNotFoundError: the folder holds no checkpoint.
    ValueError: checkpoints are damaged or belong to another model.
  """
  while True:
    path = newest(folder)
    try:
      return restore(path, **state)
    except ValueError:
      if path.exists():
        raise


def restore(path: storage.Path, **state: tf.Module) -> int:
  """Fills objects with what a checkpoint holds; returns its step.

  Args:
    path: of `newest`.
    **state: by name, some of what was saved.

  Raises:
    ValueError: the checkpoint belongs to another model.
  """
  read(tf.train.Checkpoint(**state), path, whole=False)
  return checkpoints.step_of(path)


def identity(folder: storage.PathLike, step: int | None = None) -> str:
  """Returns what tells a checkpoint of a run from any other.

  Args:
    folder: of the run.
    step: of the checkpoint; None for the newest whole one.

  Raises:
    FileNotFoundError: the folder holds no such checkpoint.
    ValueError: checkpoints are damaged.
  """
  if step is None:
    return storage.digest(newest(folder) / checkpoints.DIGESTS)
  return storage.digest(
    storage.Path(folder)
    / checkpoints.FOLDER
    / checkpoints.name_of(step)
    / checkpoints.DIGESTS
  )


def newest(folder: storage.PathLike) -> storage.Path:
  """Returns the newest whole checkpoint of a run's folder.

  Raises:
    FileNotFoundError: the folder holds no checkpoint.
    ValueError: checkpoints are damaged.
  """
  path = checkpoints.newest_whole(storage.Path(folder) / checkpoints.FOLDER)
  if path is None:
    raise FileNotFoundError(
      f"{storage.Path(folder) / checkpoints.FOLDER} holds no checkpoint; train"
      " first with tfvssl.train --workdir."
    )
  return path
