"""Exit codes of every binary, and the one function that runs a main.

A user's mistake, a data error and a full disk each end in one line on stderr
and a documented code; anything else is a bug and keeps its traceback. With
`--verbosity=1` the traceback is shown in every case.
"""

from collections.abc import Callable, Sequence
import errno
import functools
import inspect
import os
import sys

from absl import app
from absl import flags as absl_flags
from absl import logging

from tfvssl.config import flag

OK = 0
BUG = 1  # a traceback; never returned on purpose
USAGE = 2  # bad flags or configuration
DATA = 3  # unreadable, missing or contradictory input; the file is named
SKIPPED = 4  # finished, with more inputs left out than allowed
NUMERICAL = 5  # loss or gradients not finite
RESOURCE = 6  # disk or memory exhausted
PREEMPTED = 42  # told to stop; the state is saved
INTERRUPTED = 130  # Ctrl-C, as shells report it

# What the system says of a place that is full, or that cannot be used, and what
# helps.
_ROOM = "free some room and start again, which goes on where it was"
_OTHER_PLACE = "choose another place, or make this one usable"
_SYSTEM_ERRORS = {
  **dict.fromkeys(
    (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.ENOMEM), (RESOURCE, _ROOM)
  ),
  **dict.fromkeys(
    (
      errno.EACCES,
      errno.EPERM,
      errno.EROFS,
      errno.ENOTDIR,
      errno.EISDIR,
      errno.EEXIST,
      errno.ENOTEMPTY,
      errno.ELOOP,
      errno.ENAMETOOLONG,
      errno.EBUSY,
    ),
    (USAGE, _OTHER_PLACE),
  ),
}


class UserError(Exception):
  """An error whose exit code is known where it is raised.

  Attributes:
    exit_code: what the process ends with.
  """

  def __init__(self, exit_code: int, message: str):
    super().__init__(message)
    self.exit_code = exit_code


def run(
  main: Callable[[list[str]], int | None],
  argv: Sequence[str] | None = None,
) -> None:
  """Parses the flags, calls `main(argv)` and ends the process with its code.

  Args:
    main: gets what is left of the command line; returns an exit code, or None
      for success.
    argv: the command line, program name first; None for that of the process.

  Raises:
    SystemExit: always, except after a bug, whose exception passes.
  """
  program = sys.modules["__main__"]
  if program.__doc__ is None:  # a console script: --help shows main's module
    program.__doc__ = getattr(inspect.getmodule(main), "__doc__", None)
  app.run(
    functools.partial(_guarded, main),
    argv=argv,
    flags_parser=_parse_flags,
  )


def code_of(error: BaseException) -> int:
  """Returns the exit code that stands for `error`; BUG if unforeseen."""
  if isinstance(error, UserError):
    return error.exit_code
  if isinstance(error, KeyboardInterrupt):
    return INTERRUPTED
  if isinstance(error, MemoryError):
    return RESOURCE
  if number := _system_error(error):
    return _SYSTEM_ERRORS[number][0]
  if isinstance(error, FileNotFoundError):
    return DATA
  if isinstance(
    error, (ValueError, TypeError, app.UsageError, absl_flags.Error)
  ):
    return USAGE
  return _code_of_tensorflow(error)


def _code_of_tensorflow(error):
  tf = sys.modules.get("tensorflow")  # not loaded: not one of its errors
  if tf is None:
    return BUG
  if isinstance(error, tf.errors.ResourceExhaustedError):
    return RESOURCE
  if isinstance(error, (tf.errors.DataLossError, tf.errors.NotFoundError)):
    return DATA
  return BUG


def _system_error(error):
  """Returns the number of the system's error; 0 where it was none of those."""
  if isinstance(error, OSError):
    return error.errno if error.errno in _SYSTEM_ERRORS else 0
  tf = sys.modules.get("tensorflow")  # not loaded: not one of its errors
  if tf is None or not isinstance(error, tf.errors.OpError):
    return 0
  # TensorFlow writes "PATH; Permission denied", whatever class it chooses.
  for number in _SYSTEM_ERRORS:
    if f"; {os.strerror(number)}" in str(error):
      return number
  return 0


def _message(error):
  """Returns what a user reads: the rule, the place and the remedy."""
  number = _system_error(error)
  if not number:
    return str(error)
  remedy = _SYSTEM_ERRORS[number][1]
  if isinstance(error, OSError):
    places = [error.filename, error.filename2]
    named = " -> ".join(str(place) for place in places if place is not None)
    text = f"{named}: {error.strerror}" if named else error.strerror
  else:
    before, _, _ = str(error).partition(f"; {os.strerror(number)}")
    text = f"{before.split()[-1]}: {os.strerror(number)}"
  return f"{text}; {remedy}."


def _guarded(main, argv):
  try:
    return main(argv)
  except (Exception, KeyboardInterrupt) as error:
    code = code_of(error)
    if code == BUG:
      raise
    return _report(error, code)


def _parse_flags(argv):
  try:
    return flag.parse(argv)
  except SystemExit as stop:  # absl ends --help with 1, which is a bug here
    sys.exit(OK if stop.code == 1 else stop.code)
  except (ValueError, TypeError, absl_flags.Error) as error:
    sys.exit(_report(error, USAGE))


def _report(error, code):
  """Writes the one line a user sees and returns `code`."""
  logging.debug("exit code %d after", code, exc_info=error)
  message = " ".join(_message(error).split())
  print(f"error: {message or type(error).__name__}", file=sys.stderr)
  return code
