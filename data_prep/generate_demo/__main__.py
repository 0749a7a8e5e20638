"""Generates the demo: labelled motions with matching sounds, as mp4 files.

  python -m tfvssl generate-demo --output=demo/videos --seed=0

Writes OUTPUT/<split>/<label>/<split>_<number>.mp4 (H.264 at 25 fps, AAC) and
OUTPUT/clips.csv with path, label and split for tfvssl prepare.
With --captions every clip also has a sentence that names what moves and how
it sounds. The pictures are the same for the same flags; what is there stays,
so a rerun continues. See data_prep.generate_demo.scenes for what a clip holds.
"""

import pathlib

from absl import app
from absl import flags

from tfvssl.runtime import binary

from . import clips

_OUTPUT = flags.DEFINE_string(
  "output", None, "Folder for the videos and clips.csv.", required=True
)
_TRAIN_CLIPS = flags.DEFINE_integer(
  "train_clips", 640, "Clips to train on; classes take turns.", 1
)
_TEST_CLIPS = flags.DEFINE_integer(
  "test_clips", 160, "Clips that are never trained on.", 0
)
_SHOTS = flags.DEFINE_integer("shots", 4, "Shots per clip, 1.92 s each.", 1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of every random draw.", 0)
_CAPTIONS = flags.DEFINE_bool(
  "captions", False, "One object a clip, of one colour, and a caption of it."
)
_WORKERS = flags.DEFINE_integer("workers", 2, "Processes that draw.", 1)


def main(argv: list[str]) -> None:
  """Generates the clips that the flags ask for."""
  if len(argv) > 1:
    raise app.UsageError(f"unknown argument '{argv[1]}'; see --help.")
  output = pathlib.Path(_OUTPUT.value)
  written = clips.generate(
    output,
    train_clips=_TRAIN_CLIPS.value,
    test_clips=_TEST_CLIPS.value,
    num_shots=_SHOTS.value,
    seed=_SEED.value,
    workers=_WORKERS.value,
    captions=_CAPTIONS.value,
  )
  print(f"{written} clips written to {output}.")
  binary.print_next(
    "tfvssl",
    "prepare",
    f"--input={output / clips.CSV_NAME}",
    "--output=RECORDS",
    "--modalities=rgb,audio",
    "--short_side=64",
  )


def console_main() -> None:
  """Console script tfvssl-generate-demo."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
