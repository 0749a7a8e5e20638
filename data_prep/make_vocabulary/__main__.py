"""Makes a vocabulary of the captions of record folders.

  python -m tfvssl vocabulary --records=RECORDS --output=words.txt

One word a line: the four special words, then the words of the captions by
falling count, equal ones in alphabetical order. The line, counted from 0, is
the word's id: this is the `vocabulary` of a text view. Words are told apart
as the tokeniser does it (views.Vocabulary.DMVR). --records may be given
several times; a vocabulary is made of training captions only. A run needs the
very file that it was trained with: a file that is there is not written again.
"""

from collections.abc import Sequence

from absl import flags as absl_flags

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

from .. import next_command
from . import counting

_RECORDS = absl_flags.DEFINE_multi_string(
  "records", None, "Folders of tfvssl prepare.", required=True
)
_OUTPUT = absl_flags.DEFINE_string(
  "output", None, "Text file to write.", required=True
)
_MAX_WORDS = absl_flags.DEFINE_integer(
  "max_words",
  65_536,
  "Most lines of the file; the published table of embeddings has 65536 rows.",
  lower_bound=5,
)
BATCH_SIZE = 32  # of configs/tiny_mmv


def main(argv: Sequence[str]) -> int:
  """Writes the vocabulary and says what it covers; returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  output = storage.Path(_OUTPUT.value)
  if output.exists():
    raise ValueError(
      f"--output={output} exists; runs may depend on its ids, take another name"
      " or remove it."
    )
  storage.check_place(output)
  try:
    counts = counting.count_words(map(storage.Path, _RECORDS.value))
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  running = sum(counts.values())
  if not running:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"no caption in {', '.join(_RECORDS.value)}; prepare the videos with"
      " captions (--captions, or the column `caption` of the csv).",
    )
  words = counting.choose(counts, _MAX_WORDS.value)
  storage.write_text(output, "".join(f"{word}\n" for word in words))
  covered = sum(counts[word] for word in words)
  print(
    f"{len(words)} words in {output}, {covered / running:.1%} of {running}"
    f" running words; the captions hold {len(counts)} words"
  )
  folders = [storage.Path(folder) for folder in _RECORDS.value[:2]]
  binary.print_next(
    "tfvssl.train",
    "--config=tiny_mmv",
    "--workdir=RUN",
    *next_command.of_data(*folders),
    *next_command.batch_flags(folders, ("rgb",), BATCH_SIZE),
    f"--config.method.partners.text.view.vocabulary={output}",
    f"--config.method.partners.text.backbone.vocabulary_size={len(words)}",
  )
  return exit_codes.OK


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
