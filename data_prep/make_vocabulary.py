"""Makes a vocabulary of the captions of record folders.

  python -m data_prep.make_vocabulary --records=RECORDS --output=words.txt

One word a line: the four special words, then the words of the captions by
falling count, equal ones in alphabetical order. The line, counted from 0, is
the word's id: this is the `vocabulary` of a text view. Words are told apart
as the tokeniser does it (views.Vocabulary.DMVR). --records may be given
several times; a vocabulary is made of training captions only.
"""

import collections
from collections.abc import Iterator, Sequence
import pathlib

from absl import flags as absl_flags

from tfvssl import exit_codes
from tfvssl import views

_RECORDS = absl_flags.DEFINE_multi_string(
  "records", None, "Folders of data_prep.prepare_records.", required=True
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

_AT_ONCE = 10_000  # captions


def main(argv: Sequence[str]) -> int:
  """Writes the vocabulary and says what it covers; returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is no flag; see --helpfull.")
  try:
    counts = count_words(map(pathlib.Path, _RECORDS.value))
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  running = sum(counts.values())
  if not running:
    raise exit_codes.UserError(
      exit_codes.DATA,
      f"no caption in {', '.join(_RECORDS.value)}; prepare the videos with"
      " captions (--captions, or the column `caption` of the csv).",
    )
  words = choose(counts, _MAX_WORDS.value)
  output = pathlib.Path(_OUTPUT.value)
  output.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
  covered = sum(counts[word] for word in words)
  print(
    f"{len(words)} words in {output}, {covered / running:.1%} of {running}"
    f" running words; the captions hold {len(counts)} words"
  )
  print(
    "next: python -m tfvssl.train --config=configs/tiny_mmv.py --workdir=RUN"
    f" --config.data.train_records={_RECORDS.value[0]}"
    f" --config.method.partners.text.view.vocabulary={output}"
    f" --config.method.partners.text.backbone.vocabulary_size={len(words)}"
  )
  return exit_codes.OK


def count_words(folders: Iterator[pathlib.Path]) -> collections.Counter[str]:
  """Returns how often each word stands in the captions of record folders.

  A caption that lasts over several clips counts in each of them.

  Raises:
    FileNotFoundError: a folder or its manifest does not exist.
    ValueError: a manifest or record is damaged; it is named.
  """
  import tensorflow as tf

  from tfvssl.data import text

  counts: collections.Counter[str] = collections.Counter()
  captions = (caption for folder in folders for caption in _captions(folder))
  for batch in _batches(captions):
    found = text.words(tf.constant(batch), views.Vocabulary.DMVR)
    counts.update(
      word.decode("utf-8", "replace") for word in found.flat_values.numpy()
    )
  return counts


def _captions(folder):
  from tfvssl.data import record_check
  from tfvssl.data import schema

  for shard in schema.load_manifest(folder).shards:
    for _, context in record_check.contexts(folder / shard.file):
      yield from context["clip/caption"]


def _batches(captions):
  batch = []
  for caption in captions:
    batch.append(caption)
    if len(batch) == _AT_ONCE:
      yield batch
      batch = []
  if batch:
    yield batch


def choose(counts: collections.Counter[str], most: int) -> list[str]:
  """Returns the special words and the most frequent others.

  Args:
    counts: of the words of captions.
    most: length of the result.
  """
  from tfvssl.data import text

  ranked = sorted(counts, key=lambda word: (-counts[word], word))
  special = list(text.SPECIAL_WORDS)
  return special + ranked[: most - len(special)]


def console_main() -> None:
  """Runs the binary as a console script."""
  exit_codes.run(main)


if __name__ == "__main__":
  console_main()
