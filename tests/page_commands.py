"""The command lines of the pages for people."""

from collections.abc import Iterator
import dataclasses
import pathlib
import re
import shlex

from tests import source_tree

# Those that name commands; in the order in which they are to be read.
PAGES = [
  source_tree.ROOT / "README.md",
  *sorted((source_tree.ROOT / "docs").rglob("*.md")),
]
# The words after the three marks: `needs` says that the block needs data or
# machines that nobody may hand out with it.
_BLOCK = re.compile(r"^```([\w ]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"\s*(?:\.venv/bin/)?(python -m|make) ")
_INSIDE = re.compile(r"`(python -m [a-z][^`]*)`")


@dataclasses.dataclass(frozen=True)
class Command:
  """One command line.

  Attributes:
    program: `python -m` or `make`.
    words: what follows.
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
      if found := _LINE.match(line):
        words = shlex.split(line[found.end() :], comments=True)
        yield Command(found[1], tuple(words), "needs" in marks.split())


def in_sentences(page: pathlib.Path) -> Iterator[Command]:
  """Yields every command that stands in a sentence of the page."""
  text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
  for line in _INSIDE.findall(text):
    yield Command("python -m", tuple(shlex.split(line)[2:]), True)
