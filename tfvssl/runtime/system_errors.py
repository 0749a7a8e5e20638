"""What an error is to a user: its exit code, and what the system says of it.

Read only when a binary ends with an error.
"""

import errno
import os
import sys

from absl import app
from absl import flags

from tfvssl.runtime import exit_codes

# What helps.
_ROOM = "free some room and start again"
_OTHER_PLACE = "choose another place, or make this one usable"
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.ENOMEM)
_UNUSABLE = (
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
)


def code_of(error: BaseException) -> int:
  """Returns the exit code that stands for `error`; that of a bug if unknown."""
  if isinstance(error, exit_codes.UserError):
    return error.exit_code
  if isinstance(error, exit_codes.Terminated):
    return exit_codes.PREEMPTED
  if isinstance(error, KeyboardInterrupt):
    return exit_codes.INTERRUPTED
  if isinstance(error, MemoryError):
    return exit_codes.RESOURCE
  if is_full(error):
    return exit_codes.RESOURCE
  if is_unusable(error):
    return exit_codes.USAGE
  if isinstance(error, FileNotFoundError):
    return exit_codes.DATA
  if isinstance(error, (ValueError, TypeError, app.UsageError, flags.Error)):
    return exit_codes.USAGE
  return _code_of_tensorflow(error)


def _code_of_tensorflow(error):
  tf = sys.modules.get("tensorflow")  # not loaded: not one of its errors
  if tf is None:
    return exit_codes.BUG
  if isinstance(error, tf.errors.ResourceExhaustedError):
    return exit_codes.RESOURCE
  if isinstance(error, (tf.errors.DataLossError, tf.errors.NotFoundError)):
    return exit_codes.DATA
  return exit_codes.BUG


def is_full(error: BaseException) -> bool:
  """Returns whether there is no room left."""
  return _number(error) in _FULL


def is_unusable(error: BaseException) -> bool:
  """Returns whether a place cannot be read or written."""
  return _number(error) in _UNUSABLE


def message(error: BaseException) -> str:
  """Returns what a user reads: the place, what is wrong, and the remedy."""
  number = _number(error)
  if not number:
    return str(error)
  remedy = _ROOM if number in _FULL else _OTHER_PLACE
  text = os.strerror(number)
  if isinstance(error, OSError):
    places = [error.filename, error.filename2]
    named = " -> ".join(str(place) for place in places if place is not None)
  else:
    before = str(error).partition(f"; {text}")[0]
    named = before.rpartition("}} ")[2]  # behind the node of a graph
  return f"{named}: {text}; {remedy}." if named else f"{text}; {remedy}."


def _number(error):
  """Returns the number of the system's error; 0 where it was none of those."""
  numbers = (*_FULL, *_UNUSABLE)
  if isinstance(error, OSError):
    return error.errno if error.errno in numbers else 0
  tf = sys.modules.get("tensorflow")  # not loaded: not one of its errors
  if tf is None or not isinstance(error, tf.errors.OpError):
    return 0
  # TensorFlow writes "PATH; Permission denied", whatever class it chooses.
  said = [n for n in numbers if f"; {os.strerror(n)}" in str(error)]
  return said[0] if said else 0
