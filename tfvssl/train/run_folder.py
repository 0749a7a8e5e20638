"""The folder of a run: one process at a time, one config."""

from collections.abc import Iterator
import contextlib
import json

from absl import logging

from tfvssl.config import experiment as config
from tfvssl.config import tree
from tfvssl.runtime import storage

CONFIG_NAME = "config.json"
INITIAL_NAME = "initial.json"  # which weights it began with; initial_weights
BAD_RECORDS_NAME = "bad_records.json"
# May differ from the config a run was started with: they change no number of
# the optimisation (replica counts to rounding).
_FREE_TO_CHANGE = (
  "logging.",
  "data.bad_record_share",
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
      that its method names is noted in it, and what `keep_silent_sound` keeps.
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
    keep_silent_sound(experiment, workdir, allowed)
    lines = tree.differences(read_config(workdir), experiment)
    free = (*_FREE_TO_CHANGE, *allowed)
    refused = [line for line in lines if not line.startswith(free)]
    if refused:
      raise ValueError(
        f"{path} was written by a run with another config:"
        f" {'; '.join(refused)}. Take another --workdir, or name what may"
        " change with --allow_change."
      )


def keep_silent_sound(
  experiment: config.Experiment, workdir: storage.Path, allowed: list[str]
) -> None:
  """Lets a run that began with silent sound go on with it.

  Recipes of today have it out; a run of before would be refused else.

  Args:
    experiment: changed where the run's config differs.
    workdir: the run's folder.
    allowed: see `agree_on_config`; a change that is allowed is made.
  """
  name = "data.use_silent_sound"
  trained = any((workdir / "checkpoints").glob("step-*"))
  if not trained or name.startswith(tuple(allowed)):
    return
  used = read_config(workdir).data.use_silent_sound
  if used and not experiment.data.use_silent_sound:
    experiment.data.use_silent_sound = True
    logging.info("the run goes on with `%s` true, as it began", name)


def write_config(experiment: config.Experiment, workdir: storage.Path) -> None:
  """Writes the config of a run, resolved, as JSON."""
  storage.write_text(workdir / CONFIG_NAME, tree.text(experiment))


def read_config(workdir: storage.PathLike) -> config.Experiment:
  """Returns the config of a run.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is not an experiment of this version.
  """
  from tfvssl.config import stored_config  # a run that begins reads none

  path = storage.Path(workdir) / CONFIG_NAME
  if not path.is_file():
    raise FileNotFoundError(
      f"{path} does not exist; is its folder the --workdir of tfvssl.train?"
    )
  try:
    experiment = stored_config.from_tree(
      json.loads(path.read_text(encoding="utf-8"))
    )
  except (ValueError, TypeError, AttributeError, RecursionError) as error:
    raise ValueError(f"{path} cannot be read as a config: {error}") from error
  if not isinstance(experiment, config.Experiment):
    raise ValueError(f"{path} holds no experiment.")
  return experiment
