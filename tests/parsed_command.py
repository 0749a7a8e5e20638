"""Reads a command line as the command would, and does nothing more.

A binary for tests.forked_binaries; the line is in the variable COMMAND_LINE.
"""

from collections.abc import Sequence
import importlib
import json
import os
import sys

from absl import flags as absl_flags

from tests import forked_binaries
from tfvssl.config import flag


def main(argv: Sequence[str]) -> int:
  """Parses flags and config; ends as the command does where they are wrong."""
  del argv
  module, *words = json.loads(os.environ["COMMAND_LINE"])
  sys.argv = [module, *words]  # where ml_collections looks
  command = importlib.import_module(module)
  if hasattr(command, "__path__"):
    importlib.import_module(f"{module}.__main__")
  if left := flag.parse(sys.argv)[1:]:
    raise ValueError(f"'{left[0]}' is not a flag.")
  if "config" in absl_flags.FLAGS and absl_flags.FLAGS.config is not None:
    flag.read_config()
  return 0


def problem_of(words: Sequence[str]) -> str:
  """Returns what is wrong with `python -m WORDS`; empty if nothing is."""
  done = forked_binaries.start(
    "tests.parsed_command", COMMAND_LINE=json.dumps(list(words))
  ).finish()
  return done.stderr.strip() if done.returncode else ""
