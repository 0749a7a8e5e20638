"""Searches embedded files by a sentence, a clip or a sound.

  python -m tfvssl.search --model=EXPORT --index=embeddings.npz \
    --query="a red disc" --output=results.html

The index is what tfvssl.embed --input made with the same export. A query that
names a file is that file, else a sentence, which only a model with a text
network reads. A file's score is the cosine of its best window: of a sentence
in the space that text and video share (vat), of a sound in va where the
network has it, else in `embedding`; files without pictures are compared by
their sound. --by=video compares the query's pictures with pictures, --by=audio
its sound with sound, --by=both takes the mean of the two scores. Prints the
best files with the times, the query's own file as `self`, and how near the
files are to each other; writes them as a page with excerpts that play.
"""

from collections.abc import Sequence

from absl import flags
from absl import logging

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_MODEL = flags.DEFINE_string("model", None, "Folder of tfvssl.export.")
_INDEX = flags.DEFINE_string("index", None, "The .npz of tfvssl.embed --input.")
_QUERY = flags.DEFINE_string("query", None, "A file, else a sentence.")
_OUTPUT = flags.DEFINE_string("output", None, "The .html file to write.")
_TOP = flags.DEFINE_integer(
  "top", 20, "Files to show.", lower_bound=1, upper_bound=200
)
_BY = flags.DEFINE_enum(
  "by",
  None,
  ["video", "audio", "both"],
  "By what of the query's file; by default its pictures, else its sound.",
)
_TRUST = flags.DEFINE_boolean(
  "trust",
  False,
  "Load --model even if its graph may do more than compute.",
)


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
    raise ValueError(
      f"--output={output} must end in .html; for example --output=results.html."
    )
  storage.check_place(output)
  from tfvssl.search import run

  logging.set_verbosity(logging.INFO)
  found = run.search(
    model=_MODEL.value,
    index=_INDEX.value,
    query=_QUERY.value,
    top=_TOP.value,
    by=_BY.value,
    trusted=_TRUST.value,
  )
  for line in run.lines(found.result):
    print(line)
  run.write_page(found, output)
  print(
    f"{len(found.result.hits)} of {found.result.num_files} files by"
    f" {'the mean of two cosines' if found.by == 'both' else 'cosine'} in"
    f" `{found.result.space}`; open {output} in a browser"
  )
  return exit_codes.OK


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
