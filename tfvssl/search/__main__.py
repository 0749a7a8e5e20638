"""Searches embedded files by a sentence, a clip or a sound.

  python -m tfvssl.search --model=EXPORT --index=embeddings.npz \
    --query="a red disc" --output=results.html

The index is what tfvssl.embed --input made with the same export. A query that
names a file is that file, else a sentence, which only a model with a text
network reads. A file's score is the cosine of its best window: of a sentence
in the space that text and video share (vat), of a sound in va where the
network has it, else in `embedding`; files without pictures are compared by
their sound. Prints the best files with the times, and writes them as a page
with excerpts that play.
"""

from collections.abc import Sequence
import os

from absl import flags
from absl import logging

from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_MODEL = flags.DEFINE_string("model", None, "Folder of tfvssl.export.")
_INDEX = flags.DEFINE_string("index", None, "The .npz of tfvssl.embed --input.")
_QUERY = flags.DEFINE_string("query", None, "A file, else a sentence.")
_OUTPUT = flags.DEFINE_string("output", None, "The .html file to write.")
_TOP = flags.DEFINE_integer(
  "top", 20, "Files to show.", lower_bound=1, upper_bound=200
)

_KINDS = {"text": "sentence", "video": "clip", "audio": "sound"}


def main(argv: Sequence[str]) -> int:
  """Searches --index for --query and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not all(
    flag.value and flag.value.strip()
    for flag in (_MODEL, _INDEX, _QUERY, _OUTPUT)
  ):
    raise ValueError(
      "--model, --index, --query and --output are needed; for example"
      ' --model=EXPORT --index=embeddings.npz --query="a red disc"'
      " --output=results.html"
    )
  output = storage.Path(_OUTPUT.value)
  if output.suffix != ".html":
    raise ValueError(f"--output={output} must end in .html")
  from tfvssl.search import index as searching
  from tfvssl.search import page as search_page

  logging.set_verbosity(logging.INFO)
  index, description = _open()
  # Loads TensorFlow: after every check that needs none.
  query = searching.embed_query(_MODEL.value, description, _QUERY.value)
  result = searching.rank(index, query, _TOP.value)
  remarks = [*query.remarks, *_left_out(result)]
  for remark in remarks:
    logging.warning("%s", remark)
  _print_table(result)
  content = search_page.Content(
    query=_shown_query(query),
    kind=_KINDS[query.modality],
    lead=_lead(result, query),
    tiles=search_page.tiles(index, result.hits, output),
    remarks=remarks,
  )
  if query.modality != "text":
    content.excerpt = search_page.excerpt(
      storage.Path(_QUERY.value), 0.0, query.modality == "audio"
    )
  search_page.write(content, output)
  print(
    f"{len(result.hits)} of {result.num_files} files by cosine in"
    f" `{result.space}`; open {output} in a browser"
  )
  return exit_codes.OK


def _open():
  from tfvssl.search import index as searching

  try:
    index = searching.load_index(_INDEX.value)
    return index, searching.check_model(index, _MODEL.value)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error


def _shown_query(query):
  if query.modality == "text":
    return _QUERY.value
  return os.path.basename(_QUERY.value)


def _lead(result, query):
  """Returns what the scores of the page are."""
  files = f"{result.num_files} file{'s' * (result.num_files != 1)}"
  return (
    f"The {len(result.hits)} best of {files}, by the cosine between the"
    f" {_KINDS[query.modality]} and each file's best window in the space"
    f" {result.space}. Every clip starts at that window."
  )


def _left_out(result):
  if not result.num_left_out:
    return []
  return [
    f"{result.num_left_out} files of the index have no embedding in the space"
    f" {result.space} and were not compared."
  ]


def _print_table(result):
  from tfvssl.search import index as searching
  from tfvssl.search import page as search_page

  print("rank  score       time  file")
  for number, hit in enumerate(result.hits, 1):
    print(
      f"{number:4d}  {hit.score:5.3f}  {search_page.clock(hit.start_s):>9}"
      f"  {searching.printable(hit.path)}"
    )


def console_main() -> None:
  """Runs the binary as a console script."""
  exit_codes.run(main)


if __name__ == "__main__":
  console_main()
