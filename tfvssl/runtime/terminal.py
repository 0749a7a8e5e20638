"""What a terminal would obey in names of files and of clips is never written.

A name may hold any character; one that moves the cursor can make a line say
what the program never said.
"""

from collections.abc import Iterator
import contextlib
import logging
import sys
from typing import TextIO

from absl import logging as absl_logging

_LAYOUT = "\n\r\t"


def printable(text: str, kept: str = "") -> str:
  """Returns `text` with escapes for all that is neither shown nor `kept`."""
  if text.isprintable():
    return text
  return "".join(
    c if c.isprintable() or c in kept else c.encode("unicode_escape").decode()
    for c in text
  )


class _Printable:
  """A stream to which only printable text is written."""

  def __init__(self, stream: TextIO):
    self._stream = stream

  def write(self, text: str) -> int:
    """Writes `text` with escapes; returns how much of it was written."""
    self._stream.write(printable(text, _LAYOUT))
    return len(text)

  def __getattr__(self, name: str):
    return getattr(self._stream, name)


def _escape(record: logging.LogRecord) -> bool:
  record.msg, record.args = printable(record.getMessage(), _LAYOUT), ()
  return True


@contextlib.contextmanager
def guarded() -> Iterator[None]:
  """Escapes what the body prints and logs; progress bars stay as they are."""
  handler = absl_logging.get_absl_handler()
  handler.addFilter(_escape)
  try:
    with contextlib.redirect_stdout(_Printable(sys.stdout)):
      yield
  finally:
    handler.removeFilter(_escape)
