"""Trainings of one piece, such as a classifier's: go on, then to the end."""

import tqdm

from tfvssl.runtime import exit_codes
from tfvssl.train import checkpoint_store
from tfvssl.train import loop
from tfvssl.train import stop_request


def restore(store: checkpoint_store.CheckpointStore, what: str) -> int | None:
  """Restores what was stopped, as `CheckpointStore.restore_newest` does.

  Args:
    store: of the training.
    what: it is, for messages.

  Raises:
    exit_codes.UserError: it cannot be restored (3); it may be removed, as
      nothing else needs it.
  """
  try:
    return store.restore_newest()
  except ValueError as error:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"{what} that was stopped cannot go on ({error}) Remove"
      f" {store.folder.parent} to begin it anew.",
    ) from error


def train(
  running: loop.Loop,
  last: int,
  *,
  pause_every: int,
  save_every: int,
  bar: tqdm.tqdm,
) -> None:
  """Trains to the step `last`, which is saved, with pauses.

  Args:
    running: makes the steps.
    last: number of all steps.
    pause_every: steps between two looks at what they were.
    save_every: steps between two checkpoints, a multiple of it.
    bar: shows the steps.

  Raises:
    loop.NotFinite: loss or gradient is not.
    exit_codes.UserError: the replicas' weights differ (5).
    stop_request.Stopped: told to stop, if only in the last step; the state
      is saved.
  """
  while running.step < last:
    before = running.step
    step = min((before // pause_every + 1) * pause_every, last)
    try:
      running.train_until(step, save=step == last or step % save_every == 0)
    except loop.NotFinite:
      if running.stop.requested():  # nobody is to begin another training
        raise stop_request.Stopped from None
      raise
    bar.update(step - before)
    running.stop_if_told()
