"""Checkpoints that are whole or not there: find, verify, fall back.

A checkpoint is a folder `step-00000100` with the SHA-256 of each of its files;
see checkpoint_store, which writes it.
"""

import json
import re

from absl import logging
import tensorflow as tf

from tfvssl.runtime import storage

FOLDER = "checkpoints"
DIGESTS = "sha256.json"
PREFIX = "variables"
_READ_ERRORS = (
  *(tf.errors.OpError, IndexError, ValueError, OSError, RecursionError),
)


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
  found = complete(folder)
  for path in reversed(found):
    damage = _damage(path)
    if damage is None:
      return path
    if not path.exists():  # a run that goes on has newer ones
      return newest_whole(folder, set_aside)
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


def complete(folder: storage.Path) -> list[storage.Path]:
  """Returns the checkpoints that were written to their end, in their order."""
  return sorted(
    path
    for path in folder.glob("step-*")
    if re.fullmatch(r"step-\d{8,}", path.name)
  )


def name_of(step: int) -> str:
  """Returns the name of a checkpoint's folder."""
  return f"step-{step:08d}"


def step_of(path: storage.Path) -> int:
  """Returns the step of a checkpoint's folder."""
  return int(path.name.partition("-")[2])


def _damage(path):
  """Returns what is wrong with a checkpoint folder, None if nothing is."""
  try:
    digests = json.loads((path / DIGESTS).read_text())
    if not isinstance(digests, dict):
      return f"{DIGESTS} holds no table of digests"
    for name, digest in digests.items():
      if storage.digest(path / name) != digest:
        return f"{name} does not have its SHA-256"
    tf.train.load_checkpoint(str(path / PREFIX))
  except _READ_ERRORS as error:
    return str(error).splitlines()[0]
  return None
