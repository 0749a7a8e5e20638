"""The whole way once: clips, records, pretraining, evaluation, report page.

  python -m tfvssl.demo --workdir=demo
  python -m tfvssl.demo --workdir=my_demo --videos=FOLDER

Without --videos, clips are generated. With a folder of videos, labelled by
its first-level sub-folders or not at all, the same is done with them. Every
stage is a command that you could type; started again, the demo skips what is
done and continues what was interrupted. The result is WORKDIR/report.html.
"""

from collections.abc import Sequence

from absl import app
from absl import flags

from tfvssl.demo import run
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage

_WORKDIR = flags.DEFINE_string("workdir", "demo", "Folder of all results.")
_VIDEOS = flags.DEFINE_string(
  "videos", None, "Folder of videos to use instead of generated clips."
)
_SEED = flags.DEFINE_integer(
  "seed", 0, "Seed of the generated clips and of the training.", lower_bound=0
)


def main(argv: Sequence[str]) -> int:
  """Runs the stages that are missing and writes the report."""
  if len(argv) > 1:
    raise app.UsageError(f"unknown argument '{argv[1]}'; see --helpfull.")
  workdir = storage.Path(_WORKDIR.value)
  videos = storage.Path(_VIDEOS.value) if _VIDEOS.value else None
  if videos and not videos.is_dir():
    raise FileNotFoundError(f"--videos={videos} is not a folder.")
  path = run.demo(workdir, videos, _SEED.value)
  print(f"\nreport: {path.resolve()}")
  if videos is None:
    print("Open it in a browser. For your own videos:")
    binary.print_next("tfvssl.demo", "--workdir=my_demo", "--videos=FOLDER")
  else:
    print("Open it in a browser. To search them by another clip:")
    binary.print_next(
      "tfvssl.search",
      f"--model={workdir / 'export'}",
      f"--index={workdir / 'embeddings.npz'}",
      "--query=CLIP",
      f"--output={workdir / 'found.html'}",
    )
  return exit_codes.OK


def console_main() -> None:
  """Console script tfvssl-demo."""
  binary.run(main)


if __name__ == "__main__":
  console_main()
