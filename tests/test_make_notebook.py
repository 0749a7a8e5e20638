"""docs/demo.ipynb has the commands of README.md, and Jupyter can read it."""

import json
import shlex

from tests import make_notebook
from tests import source_tree
from tfvssl import __main__ as front


def test_notebook_is_as_it_is_made():
  found = make_notebook.NOTEBOOK.read_text(encoding="utf-8")
  assert found == make_notebook.text(), (
    "run python -m tests.make_notebook --write"
  )


def test_its_commands_are_those_of_the_readme():
  cells = json.loads(make_notebook.text())["cells"]
  code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
  readme = (source_tree.ROOT / "README.md").read_text(encoding="utf-8")
  assert f"`{make_notebook.GENERATE}`" in readme
  assert code[0] == f"!{make_notebook.GENERATE}"
  expected = make_notebook.commands()
  assert len(expected) == len(code) - 1 == 7
  for command, line in zip(expected, code[1:], strict=True):
    words, ran = shlex.split(command), shlex.split(line.removeprefix("!"))
    assert ran == [make_notebook.GIVEN.get(word, word) for word in words]
    assert f"\n{command}\n" in readme
    assert ran[1] in front.COMMANDS
  # Each is given exactly where the readme asks for something of the reader's.
  asked = {word for command in expected for word in shlex.split(command)}
  assert set(make_notebook.GIVEN) <= asked


def test_it_is_of_the_format_that_it_names():
  made = json.loads(make_notebook.text())
  assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
  cells = made["cells"]
  assert len({cell["id"] for cell in cells}) == len(cells)
  for cell in cells:
    fields = {"cell_type", "id", "metadata", "source"}
    if cell["cell_type"] == "code":
      fields |= {"execution_count", "outputs"}
    assert set(cell) == fields
