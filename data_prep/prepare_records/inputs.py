"""What a preparation is given: files, rows of a csv, clips of a data set."""

import pathlib

from absl import logging

from tfvssl.runtime import exit_codes

from ..datasets import official
from ..datasets import presence
from . import captions
from . import preparation
from . import sources
from . import splits


def of_dataset(
  definition: official.Definition,
  number: int,
  annotations: pathlib.Path,
  folder: pathlib.Path,
) -> preparation.Inputs:
  """Returns the clips of a data set that are there; prints how many.

  Args:
    definition: of the data set.
    number: of the official split.
    annotations: folder of its lists.
    folder: of its files.

  Raises:
    exit_codes.UserError: the lists cannot be used.
  """
  try:
    lists = definition.read(annotations, number)
    found = presence.find(definition, number, lists, folder)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  print(presence.describe(found.coverage), flush=True)
  keys = sources.content_keys(found.sources)
  return preparation.Inputs(
    found.sources,
    found.classes,
    equal_content=splits.equal_content(found.sources, keys),
    coverage=found.coverage,
    missing=[presence.row(entry) for entry in found.missing],
  )


def of_files(
  path: pathlib.Path,
  suffixes: frozenset[str],
  *,
  has_labels: bool,
  test_share: float,
) -> preparation.Inputs:
  """Returns the files of a folder or the rows of a csv.

  Args:
    path: of the folder or the csv.
    suffixes: of files that may be media; labels of others are not classes.
    has_labels: whether the first-level sub-folder is the label.
    test_share: of the files of each label; 0 for no split.

  Raises:
    exit_codes.UserError: the csv cannot be used.
    ValueError: `test_share` with a csv that has a column `split`.
  """
  try:
    found = sources.read(path, has_labels)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  ignored = sources.ignored_columns(path) if path.is_file() else []
  if ignored:
    logging.info(
      "columns of the csv that are ignored: %s", ", ".join(map(repr, ignored))
    )
  keys = sources.content_keys(found)
  left_out = []
  if test_share:
    if any(source.split for source in found):
      raise ValueError(
        "`--test_share` cannot be used with a csv that has a column `split`."
      )
    left_out = splits.leave_out_small_labels(found, suffixes)
    splits.assign(found, keys, test_share)
  return preparation.Inputs(
    found,
    splits.classes(found, suffixes),
    left_out,
    ignored,
    splits.equal_content(found, keys),
  )


def add_captions(found: list[sources.ClipSource], path: pathlib.Path) -> None:
  """Gives the inputs the captions of a csv.

  Raises:
    exit_codes.UserError: the csv cannot be used.
  """
  try:
    captions.attach(found, path)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
