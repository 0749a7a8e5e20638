"""The one function that runs a command's main, and ends it with its exit code.

A user's mistake, a data error and a full disk each end in one line on stderr
and a documented code; anything else is a bug and keeps its traceback. With
`--verbosity=1` the traceback is shown in every case.
"""

from collections.abc import Callable, Sequence
import contextlib
import functools
import inspect
import shlex
import signal
import sys
import threading

from absl import app
from absl import flags as absl_flags
from absl import logging

from tfvssl.config import flag
from tfvssl.runtime import exit_codes
from tfvssl.runtime import terminal


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
  _show_in_help(inspect.getmodule(main))
  app.run(
    functools.partial(_guarded, main),
    argv=argv,
    flags_parser=_parse_flags,
  )


def print_next(module: str, *flags: str) -> None:
  """Prints the command that comes next, as a shell takes it."""
  print(f"next: {shlex.join(['python', '-m', module, *flags])}")


def _show_in_help(module):
  """Makes --help show the command, also where a script or a test runs it."""
  program = sys.modules["__main__"]
  if module is None or module is program:
    return
  program.__doc__ = module.__doc__
  for flag_of_command in absl_flags.FLAGS.get_key_flags_for_module(module):
    absl_flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag_of_command)


def _guarded(main, argv):
  try:
    with terminal.guarded(), _ended_by_sigterm():
      return main(argv)
  except (Exception, KeyboardInterrupt) as error:
    from tfvssl.runtime import system_errors  # few runs end with an error

    code = system_errors.code_of(error)
    if code == exit_codes.BUG:
      raise
    return _report(error, code)


@contextlib.contextmanager
def _ended_by_sigterm():
  """Raises Terminated in the body; a training saves and ends by itself."""
  if threading.current_thread() is not threading.main_thread():
    yield  # Python lets no other thread handle signals
    return
  old = signal.signal(signal.SIGTERM, _terminate)
  try:
    yield
  finally:
    signal.signal(signal.SIGTERM, old or signal.SIG_DFL)


def _terminate(number, frame):
  del frame
  signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
  raise exit_codes.Terminated("told to stop; start the same command again")


def _parse_flags(argv):
  try:
    return flag.parse(argv)
  except SystemExit as stop:  # absl ends --help with 1, which is a bug here
    sys.exit(exit_codes.OK if stop.code == 1 else stop.code)
  except (ValueError, TypeError, absl_flags.Error) as error:
    sys.exit(_report(error, exit_codes.USAGE))


def _report(error, code):
  """Writes the one line a user sees and returns `code`."""
  from tfvssl.runtime import system_errors

  logging.debug("exit code %d after", code, exc_info=error)
  message = terminal.printable(" ".join(system_errors.message(error).split()))
  print(f"error: {message or type(error).__name__}", file=sys.stderr)
  return code
