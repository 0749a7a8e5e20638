"""Labels videos with an exported model and a classifier of tfvssl.evaluate.

  python -m tfvssl.classify --model=EXPORT --classifier=FILE.npz \
    --input=FOLDER --output=labels.csv

FILE is what tfvssl.evaluate --save_classifier wrote for the same network. Every
video is seen as in that evaluation. Writes a csv with path, label, score and
the score of every class (decision values of an svm, probabilities of a linear
layer, the mean over the views), and beside it a page, labels.html, that shows
the files by their labels.
"""

from collections.abc import Sequence

from absl import flags
from absl import logging

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_MODEL = flags.DEFINE_string("model", None, "Folder of tfvssl.export.")
_CLASSIFIER = flags.DEFINE_string(
  "classifier", None, "The .npz of tfvssl.evaluate --save_classifier."
)
_INPUT = flags.DEFINE_string("input", None, "Folder of videos, or one file.")
_OUTPUT = flags.DEFINE_string("output", "labels.csv", "The .csv file to write.")
_TRUST = flags.DEFINE_boolean(
  "trust",
  False,
  "Load --model even if its graph may do more than compute.",
)
_MAX_SKIPPED = flags.DEFINE_float(
  "max_skipped",
  0.5,
  "Share of unreadable files above which the exit code is 4.",
  lower_bound=0.0,
  upper_bound=1.0,
)


def main(argv: Sequence[str]) -> int:
  """Labels the videos of --input and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not all((_MODEL.value, _CLASSIFIER.value, _INPUT.value)):
    raise ValueError(
      "--model, --classifier and --input are needed; for example"
      " --model=EXPORT --classifier=FILE.npz --input=FOLDER"
    )
  output = storage.Path(_OUTPUT.value)
  if output.suffix != ".csv":
    raise ValueError(
      f"--output={output} must end in .csv; for example --output=labels.csv."
    )
  for place in (output, output.with_suffix(".html")):
    storage.check_place(place)
  # Loads TensorFlow: after every check that needs none.
  from tfvssl.classify import run

  logging.set_verbosity(logging.INFO)
  table = run.classify(
    model=_MODEL.value,
    classifier=_CLASSIFIER.value,
    root=storage.Path(_INPUT.value),
    trusted=_TRUST.value,
  )
  page = run.write(table, output)
  done, skipped = len(table.rows), len(table.skipped)
  print(
    f"{done} labels, {skipped} skipped, {table.no_media} not media files, in"
    f" {output}"
  )
  print(f"next: open {page} in a browser")
  too_many = skipped > _MAX_SKIPPED.value * (done + skipped)
  return exit_codes.SKIPPED if too_many else exit_codes.OK


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
