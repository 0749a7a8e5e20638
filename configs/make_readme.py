"""configs/README.md says what the recipes say: `--write` makes it anew.

  python -m configs.make_readme --write

Without the flag it prints the text. Held against the files by
tests/configs/test_make_readme.py.
"""

from collections.abc import Sequence
import pathlib
import re
import sys
from typing import NamedTuple

from tfvssl.config import recipes as recipe_files

FOLDER = pathlib.Path(__file__).resolve().parent
README = FOLDER / "README.md"
_INTRODUCTION = """\
# Recipes

Made from the recipes by `python -m configs.make_readme --write`; change them,
not this file. `tfvssl train --describe --config=NAME`, with a name of the
column `file`, prints a recipe's views, networks, schedule, expected numbers and
the source of every setting, and trains nothing. `tfvssl compare` holds a result
of `tfvssl evaluate` against a recipe's number and says what makes the
comparison unfair. What a paper leaves open is in the head of each file. Numbers
are per cent as printed, MedR is a rank; a file with several rows is one run
that the paper prints several times.
"""
_BRAVE = """\
## BraVe: Broaden Your Views for Self-Supervised Video Learning

Every row of Tables 1 to 6 and 8 that is BraVe's own, and appendix D.
"""
_MMV = """\
## MMV: Self-Supervised MultiModal Versatile Networks

Every row of Tables 1 to 4 and 6 to 9 that is MMV's own. What the paper leaves
open for all of them is in the head of [mmv/common.py](mmv/common.py). A run
with text needs a vocabulary, also for `--describe` and for `compare`:
`--config.method.partners.text.view.vocabulary=WORDS.txt`, which
`tfvssl vocabulary` makes of the captions.
"""
_TINY = """\
## Tiny runs

Every form of the methods on two CPU cores. None has a published number. More
views of one modality of BraVe are a flag:
`--config.method.broad.rgb.num_views=3`.
"""
_FIELD = re.compile(
  r"^(\w[\w ]*?)(?: \(([^)]*)\))?: ?(.*(?:\n {2}.*)*)", re.MULTILINE
)


class Head(NamedTuple):
  """The docstring of a config file: first line, and its fields by name."""

  title: str
  fields: dict[str, str]


def read_head(docstring: str) -> Head:
  """Returns the head of a config file.

  A field is a line `Name: text` or `Name (remark): text`, with lines that are
  indented after it. A remark stands before the text.
  """
  title, _, rest = docstring.partition("\n")
  fields = {}
  for name, remark, words in _FIELD.findall(rest):
    value = " ".join(words.split())
    fields[name] = f"{remark}: {value}" if remark else value
  return Head(title, fields)


def recipes(method: str, folder: pathlib.Path = FOLDER) -> list[pathlib.Path]:
  """Returns the recipes of a method's paper, sorted; `method` is a folder."""
  shared = ("__init__.py", "common.py")
  paths = sorted((folder / method).glob("*.py"))
  return [path for path in paths if path.name not in shared]


def readme_text(folder: pathlib.Path = FOLDER) -> str:
  """Returns what README.md has to be for the config files of `folder`."""
  parts = [_INTRODUCTION]
  for introduction, paths, row, columns in (
    (_BRAVE, recipes("brave", folder), _paper_row, _PAPER_COLUMNS),
    (_MMV, recipes("mmv", folder), _paper_row, _PAPER_COLUMNS),
    (_TINY, folder.glob("tiny_*.py"), _tiny_row, _TINY_COLUMNS),
  ):
    lines = [_line(columns), _line(["---"] * len(columns))]
    rows = sorted(row(path, folder) for path in paths)
    lines += [_line(cells) for cells in rows]
    parts += [introduction, "\n".join(lines) + "\n"]
  return "\n".join(parts)


_PAPER_COLUMNS = (
  "paper",
  "file",
  "what",
  "expected",
  "steps",
  "cost",
  "reproduced here",
)


def _paper_row(path, folder):
  recipe = recipe_files.load(path)
  head = read_head(recipe.__doc__)
  steps = recipe.get_config().steps
  where, expected, cost, reproduced = _values(
    path, head, "Paper", "Expected", "Cost", "Reproduced here"
  )
  what = head.title.partition(" ")[2].rstrip(".")  # without the method
  return [
    where,
    _link(path, folder),
    what,
    expected,
    f"{steps:,}",
    cost,
    reproduced,
  ]


_TINY_COLUMNS = ("file", "what", "shrinks", "expected", "cost")


def _tiny_row(path, folder):
  head = read_head(recipe_files.load(path).__doc__)
  values = _values(path, head, "Shrinks", "Expected", "Cost")
  return [_link(path, folder), head.title.rstrip("."), *values]


def _values(path, head, *names):
  missing = [name for name in names if name not in head.fields]
  if missing:
    raise ValueError(
      f"the head of {path.name} has no line `{missing[0]}:`; it has:"
      f" {', '.join(head.fields)}."
    )
  return [head.fields[name] for name in names]


def _link(path, folder):
  place = path.relative_to(folder).as_posix()
  return f"[{place.removesuffix('.py')}]({place})"


def _line(cells):
  return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def main(argv: Sequence[str]) -> int:
  """Writes or prints the text; returns the exit code."""
  if list(argv[1:]) not in ([], ["--write"]):
    raise ValueError(f"'{' '.join(argv[1:])}' is not --write.")
  text = readme_text()
  if argv[1:]:
    README.write_text(text, encoding="utf-8")
  else:
    print(text)
  return 0


if __name__ == "__main__":
  sys.exit(main(sys.argv))
