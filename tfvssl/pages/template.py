"""Templates of pages, with the style and the script that all of them share."""

import pathlib
import re

_SHARED = {"style": "style.css", "clips": "clips.js"}


def fill(template: pathlib.Path, pieces: dict[str, str]) -> str:
  """Returns a page that needs no other file.

  Args:
    template: file with names in double braces; `style` and `clips` stand for
      the shared style and for the script that plays clips in sight.
    pieces: name to HTML; nothing in it is looked at again.

  Raises:
    KeyError: a name of the template is not in `pieces`.
  """
  folder = pathlib.Path(__file__).parent
  shared = {
    name: (folder / file).read_text(encoding="utf-8").rstrip("\n")
    for name, file in _SHARED.items()
  }
  return re.sub(
    r"\{\{(\w+)\}\}",
    lambda match: {**shared, **pieces}[match[1]],
    template.read_text(encoding="utf-8"),
  )
