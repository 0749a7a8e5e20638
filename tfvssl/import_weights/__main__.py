"""Makes a run from published weights, which every other binary then takes.

  python -m tfvssl.import_weights --source=brave --checkpoint=X.npy \\
      --output=RUN
  python -m tfvssl.import_weights --source=mmv --checkpoint=X.pkl \\
      --output=RUN [--vocabulary=WORDS]

X is one of the checkpoints that DeepMind published with BraVe or MMV. It is a
pickle: it is read without running anything that it names. RUN holds the config
of the released code, the weights as step 0, and import.json, which says what
was read and what was left out. The vocabulary of MMV's text network was not
published; without it the text network is left out.
"""

from collections.abc import Sequence

from absl import flags
from absl import logging

from tfvssl.import_weights import published_file
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import places
from tfvssl.runtime import storage

_SOURCE = flags.DEFINE_enum(
  "source", "brave", ["brave", "mmv"], "Which publication the file belongs to."
)
_CHECKPOINT = flags.DEFINE_string(
  "checkpoint", None, "The published .npy (BraVe) or .pkl (MMV)."
)
_VOCABULARY = flags.DEFINE_string(
  "vocabulary",
  "",
  "File of the words of MMV's text network, one a line in the order of its"
  " embeddings.",
)
_OUTPUT = flags.DEFINE_string(
  "output", None, "Folder to make; it must not exist or be empty."
)
_ALLOW_PARTIAL = flags.DEFINE_bool(
  "allow_partial",
  False,
  "Import the networks that are in the file; others that a run has stay random,"
  " tensors that none has are left out, and import.json names both.",
)
_MAX_BYTES = flags.DEFINE_integer(
  "max_bytes",
  published_file.MAX_BYTES,
  "Refuse a larger file; about three times its size is held in memory.",
  lower_bound=1,
  upper_bound=1 << 40,
)


def main(argv: Sequence[str]) -> int:
  """Imports --checkpoint and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _CHECKPOINT.value or not _OUTPUT.value:
    raise ValueError(
      "--checkpoint and --output are needed; for example --source=brave"
      " --checkpoint=X.npy --output=RUN"
    )
  if _VOCABULARY.value and _SOURCE.value != "mmv":
    raise ValueError(
      f"--vocabulary={_VOCABULARY.value} is for --source=mmv; BraVe has no"
      " text."
    )
  logging.set_verbosity(logging.INFO)
  output = places.check_free(storage.Path(_OUTPUT.value))
  try:
    report = _import(output)
  except ValueError as error:
    raise exit_codes.UserError(exit_codes.DATA, str(error)) from error
  print(f"{report.tensors} tensors with {report.values} values imported.")
  for reason, names in report.ignored.items():
    print(f"left out, {reason}: {len(names)} tensors")
  if report.random:
    print(f"random, not in the file: {', '.join(report.random)}")
  binary.print_next(
    "tfvssl.evaluate",
    f"--workdir={_OUTPUT.value}",
    "--protocol=svm",
    "--num_frames=32",
    "--train_records=RECORDS/train",
    "--test_records=RECORDS/test",
  )
  return exit_codes.OK


def _import(output):
  if _SOURCE.value == "brave":
    published = published_file.read(_CHECKPOINT.value, _MAX_BYTES.value)
    # Loads TensorFlow: after every check that needs none.
    from tfvssl.import_weights import brave as published_brave

    return published_brave.import_run(
      published, output, allow_partial=_ALLOW_PARTIAL.value
    )
  published = published_file.read_mmv(_CHECKPOINT.value, _MAX_BYTES.value)
  from tfvssl.import_weights import mmv as published_mmv

  return published_mmv.import_run(
    published,
    output,
    vocabulary=_VOCABULARY.value,
    allow_partial=_ALLOW_PARTIAL.value,
  )


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
