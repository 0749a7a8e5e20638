"""The flag --config with its overrides, and its one-line errors.

`--config=x.py` names a Python file whose `get_config()` returns an Experiment,
`--config=tiny_brave` one that comes with tfvssl;
`--config.method.narrow.num_frames=8` changes one value of it. Imports no
TensorFlow; a config file may.
"""

from collections.abc import Sequence
import re

from absl import flags as absl_flags
from ml_collections import config_flags

from tfvssl.config import experiment as config
from tfvssl.config import rules

_HELP = (
  "Python file with get_config(), or the name of a recipe, for example"
  " --config=tiny_brave or --config=brave/va_audioset; any value in it is"
  " changed by --config.section.name=value."
)
_TEXTS = ("query",)  # flags that hold what a person wrote
_FILE = re.compile(r"--?config=(.*)")

# --config is a flag of the command that defines it, and shown by its --help.
absl_flags.disclaim_key_flags()


class _Parser(absl_flags.ArgumentParser):
  """Recipes by path or by name, to what their get_config() returns."""

  def parse(self, argument: str) -> object:
    """Returns the experiment of NAME or NAME:ARGUMENT."""
    from tfvssl.config import recipes

    name, *words = argument.split(":", 1)
    try:
      return recipes.load(name).get_config(*words)
    except Exception as error:
      raise recipes.BrokenError(f"{type(error).__name__}: {error}") from error


def define_config() -> absl_flags.FlagHolder:
  """Defines the flag --config; `read_config` returns its value."""
  holder = config_flags.DEFINE_config_file("config", help_string=_HELP)
  absl_flags.FLAGS["config"].parser = _Parser()
  return holder


def read_config() -> config.Experiment:
  """Returns the validated experiment of --config and its overrides.

  Raises:
    ValueError: no --config, not an experiment, or a rule that does not hold.
  """
  experiment = absl_flags.FLAGS.config
  if experiment is None:
    raise ValueError("--config is missing; for example --config=tiny_brave")
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
  if path is not None:
    from tfvssl.config import recipes

    try:
      recipes.find(path)
    except FileNotFoundError as error:
      raise ValueError(f"--config={error}") from error
  try:
    rest = absl_flags.FLAGS(argv)
  except Exception as error:
    # ml_collections looks the fields up while it parses and lets KeyError,
    # IndexError and TypeError pass.
    from tfvssl.config import flag_problem

    problem = flag_problem.of_overrides(argv, path)
    if not problem and isinstance(error, absl_flags.Error):
      raise
    words = problem or f"--config={path}: {flag_problem.of_recipe(error)}"
    raise ValueError(words) from error
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
