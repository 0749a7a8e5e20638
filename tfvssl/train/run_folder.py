"""The folder of a run: one process at a time, one config, one log."""

from collections.abc import Iterator
import contextlib
import json

from tfvssl.config import experiment as config
from tfvssl.config import tree
from tfvssl.runtime import storage

CONFIG_NAME = "config.json"
METRICS_NAME = "metrics.jsonl"
HELD_OUT = "heldout/"  # begins the names of what is measured there
# May differ from the config a run was started with: they change no number of
# the optimisation (replica counts to rounding).
_FREE_TO_CHANGE = (
  "logging.",
  *(f"{name}." for name in config.protocol_sections()),
  "runtime.strategy",
  "runtime.tpu",
  "runtime.logical_cpus",
)


@contextlib.contextmanager
def locked(workdir: storage.Path) -> Iterator[None]:
  """Holds the run's folder; the kernel frees it when the process ends.

  Raises:
    ValueError: another process trains there.
  """
  with contextlib.ExitStack() as held:
    try:
      held.enter_context(storage.lock(workdir / ".lock"))
    except storage.InUseError as error:
      raise ValueError(
        f"--workdir={workdir} is in use by another run; wait for it or take"
        " another folder."
      ) from error
    storage.remove_unfinished(workdir)
    yield


def agree_on_config(
  experiment: config.Experiment,
  workdir: storage.Path,
  allowed: list[str],
) -> None:
  """Holds a run with checkpoints to the config that it began with.

  Args:
    experiment: what this process was started with; the content of the files
      that its method names is noted in it.
    workdir: the run's folder.
    allowed: names of values, or beginnings of names, that may differ.

  Raises:
    FileNotFoundError: a file that the method names does not exist.
    ValueError: other values differ; it lists them.
  """
  experiment.method.identify_files()
  path = workdir / CONFIG_NAME
  trained = any((workdir / "checkpoints").glob("step-*"))
  if path.exists() and trained:
    lines = tree.differences(read_config(workdir), experiment)
    free = (*_FREE_TO_CHANGE, *allowed)
    refused = [line for line in lines if not line.startswith(free)]
    if refused:
      raise ValueError(
        f"{path} was written by a run with another config:"
        f" {'; '.join(refused)}. Take another --workdir, or name what may"
        " change with --allow_change."
      )


def check_nothing_is_lost(workdir: storage.Path) -> None:
  """Holds a run without a checkpoint to its log.

  Raises:
    ValueError: the log is of a step after which there must be a checkpoint.
  """
  log = workdir / METRICS_NAME
  if not log.exists() or not (workdir / CONFIG_NAME).exists():
    return
  last = max(map(_step_of, log.read_text("utf-8").splitlines()), default=-1)
  every = read_config(workdir).logging.checkpoint_every
  if last > every:
    raise ValueError(
      f"{log} goes to step {last}, but {workdir / 'checkpoints'} holds no"
      f" checkpoint, of which there was one every {every} steps; put them back,"
      " or take another --workdir to begin anew."
    )


def write_config(experiment: config.Experiment, workdir: storage.Path) -> None:
  """Writes the config of a run, resolved, as JSON."""
  storage.write_text(workdir / CONFIG_NAME, tree.text(experiment))


def read_config(workdir: storage.PathLike) -> config.Experiment:
  """Returns the config of a run.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is not an experiment of this version.
  """
  path = storage.Path(workdir) / CONFIG_NAME
  if not path.is_file():
    raise FileNotFoundError(
      f"{path} does not exist; is its folder the --workdir of tfvssl.train?"
    )
  try:
    experiment = tree.from_tree(json.loads(path.read_text(encoding="utf-8")))
  except (ValueError, TypeError, AttributeError, RecursionError) as error:
    raise ValueError(f"{path} cannot be read as a config: {error}") from error
  if not isinstance(experiment, config.Experiment):
    raise ValueError(f"{path} holds no experiment.")
  return experiment


def truncate_metrics(workdir: storage.Path, last_step: int) -> None:
  """Drops the lines that a run which goes on after `last_step` writes again.

  Those are the lines of later steps, and the held-out loss of that step, which
  is measured after its checkpoint was saved.
  """
  path = workdir / METRICS_NAME
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


def append_metrics(
  workdir: storage.Path, step: int, scalars: dict[str, float]
) -> None:
  """Adds the line of `step` to the log."""
  line = json.dumps({"step": step, **scalars})
  storage.append_lines(workdir / METRICS_NAME, [line])


def _step_of(line):
  """Returns the step of a line of the log; -1 where a kill cut it off."""
  try:
    step = json.loads(line)["step"]
  except (ValueError, TypeError, KeyError, RecursionError):
    return -1
  return step if isinstance(step, int) else -1
