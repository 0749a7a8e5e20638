"""The log of a run: a line for each step that is told of."""

import json

from tfvssl.runtime import storage
from tfvssl.train import run_folder

NAME = "metrics.jsonl"
HELD_OUT = "heldout/"  # begins the names of what is measured there


def check_nothing_is_lost(workdir: storage.Path) -> None:
  """Holds a run without a checkpoint to its log.

  Raises:
    ValueError: the log is of a step after which there must be a checkpoint.
  """
  log = workdir / NAME
  if not log.exists() or not (workdir / run_folder.CONFIG_NAME).exists():
    return
  last = max(map(_step_of, log.read_text("utf-8").splitlines()), default=-1)
  every = run_folder.read_config(workdir).logging.checkpoint_every
  if last > every:
    raise ValueError(
      f"{log} goes to step {last}, but {workdir / 'checkpoints'} holds no"
      f" checkpoint, of which there was one every {every} steps; put them back,"
      " or take another --workdir to begin anew."
    )


def truncate(workdir: storage.Path, last_step: int) -> None:
  """Drops the lines that a run which goes on after `last_step` writes again.

  Those are the lines of later steps, and the held-out loss of that step, which
  is measured after its checkpoint was saved.
  """
  path = workdir / NAME
  if not path.exists():
    return
  lines = path.read_text(encoding="utf-8").splitlines()
  kept = []
  for line in lines:
    if not 0 <= _step_of(line) <= last_step:
      break
    if _step_of(line) == last_step and HELD_OUT in line:
      break
    kept.append(line + "\n")
  storage.write_text(path, "".join(kept))


def append(workdir: storage.Path, step: int, scalars: dict[str, float]) -> None:
  """Adds the line of `step` to the log."""
  line = json.dumps({"step": step, **scalars})
  storage.append_lines(workdir / NAME, [line])


def _step_of(line):
  """Returns the step of a line of the log; -1 where a kill cut it off."""
  try:
    step = json.loads(line)["step"]
  except (ValueError, TypeError, KeyError, RecursionError):
    return -1
  return step if isinstance(step, int) else -1
