"""The whole way once: clips, records, pretraining, evaluation, report page.

  python -m tfvssl.demo --workdir=demo
  python -m tfvssl.demo --workdir=my_demo --videos=FOLDER

Without --videos, clips are generated. With a folder of videos, labelled by
its first-level sub-folders or not at all, the same is done with them. Every
stage is a command that you could type; started again, the demo skips what is
done and continues what was interrupted. The result is WORKDIR/report.html.
"""

from collections.abc import Sequence
import json

from absl import app
from absl import flags

from tfvssl.data.records import manifest
from tfvssl.demo import plan as demo_plan
from tfvssl.demo import stages as demo_stages
from tfvssl.runtime import exit_codes
from tfvssl.runtime import storage
from tfvssl.train import run_folder

_WORKDIR = flags.DEFINE_string("workdir", "demo", "Folder of all results.")
_VIDEOS = flags.DEFINE_string(
  "videos", None, "Folder of videos to use instead of generated clips."
)
_SEED = flags.DEFINE_integer(
  "seed", 0, "Seed of the generated clips and of the training.", lower_bound=0
)
_SETTINGS_NAME = "demo.json"


def main(argv: Sequence[str]) -> int:
  """Runs the stages that are missing and writes the report."""
  if len(argv) > 1:
    raise app.UsageError(f"unknown argument '{argv[1]}'; see --helpfull.")
  workdir = storage.Path(_WORKDIR.value)
  videos = storage.Path(_VIDEOS.value) if _VIDEOS.value else None
  if videos and not videos.is_dir():
    raise FileNotFoundError(f"--videos={videos} is not a folder.")
  workdir.mkdir(parents=True, exist_ok=True)
  with run_folder.locked(workdir):
    _check_settings(workdir, videos)
    path = _run(workdir, videos)
  print(f"\nreport: {path.resolve()}")
  print(
    "next: open it in a browser; for your own videos:"
    " python -m tfvssl.demo --workdir=my_demo --videos=FOLDER"
  )
  return exit_codes.OK


def _check_settings(workdir, videos):
  """Keeps one workdir to one set of videos and one seed."""
  settings = {
    "videos": str(videos.resolve()) if videos else "",
    "seed": _SEED.value,
  }
  path = workdir / _SETTINGS_NAME
  if path.exists():
    found = json.loads(path.read_text(encoding="utf-8"))
    if found != settings:
      raise ValueError(
        f"--workdir={workdir} holds a demo of"
        f" {found['videos'] or 'generated'} clips with seed"
        f" {found['seed']}; take another folder or remove it."
      )
  storage.write_text(path, json.dumps(settings) + "\n")


def _run(workdir, videos):
  journal = demo_stages.Journal(workdir)
  remarks = []
  if videos is None:
    config, modalities, embedded = (
      "tiny_brave.py",
      "rgb,audio",
      workdir / "videos" / "test",
    )
    for stage in demo_plan.generated(workdir, _SEED.value):
      demo_stages.run(stage, journal)
  else:
    choice = demo_plan.choose(demo_plan.survey(videos))
    print(choice.reason, flush=True)
    remarks.append(choice.reason[0].upper() + choice.reason[1:])
    config, modalities, embedded = choice.config, choice.modalities, videos
    demo_stages.run(demo_plan.prepare(workdir, videos, choice), journal)
  records = workdir / "records"
  train = demo_plan.train(
    workdir,
    config,
    seed=_SEED.value,
    train_clips=demo_plan.usable_clips(records / "train", modalities),
    test_clips=demo_plan.usable_clips(records / "test", modalities),
  )
  demo_stages.run(train, journal)
  labelled = len(manifest.load_manifest(records / "train").classes) > 1
  if not labelled:
    remarks.append(
      "Fewer than two sub-folders with videos, so there are no labels:"
      " neighbours instead of accuracy."
    )
  for stage in demo_plan.after_training(workdir, embedded, labelled=labelled):
    demo_stages.run(stage, journal)
  # Loads TensorFlow: after the stages, which need the memory.
  from tfvssl.demo import report as demo_report

  return demo_report.write(
    demo_report.Demo(
      workdir=workdir,
      videos=embedded,
      generated=videos is None,
      labelled=labelled,
      journal=journal,
      remarks=remarks,
    )
  )


def console_main() -> None:
  """Console script tfvssl-demo."""
  exit_codes.run(main)


if __name__ == "__main__":
  console_main()
