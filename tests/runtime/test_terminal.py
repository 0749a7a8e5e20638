"""What a terminal would obey is printed and logged as escapes."""

import subprocess
import sys

from tfvssl.runtime import terminal

_CODE = """
import sys
from absl import logging
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes

def main(argv):
  print("kept:\\ta\\nb", argv[1])
  logging.warning("skipped %s", argv[1])
  print("to stderr", file=sys.stderr)
  raise ValueError(f"'{argv[1]}' is not a flag")

binary.run(main)
"""


def test_names_show_what_a_terminal_would_obey():
  assert terminal.printable("é \x1b[31m\n\u202e\udc80") == (
    "é \\x1b[31m\\n\\u202e\\udc80"
  )
  assert terminal.printable("a\nb\x9b", kept="\n") == "a\nb\\x9b"


def test_every_line_of_a_command_is_printable(root):
  name = "\x1b]0;owned\x07\u202e.mp4"
  done = subprocess.run(
    [sys.executable, "-c", _CODE, name],
    cwd=root,
    capture_output=True,
    text=True,
    timeout=60,
  )
  assert done.returncode == 2
  shown = "\\x1b]0;owned\\x07\\u202e.mp4"
  assert done.stdout == f"kept:\ta\nb {shown}\n"
  warning, plain, error = done.stderr.splitlines()
  assert warning.endswith(f"skipped {shown}")
  assert plain == "to stderr"
  assert error == f"error: '{shown}' is not a flag"
