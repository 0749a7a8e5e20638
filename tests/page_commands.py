"""The command lines of the pages for people."""

from collections.abc import Iterator
import dataclasses
import pathlib
import re
import shlex

from tests import source_tree
from tfvssl import __main__ as front

# Those that name commands; in the order in which they are to be read.
PAGES = [
  source_tree.ROOT / "README.md",
  *sorted((source_tree.ROOT / "docs").rglob("*.md")),
]
# The words after the three marks: `needs` says that the block needs data or
# machines that nobody may hand out with it.
_BLOCK = re.compile(r"^```([\w ]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"\s*(?:\.venv/bin/)?(python -m|make|tfvssl) ")
_INSIDE = re.compile(r"`((?:python -m|tfvssl) [a-z][^`]*)`")


@dataclasses.dataclass(frozen=True)
class Command:
  """One command line.

  Attributes:
    program: `make`, or `python -m`, also for `tfvssl COMMAND`.
    words: what follows, of `python -m` the module first.
    needs: whether it cannot be run with what the page itself makes.
  """

  program: str
  words: tuple[str, ...]
  needs: bool

  @property
  def flags(self) -> list[str]:
    """The words that are flags."""
    return [word for word in self.words if word.startswith("--")]


def of_page(page: pathlib.Path) -> Iterator[Command]:
  """Yields every command line of the page's blocks, in order."""
  text = page.read_text(encoding="utf-8")
  for marks, block in _BLOCK.findall(text):
    for line in block.replace("\\\n", " ").splitlines():
      if _LINE.match(line):
        yield of_line(line, "needs" in marks.split())


def in_sentences(page: pathlib.Path) -> Iterator[Command]:
  """Yields every command that stands in a sentence of the page."""
  text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
  for line in _INSIDE.findall(text):
    if "COMMAND" not in line:  # it speaks of all of them
      yield of_line(line, needs=True)


def of_line(line: str, needs: bool = False) -> Command:
  """Returns a line's command."""
  found = _LINE.match(line)
  program, words = found[1], shlex.split(line[found.end() :], comments=True)
  if program == "python -m" and words[0] == "tfvssl":
    program, words = "tfvssl", words[1:]
  if program == "tfvssl":
    module = front.COMMANDS[words[0]].module.removesuffix(".__main__")
    program, words = "python -m", [module, *words[1:]]
  return Command(program, tuple(words), needs)
