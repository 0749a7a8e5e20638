"""The flag --config with its overrides, and its one-line errors.

`--config=configs/x.py` names a Python file whose `get_config()` returns an
Experiment; `--config.method.narrow.num_frames=8` changes one value of it.
Imports no TensorFlow; a config file may.
"""

from collections.abc import Sequence
import pathlib
import re

from absl import flags as absl_flags
from ml_collections import config_flags

from tfvssl.config import experiment as config
from tfvssl.config import rules

_HELP = (
  "Python file with get_config(), for example configs/tiny_brave.py; any"
  " value in it is changed by --config.section.name=value."
)
_TEXTS = ("query",)  # flags that hold what a person wrote
_FILE = re.compile(r"--?config=(.*)")


def define_config() -> absl_flags.FlagHolder:
  """Defines the flag --config; `read_config` returns its value."""
  return config_flags.DEFINE_config_file("config", help_string=_HELP)


def read_config() -> config.Experiment:
  """Returns the validated experiment of --config and its overrides.

  Raises:
    ValueError: no --config, not an experiment, or a rule that does not hold.
  """
  experiment = absl_flags.FLAGS.config
  if experiment is None:
    raise ValueError(
      "--config is missing; for example --config=configs/tiny_brave.py"
    )
  if not isinstance(experiment, config.Experiment):
    raise ValueError(
      f"get_config() of --config returned {type(experiment).__name__};"
      " it must return a config.Experiment."
    )
  experiment.validate()
  return experiment


def parse(argv: Sequence[str]) -> list[str]:
  """Parses all flags and returns what is left of the command line.

  Raises:
    ValueError: a config that is absent or cannot be loaded, an override of a
      field that it does not have, with the nearest name, or an address
      (gs://bucket/run) where a path is needed.
    absl.flags.Error: any other bad flag.
  """
  argv = list(argv)
  path = _config_path(argv)
  if path is not None and not pathlib.Path(path.split(":")[0]).is_file():
    from tfvssl.config import moved

    hint = moved.recipe_hint(pathlib.Path(path))
    raise ValueError(f"--config={path} does not exist{hint and f'; {hint}'}.")
  try:
    rest = absl_flags.FLAGS(argv)
  except Exception as error:
    # ml_collections looks the fields up while it parses and lets KeyError,
    # IndexError, TypeError and whatever the file itself raises pass.
    from tfvssl.config import moved
    from tfvssl.config import override

    problem = override.problem_of(argv, path)
    lines = str(error).strip().splitlines()
    hint = moved.import_hint(error)
    if not problem and isinstance(error, absl_flags.Error):
      if len(lines) == 1:
        raise
      # What a config file raised, with its whole traceback.
      raise ValueError(f"--config={path}: {hint or lines[-1]}") from error
    raise ValueError(
      problem
      or f"--config={path}: {hint or f'{type(error).__name__}: {error}'}"
    ) from error
  _require_local_places()
  return rest


def _require_local_places():
  """Raises ValueError for the first flag whose value is an address."""
  for name in absl_flags.FLAGS:
    value = absl_flags.FLAGS[name].value
    if name in _TEXTS or name.startswith("config"):
      continue  # the config's own rules see to its folders
    for text in value if isinstance(value, list) else [value]:
      if isinstance(text, str):
        rules.require_local(f"--{name}", text)


def _config_path(argv):
  """Returns the last value of --config, or None."""
  path = None
  for argument, following in zip(argv, [*argv[1:], None], strict=True):
    if argument in ("--config", "-config"):
      path = following
    elif match := _FILE.fullmatch(argument):
      path = match[1]
  return path
