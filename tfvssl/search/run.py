"""One search: a query against an index, what it found as a page.

Loads TensorFlow only where the query is embedded.
"""

import dataclasses
import os

from absl import logging

from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.runtime import terminal
from tfvssl.search import asking
from tfvssl.search import index as searching
from tfvssl.search import page as search_page
from tfvssl.search import ranking

_KINDS = {
  "text": "sentence",
  "video": "clip",
  "audio": "sound",
  "both": "clip and its sound",
}
_COMPARED = {
  None: "by the cosine between the {kind} and each file's best window",
  "video": "by the cosine between its pictures and those of each file's best"
  " window",
  "audio": "by the cosine between its sound and that of each file's best"
  " window",
  "both": "by the mean of two cosines with each file's best window, of pictures"
  " with pictures and of sound with sound,",
}


@dataclasses.dataclass(frozen=True)
class Found:
  """What was looked for, where, and what was found.

  Attributes:
    index: that was searched.
    text: the query as it was given.
    kind: of the query: text, video, audio or both.
    result: the best files.
    by: what of files is compared; see ranking.Query.
  """

  index: searching.Index
  text: str
  kind: str
  result: ranking.Result
  by: str | None = None


def search(
  *, model: str, index: str, query: str, top: int, by: str | None, trusted: bool
) -> Found:
  """Returns the files of an index that are nearest to a query; logs remarks.

  Args:
    model: folder of tfvssl.export.
    index: the .npz of tfvssl.embed.
    query: a file, else a sentence.
    top: how many files.
    by: video, audio or both, for a file; see ranking.Query.
    trusted: whether to load a graph that may do more than compute.

  Raises:
    FileNotFoundError: there is no index or no export.
    ValueError: the query is no file, and the model reads no sentences.
    exit_codes.UserError: the index or the query cannot be used (3).
  """
  opened, description = _open(index, model)
  asking.check(query, by, bool(description.get("text")), model)
  # They load TensorFlow: after every check that needs none.
  from tfvssl.embed import run as embed_run
  from tfvssl.search import model as search_model

  embedder = embed_run.load(model, search_model.MODALITIES, trusted=trusted)
  loaded = search_model.Model(embedder, model)
  embedded = loaded.query(query, by)
  result = loaded.rank(opened, embedded, top)
  for remark in result.remarks:
    logging.warning("%s", remark)
  return Found(opened, query, embedded.kind, result, by)


def lines(result: ranking.Result) -> list[str]:
  """Returns a table for the terminal, its head first; then the noise level.

  The query's own file comes first, as `self`.
  """
  labelled = any(hit.label for hit in [*result.own, *result.hits])
  rows = [("rank", "score", "time", "label", "file")]
  numbers = ["self"] * len(result.own) + list(range(1, len(result.hits) + 1))
  for number, hit in zip(numbers, [*result.own, *result.hits], strict=True):
    score, time = f"{hit.score:5.3f}", search_page.clock(hit.start_s)
    label, path = map(terminal.printable, (hit.label, hit.path))
    rows.append((str(number), score, time, label, path))
  width = max(len(label) for _, _, _, label, _ in rows)
  return [
    f"{number:>4}  {score:5}  {time:>9}  "
    + (f"{label:{width}}  {path}" if labelled else path)
    for number, score, time, label, path in rows
  ] + [noise_text(result.noise)]


def noise_text(noise: ranking.Noise | None) -> str:
  """Returns what the noise level is, as a sentence without its full stop."""
  if noise is None:
    return "no noise level: the index has fewer than two files to compare"
  pairs = f"{noise.num_files * (noise.num_files - 1) // 2:,} pairs"
  if noise.num_files < noise.of_files:
    pairs += f" of {noise.num_files} of its {noise.of_files:,} files, a sample"
  return (
    f"noise level {noise.level:.3f}: 95 % of the pairs of different files of"
    f" the index are less alike ({pairs})"
  )


def write_page(found: Found, output: storage.Path) -> None:
  """Writes what was found as a page with excerpts that play."""
  result = found.result
  content = search_page.Content(
    query=_shown_query(found),
    kind=_KINDS[found.kind],
    lead=_lead(found),
    tiles=search_page.tiles(found.index, result.hits, output),
    own=search_page.tiles(found.index, result.own, output),
    noise=result.noise and result.noise.level,
    remarks=result.remarks,
  )
  if found.kind != "text":
    content.excerpt = search_page.excerpt(
      storage.Path(found.text), 0.0, found.kind == "audio"
    )
  search_page.write(content, output)


def _open(index, model):
  try:
    opened = searching.load_index(index)
    return opened, searching.check_model(opened, model)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def _shown_query(found):
  if found.kind == "text":
    return found.text
  return os.path.basename(found.text)


def _lead(found):
  """Returns what the scores of the page are."""
  result = found.result
  compared = _COMPARED[found.by].format(kind=_KINDS[found.kind])
  files = f"{result.num_files} file{'s' * (result.num_files != 1)}"
  noise = noise_text(result.noise)
  return (
    f"The {len(result.hits)} best of {files}, {compared} in the space"
    f" {result.space}."
    f" Every clip starts at that window. {noise[0].upper()}{noise[1:]}."
  )
