"""One search: a query against an index, what it found as a page.

Loads TensorFlow only where the query is embedded.
"""

import dataclasses
import os

from absl import logging

from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.runtime import terminal
from tfvssl.search import index as searching
from tfvssl.search import page as search_page

_KINDS = {"text": "sentence", "video": "clip", "audio": "sound"}


@dataclasses.dataclass(frozen=True)
class Found:
  """What was looked for, where, and what was found.

  Attributes:
    index: that was searched.
    text: the query as it was given.
    query: embedded.
    result: the best files.
    remarks: what the user must know, a sentence each.
  """

  index: searching.Index
  text: str
  query: searching.Query
  result: searching.Result
  remarks: list[str]


def search(
  *, model: str, index: str, query: str, top: int, trusted: bool
) -> Found:
  """Returns the files of an index that are nearest to a query; logs remarks.

  Args:
    model: folder of tfvssl.export.
    index: the .npz of tfvssl.embed.
    query: a file, else a sentence.
    top: how many files.
    trusted: whether to load a graph that may do more than compute.

  Raises:
    FileNotFoundError: there is no index or no export.
    ValueError: the query is no file, and the model reads no sentences.
    exit_codes.UserError: the index or the query cannot be used (3).
  """
  opened, description = _open(index, model)
  # Loads TensorFlow: after every check that needs none.
  embedded = searching.embed_query(model, description, query, trusted)
  result = searching.rank(opened, embedded, top)
  remarks = [*embedded.remarks, *_left_out(result)]
  for remark in remarks:
    logging.warning("%s", remark)
  return Found(opened, query, embedded, result, remarks)


def lines(result: searching.Result) -> list[str]:
  """Returns a table for the terminal, its head first."""
  return [
    "rank  score       time  file",
    *(
      f"{number:4d}  {hit.score:5.3f}  {search_page.clock(hit.start_s):>9}"
      f"  {terminal.printable(hit.path)}"
      for number, hit in enumerate(result.hits, 1)
    ),
  ]


def write_page(found: Found, output: storage.Path) -> None:
  """Writes what was found as a page with excerpts that play."""
  modality = found.query.modality
  content = search_page.Content(
    query=_shown_query(found),
    kind=_KINDS[modality],
    lead=_lead(found.result, modality),
    tiles=search_page.tiles(found.index, found.result.hits, output),
    remarks=found.remarks,
  )
  if modality != "text":
    content.excerpt = search_page.excerpt(
      storage.Path(found.text), 0.0, modality == "audio"
    )
  search_page.write(content, output)


def _open(index, model):
  try:
    opened = searching.load_index(index)
    return opened, searching.check_model(opened, model)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def _shown_query(found):
  if found.query.modality == "text":
    return found.text
  return os.path.basename(found.text)


def _lead(result, modality):
  """Returns what the scores of the page are."""
  files = f"{result.num_files} file{'s' * (result.num_files != 1)}"
  return (
    f"The {len(result.hits)} best of {files}, by the cosine between the"
    f" {_KINDS[modality]} and each file's best window in the space"
    f" {result.space}. Every clip starts at that window."
  )


def _left_out(result):
  if not result.num_left_out:
    return []
  return [
    f"{result.num_left_out} files of the index have no embedding in the space"
    f" {result.space} and were not compared."
  ]
