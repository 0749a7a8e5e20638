"""One run of the demo: the stages that are missing, then the report."""

import json

from tfvssl.data.records import manifest
from tfvssl.demo import plan as demo_plan
from tfvssl.demo import stages as demo_stages
from tfvssl.runtime import storage
from tfvssl.train import run_folder

_SETTINGS_NAME = "demo.json"


def demo(
  workdir: storage.Path, videos: storage.Path | None, seed: int
) -> storage.Path:
  """Does in `workdir` what is missing; returns where the report is.

  Args:
    workdir: of all results.
    videos: folder of videos; None for generated clips.
    seed: of the generated clips and of the training.

  Raises:
    ValueError: `workdir` holds the demo of other videos or another seed.
    exit_codes.UserError: no video can be read, or too few (3), or a stage
      failed (its code).
  """
  workdir.mkdir(parents=True, exist_ok=True)
  with run_folder.locked(workdir):
    _check_settings(workdir, videos, seed)
    return _run(workdir, videos, seed)


def _check_settings(workdir, videos, seed):
  """Keeps one workdir to one set of videos and one seed."""
  settings = {
    "videos": str(videos.resolve()) if videos else "",
    "seed": seed,
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


def _run(workdir, videos, seed):
  journal = demo_stages.Journal(workdir)
  remarks = []
  if videos is None:
    config, modalities, embedded = (
      "tiny_brave",
      "rgb,audio",
      workdir / "videos" / "test",
    )
    for stage in demo_plan.generated(workdir, seed):
      demo_stages.run(stage, journal)
  else:
    choice = demo_plan.choose(demo_plan.survey(videos))
    print(choice.reason, flush=True)
    remarks.append(choice.reason[0].upper() + choice.reason[1:])
    config, modalities, embedded = choice.config, choice.modalities, videos
    demo_stages.run(demo_plan.prepare(workdir, videos, choice), journal)
  records = workdir / "records"
  train_clips = demo_plan.usable_clips(records / "train", modalities)
  train = demo_plan.train(
    workdir,
    config,
    seed=seed,
    train_clips=train_clips,
    test_clips=demo_plan.usable_clips(records / "test", modalities),
  )
  demo_stages.run(train, journal)
  about = manifest.load_manifest(records / "train")
  labelled = len(about.classes) - len(about.empty_classes) > 1
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
      train_clips=train_clips,
    )
  )
