"""Trains the form of a run's video network that takes one image.

  python -m tfvssl.deflate --workdir=RUN --records=RECORDS/train

Its batch norms' scales and offsets are fitted, without labels, to what the
video network says of pictures that stand still: the first frames of the
records' clips, or still pictures (tfvssl prepare --images). The
result is RUN/deflated, which tfvssl.evaluate and tfvssl.export take with
--image=trained. Defaults are those of MMV paper Sec. 4.4.
"""

from collections.abc import Sequence

from absl import flags
from absl import logging

from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import run_folder

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of tfvssl.train.")
_RECORDS = flags.DEFINE_string("records", None, "Record folder of pictures.")
_EPOCHS = flags.DEFINE_integer("epochs", 100, "Passes of the pictures.", 1)
_DECAY_EPOCHS = flags.DEFINE_integer(
  "decay_epochs", 30, "After every so many the rate is a tenth.", 1
)
_LEARNING_RATE = flags.DEFINE_float(
  "learning_rate", 1e-2, "Learning rate of Adam.", 0.0
)
_BATCH_SIZE = flags.DEFINE_integer(
  "batch_size", 64, "Pictures per update; the paper is silent.", 1
)
_SHORT_SIDE = flags.DEFINE_integer(
  "short_side",
  224,
  "Short side of a picture, in pixels, before its central square is taken;"
  " ours, as the paper is silent.",
  1,
)


def main(argv: Sequence[str]) -> int:
  """Deflates the run of --workdir and returns the exit code."""
  if len(argv) > 1:
    raise ValueError(f"'{argv[1]}' is not a flag; see --helpfull.")
  if not _WORKDIR.value or not _RECORDS.value:
    raise ValueError(
      "--workdir and --records are needed; for example --workdir=RUN"
      " --records=RECORDS/train"
    )
  workdir = storage.Path(_WORKDIR.value)
  logging.set_verbosity(logging.INFO)
  if not (workdir / run_folder.CONFIG_NAME).is_file():
    raise FileNotFoundError(
      f"{workdir} holds no run; give the --workdir of tfvssl.train."
    )
  with run_folder.locked(workdir):
    # Loads TensorFlow: after every check that needs none.
    from tfvssl.deflate import run

    history = run.deflate(
      run.Request(
        workdir=workdir,
        records=_RECORDS.value,
        epochs=_EPOCHS.value,
        decay_epochs=_DECAY_EPOCHS.value,
        learning_rate=_LEARNING_RATE.value,
        batch_size=_BATCH_SIZE.value,
        short_side=_SHORT_SIDE.value,
      )
    )
  print(
    f"mean L1 to the video network: {history[0]:.4f} in the first epoch,"
    f" {history[-1]:.4f} in the last"
  )
  binary.print_next(
    "tfvssl.export",
    f"--workdir={workdir}",
    "--image=trained",
    f"--output={workdir / 'export_with_images'}",
  )
  return exit_codes.OK


def console_main() -> None:
  """Runs the binary as a console script."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
