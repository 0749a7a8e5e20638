"""All commands by one name: tfvssl COMMAND --FLAG=VALUE ...

`python -m tfvssl COMMAND` is the same where no script is on the PATH. Loads the
module of the chosen command and no other.
"""

from collections.abc import Sequence
import importlib
import importlib.util
import os
import sys
from typing import NamedTuple


class Command(NamedTuple):
  """A command: its module, with a `console_main`, and one line on what it does.

  The module of data_prep is named as in a clone.
  """

  module: str
  does: str


COMMANDS = {
  "prepare": Command(
    "data_prep.prepare_records.__main__", "videos, sounds, images to records"
  ),
  "inspect": Command(
    "data_prep.inspect_records", "checks records, and shows what is learned"
  ),
  "train": Command("tfvssl.train.__main__", "pretrains, or resumes a run"),
  "evaluate": Command(
    "tfvssl.evaluate.__main__", "measures a run by a protocol of the papers"
  ),
  "export": Command(
    "tfvssl.export.__main__", "a run's networks as a SavedModel"
  ),
  "embed": Command("tfvssl.embed.__main__", "files or sentences to vectors"),
  "search": Command(
    "tfvssl.search.__main__", "the files nearest to a file or a sentence"
  ),
  "classify": Command(
    "tfvssl.classify.__main__", "labels of new videos, by a kept classifier"
  ),
  "compare": Command(
    "tfvssl.compare.__main__", "a result beside the paper's number"
  ),
  "deflate": Command(
    "tfvssl.deflate.__main__", "a video network that takes one image"
  ),
  "import-weights": Command(
    "tfvssl.import_weights.__main__", "published weights to a run"
  ),
  "vocabulary": Command(
    "data_prep.make_vocabulary.__main__", "the words of captions"
  ),
  "generate-demo": Command(
    "data_prep.generate_demo.__main__", "draws the demo's clips"
  ),
  "demo": Command("tfvssl.demo.__main__", "the whole way once"),
}

_HELP = ("help", "-h", "-help", "--help", "--helpshort", "--helpfull")
_USAGE = 2  # as runtime/exit_codes, which takes its time to import


def main(argv: Sequence[str]) -> int:
  """Runs the command that `argv` names; returns the exit code."""
  if len(argv) < 2 or argv[1] in _HELP:
    print(_table())
    return 0 if len(argv) > 1 else _USAGE
  name, *arguments = argv[1:]
  if name not in COMMANDS:
    print(f"error: {_unknown(name)}", file=sys.stderr)
    return _USAGE
  module = _imported(COMMANDS[name].module)
  # Its --help says so; ml_collections looks here for values of a config.
  sys.argv = [f"tfvssl {name}", *arguments]
  return module.console_main()  # which ends the process


def _table():
  """Returns what --help shows."""
  width = max(map(len, COMMANDS))
  lines = [f"  {name:{width}}  {c.does}" for name, c in COMMANDS.items()]
  return "\n".join(
    [
      "tfvssl COMMAND --FLAG=VALUE ...",
      "",
      *lines,
      "",
      "tfvssl COMMAND --help shows the flags of a command.",
    ]
  )


def _unknown(name):
  """Returns what is wrong with a command that there is none of."""
  import difflib

  from tfvssl.runtime import terminal

  near = difflib.get_close_matches(name, COMMANDS, n=1)
  remedy = f"did you mean {near[0]}?" if near else "see tfvssl --help."
  return f"'{terminal.printable(name)}' is not a command; {remedy}"


def _imported(module):
  """Returns a module; data_prep is inside tfvssl in the wheel."""
  if not module.startswith("data_prep."):
    return importlib.import_module(module)
  if importlib.util.find_spec("tfvssl.bundled"):
    return importlib.import_module(f"tfvssl.bundled.{module}")
  # A clone has it beside tfvssl; whatever else has the name comes after it.
  sys.path.insert(
    0, os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
  )
  try:
    return importlib.import_module(module)
  finally:
    del sys.path[0]


def console_main() -> None:
  """Console script tfvssl."""
  sys.exit(main(sys.argv))


def script_main() -> None:
  """Console scripts tfvssl-COMMAND of data_prep; it has two places."""
  name = os.path.basename(sys.argv[0]).removeprefix("tfvssl-")
  sys.exit(main(["tfvssl", name.removeprefix("make-"), *sys.argv[1:]]))


if __name__ == "__main__":
  console_main()
