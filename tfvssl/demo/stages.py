"""The commands of the demo: which ones, and running them once.

Every stage is the command that a user would type; it runs in a process of its
own, and its time and exit code are kept in WORKDIR/stages.json, so that a
rerun skips what is done and continues what was interrupted.
"""

import codecs
import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_JOURNAL_NAME = "stages.json"


@dataclasses.dataclass
class Stage:
  """A command of the demo.

  Attributes:
    name: one word.
    module: what `python -m` runs.
    flags: in the order in which they are shown.
    accepted: exit codes after which the demo goes on without a remark.
    optional: if it fails, the demo goes on and the report says why.
    replaces: a folder of an earlier run of the stage, removed before it runs.
  """

  name: str
  module: str
  flags: list[str]
  accepted: tuple[int, ...] = (exit_codes.OK,)
  optional: bool = False
  replaces: storage.PathLike | None = None

  @property
  def command(self) -> str:
    """The command as a user would type it."""
    return shlex.join(["python", "-m", self.module, *self.flags])


@dataclasses.dataclass
class Outcome:
  """What is known of a stage after it ran.

  Attributes:
    seconds: how long it took, in all attempts.
    error: the last line of its errors; empty if it succeeded.
  """

  command: str
  seconds: float
  error: str = ""


class Journal:
  """What has been run in a workdir.

  Attributes:
    outcomes: by the name of the stage, in order.
  """

  def __init__(self, workdir: storage.Path):
    """Reads what earlier runs wrote."""
    self._path = workdir / _JOURNAL_NAME
    self._began = False
    self.outcomes: dict[str, Outcome] = {}
    if self._path.exists():
      tree = json.loads(self._path.read_text(encoding="utf-8"))
      self.outcomes = {name: Outcome(**values) for name, values in tree.items()}

  def is_done(self, stage: Stage) -> bool:
    """Returns whether the very command has succeeded before.

    Never after a stage that had to run now: what it made is new.
    """
    if self._began:
      return False
    found = self.outcomes.get(stage.name)
    return bool(found and not found.error and found.command == stage.command)

  def note(self, name: str, outcome: Outcome) -> None:
    """Keeps the outcome on disk."""
    self._began = True
    self.outcomes[name] = outcome
    tree = {k: dataclasses.asdict(v) for k, v in self.outcomes.items()}
    storage.write_text(self._path, json.dumps(tree, indent=1) + "\n")


def run(stage: Stage, journal: Journal) -> Outcome:
  """Runs the stage if it is not done; its output goes to the terminal.

  Raises:
    exit_codes.UserError: it failed and is not optional; with its exit code.
  """
  if journal.is_done(stage):
    print(f"[{stage.name}] done before", flush=True)
    return journal.outcomes[stage.name]
  print(f"\n[{stage.name}] {stage.command}", flush=True)
  start_s = time.monotonic()
  if stage.replaces is not None:
    shutil.rmtree(stage.replaces, ignore_errors=True)
  command = [sys.executable, "-m", stage.module, *stage.flags]
  code, last_error = _execute(command)
  seconds = time.monotonic() - start_s
  error = "" if code in stage.accepted else (last_error or f"exit code {code}")
  outcome = Outcome(stage.command, seconds, error)
  journal.note(stage.name, outcome)
  if error and not stage.optional:
    raise exit_codes.UserError(
      code if code > 0 else exit_codes.BUG,
      f"the stage '{stage.name}' failed: {error}",
    )
  print(f"[{stage.name}] {seconds:.0f} s", flush=True)
  return outcome


def _heard(process):
  """Returns what a process said; one that is to end is told, and heard out."""
  try:
    return os.read(process.stderr.fileno(), 4096)
  except exit_codes.Terminated:
    process.terminate()
    process.communicate()
    raise


def _execute(command):
  """Returns the exit code and the last line that begins with `error:`."""
  decoder = codecs.getincrementaldecoder("utf-8")("replace")
  last_error, rest = "", ""
  with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
    # As it comes, not by lines: a progress bar ends none.
    while piece := _heard(process):
      text = decoder.decode(piece)
      sys.stderr.write(text)
      sys.stderr.flush()
      *lines, rest = re.split(r"[\r\n]", rest + text)
      for line in lines:
        if line.startswith("error: "):
          last_error = line.removeprefix("error: ")
    return process.wait(), last_error
