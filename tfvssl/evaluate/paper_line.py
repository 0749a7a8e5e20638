"""The paper's figure at the end of an evaluation that it can be held against.

A run does not say which recipe it is: it is the one that trains in no setting
otherwise.
"""

from collections.abc import Iterator
import importlib.util
import pathlib
import types

from absl import logging

from tfvssl.config import experiment as config
from tfvssl.config import paper_rows
from tfvssl.evaluate import paper_figure

# Files that a command has to name where a recipe leaves them open.
_NAMED_BY_COMMANDS = (
  "method.partners.text.view.vocabulary: ",
  "method.partners.text.backbone.table: ",
)


def lines(result: dict, run: config.Experiment) -> list[str]:
  """Returns a line for each row of a paper that `result` can be held against.

  Where a data set is what tells two rows apart there are both.

  Args:
    result: of tfvssl.evaluate.
    run: that was evaluated, as it was trained.
  """
  found = []
  for recipe in _recipes():
    papers = recipe.get_config()
    other = paper_figure.trained_otherwise(papers, run)
    if all(line.startswith(_NAMED_BY_COMMANDS) for line in other):
      for row in paper_rows.rows_of(recipe):
        found += _lines_of(result, papers, row)
  return found


def _recipes() -> Iterator[types.ModuleType]:
  """Yields the recipes of the package `configs` that papers have rows of."""
  package = importlib.util.find_spec("configs")
  for folder in package.submodule_search_locations if package else []:
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
      if "\nPAPER = " not in path.read_text(encoding="utf-8"):
        continue
      try:
        yield paper_rows.load_recipe(path)
      except Exception as error:  # of a user's own file; the result is there
        logging.warning("%s cannot be read as a recipe: %s", path, error)


def _lines_of(result, papers, row):
  """Returns a line for each figure of a row that was measured as there."""
  found = []
  for name, value in row.values.items():
    try:
      measured = paper_figure.measured(result, name)
    except ValueError:  # a figure of another protocol or encoder
      continue
    if paper_figure.differences(result, papers, row, name):
      continue
    printed = paper_rows.benchmark(name).printed(value)
    found.append(
      f'paper ({row.table}, "{row.row}"): {printed}; this run:'
      f" {measured:.1f}, {measured - value:+.1f}"
    )
  return found
