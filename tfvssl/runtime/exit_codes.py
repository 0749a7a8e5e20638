"""Exit codes of every command, and the errors that know theirs."""

OK = 0
BUG = 1  # a traceback; never returned on purpose
USAGE = 2  # bad flags or configuration
DATA = 3  # unreadable, missing or contradictory input; the file is named
SKIPPED = 4  # finished, with more inputs left out than allowed
NUMERICAL = 5  # loss or gradients not finite
RESOURCE = 6  # disk or memory exhausted
PREEMPTED = 42  # told to stop; the state is saved
INTERRUPTED = 130  # Ctrl-C, as shells report it


class UserError(Exception):
  """An error whose exit code is known where it is raised.

  Attributes:
    exit_code: what the process ends with.
  """

  def __init__(self, exit_code: int, message: str):
    super().__init__(message)
    self.exit_code = exit_code


class Terminated(KeyboardInterrupt):
  """SIGTERM came; files and folders that are half written are removed."""
