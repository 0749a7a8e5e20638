"""docs/demo.ipynb is made from the commands of README.md: `--write` does it.

  python -m tests.make_notebook --write

Without the flag it prints the notebook. Held against README.md by
tests/test_make_notebook.py; tests/test_wheel.py runs the commands.
"""

import json
import re
import shlex
import sys

from data_prep.generate_demo import clips
from tests import source_tree

NOTEBOOK = source_tree.ROOT / "docs" / "demo.ipynb"
_BLOCK = re.compile(r"^```\n(tfvssl .*?)^```", re.DOTALL | re.MULTILINE)
# What README.md leaves to the reader: the clips of the demo.
GENERATE = "tfvssl generate-demo --output=CLIPS"
GIVEN = {
  "--input=VIDEOS": "--input=CLIPS/train",
  "--query=CLIP.mp4": f"--query=CLIPS/{clips.clip_rows(0, 1)[0]['path']}",
}
_TITLE = """\
# The whole way, on generated clips

Made from README.md by `python -m tests.make_notebook --write`; not run here.
Expect a quarter of an hour or more on two CPU cores. `tfvssl` has to be
installed in the notebook's environment. For your own videos, put their folder
in place of CLIPS/train, and one of them in place of the query."""
_SAID = {
  "generate-demo": "Clips in which only motion and sound tell classes apart.",
  "prepare": "Videos to records; a quarter of the files is held out.",
  "inspect": "views.html shows what the networks see.",
  "train": "Started again, it resumes.",
  "evaluate": "A linear classifier on frozen features, and the same network"
  " with random weights.",
  "export": "A SavedModel that needs TensorFlow only.",
  "embed": "Files to vectors.",
  "search": "found.html shows the nearest files.",
}


def commands() -> list[str]:
  """Returns the commands of README.md, in its order."""
  text = (source_tree.ROOT / "README.md").read_text(encoding="utf-8")
  return [line for block in _BLOCK.findall(text) for line in block.splitlines()]


def given() -> list[list[str]]:
  """Returns the commands in words, from clips that are generated to the end."""
  return [
    shlex.split(GENERATE),
    *([GIVEN.get(w, w) for w in shlex.split(line)] for line in commands()),
  ]


def notebook() -> dict:
  """Returns the notebook as Jupyter's format 4.5 has it."""
  cells = [_cell("title", "markdown", _TITLE)]
  for words in given():
    name = words[1]
    cells.append(_cell(f"{name}-words", "markdown", _SAID[name]))
    cells.append(_cell(name, "code", f"!{shlex.join(words)}"))
  kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
  return {
    "cells": cells,
    "metadata": {"kernelspec": kernel},
    "nbformat": 4,
    "nbformat_minor": 5,
  }


def _cell(name, kind, text):
  cell = {"cell_type": kind, "id": name, "metadata": {}}
  if kind == "code":
    cell |= {"execution_count": None, "outputs": []}
  return {**cell, "source": text.splitlines(keepends=True)}


def text() -> str:
  """Returns what docs/demo.ipynb has to be."""
  return json.dumps(notebook(), indent=1) + "\n"


def main(argv: list[str]) -> int:
  """Writes or prints the notebook; returns the exit code."""
  if argv[1:] == ["--write"]:
    NOTEBOOK.write_text(text(), encoding="utf-8")
  else:
    print(text(), end="")
  return 0


if __name__ == "__main__":
  sys.exit(main(sys.argv))
