"""The paper's figure at the end of an evaluation that it can be held against.

A run does not say which recipe it is: it is the one that trains in no setting
otherwise.
"""

from collections.abc import Iterator
import types

from absl import logging

from tfvssl.config import experiment as config
from tfvssl.config import paper_rows
from tfvssl.config import recipes
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
  """Yields the recipes that papers have rows of."""
  for name in recipes.names():
    path = recipes.find(recipes.FOLDER / f"{name}.py")
    if "\nPAPER = " not in path.read_text(encoding="utf-8"):
      continue
    try:
      yield recipes.load(path)
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
