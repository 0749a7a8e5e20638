"""The demo from its first command to its page."""

import json
import subprocess
import sys

import pytest

from tfvssl.demo import plan as demo_plan
from tfvssl.demo import report as demo_report
from tfvssl.demo import stages as demo_stages

# As few and as short as every stage can work with.
_SMALLER = {
  "generate": ["--train_clips=32", "--test_clips=16", "--shots=1"],
  "prepare": ["--num_shards=2"],
  "train": [
    "--config.steps=2",
    "--config.schedule.warmup_steps=1",
    "--config.logging.heldout_every=1",
  ],
  "evaluate": ["--set=svm.train_epochs=1", "--set=svm.temporal_clips=1"],
  "export": [],
  "embed": [],
  "search": ["--top=3"],
}


def run_demo(*flags):
  return subprocess.run(
    [sys.executable, "-m", "tfvssl.demo", *flags],
    capture_output=True,
    text=True,
    timeout=120,
    check=False,
  )


def test_missing_folder_of_videos_is_a_data_error(tmp_path):
  done = run_demo(f"--workdir={tmp_path}", f"--videos={tmp_path / 'none'}")
  assert done.returncode == 3
  assert "is not a folder" in done.stderr
  assert "Traceback" not in done.stderr


def test_workdir_belongs_to_one_set_of_videos(tmp_path):
  (tmp_path / "demo.json").write_text('{"videos": "/a", "seed": 3}')
  done = run_demo(f"--workdir={tmp_path}")
  assert done.returncode == 2
  assert "holds a demo of /a clips with seed 3" in done.stderr


def test_folder_without_videos_is_a_data_error(tmp_path):
  videos = tmp_path / "videos"
  videos.mkdir()
  (videos / "notes.txt").write_text("none here")
  done = run_demo(f"--workdir={tmp_path / 'demo'}", f"--videos={videos}")
  assert done.returncode == 3
  assert "holds no readable video" in done.stderr


def _run(stages, journal):
  for stage in stages:
    stage.flags += _SMALLER[stage.name]
    assert not demo_stages.run(stage, journal).error


@pytest.mark.slow
def test_generated_clips_become_a_whole_report(tmp_path):
  journal = demo_stages.Journal(tmp_path)
  stages = demo_plan.generated(tmp_path, seed=5)
  stages.append(
    demo_plan.train(
      tmp_path, "tiny_brave", seed=5, train_clips=32, test_clips=16
    )
  )
  _run(stages, journal)
  videos = tmp_path / "videos" / "test"
  _run(demo_plan.after_training(tmp_path, videos, labelled=True), journal)
  assert list(journal.outcomes) == list(_SMALLER)
  path = demo_report.write(
    demo_report.Demo(
      workdir=tmp_path,
      videos=videos,
      generated=True,
      labelled=True,
      journal=journal,
      remarks=[],
      train_clips=32,
    )
  )
  page = path.read_text(encoding="utf-8")
  assert "Not shown" not in page
  assert page.count('<figure class="tile query"') == 8
  # Its own two views, and none that it does not learn from.
  assert page.count('<figure class="view">') == 2
  assert "random convolution" not in page
  assert "<h2>Did pretraining help?</h2><p>Whether pretraining" in page
  assert "Few clips: it learned from 32;" in page
  assert '<a href="search.html">' in page
  assert "demo/search.html" not in page and (tmp_path / "search.html").exists()
  for row in (
    "chance",
    "colour histogram",
    "mean image",
    "frame difference",
    "random network",
    "pretrained",
  ):
    assert f'<span class="name">{row}<' in page
  measured = json.loads((tmp_path / "baselines.json").read_text())
  assert set(measured) == {"colour histogram", "mean image", "frame difference"}


@pytest.mark.slow
def test_own_videos_become_a_report_that_says_what_to_do(tmp_path):
  clips = demo_plan.generated(tmp_path, seed=5)[0]
  clips.flags += ["--train_clips=24", "--test_clips=8", "--shots=1"]
  demo_stages.run(clips, demo_stages.Journal(tmp_path))
  videos, workdir = tmp_path / "mine", tmp_path / "demo"
  videos.mkdir()
  for path in (tmp_path / "videos").rglob("*.mp4"):
    path.rename(videos / path.name)  # without labels
  done = subprocess.run(
    [
      sys.executable,
      "-m",
      "tfvssl.demo",
      f"--workdir={workdir}",
      f"--videos={videos}",
    ],
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr[-3000:]
  assert done.stdout.splitlines()[-1] == (
    f"next: python -m tfvssl.search --model={workdir / 'export'}"
    f" --index={workdir / 'embeddings.npz'} --query=CLIP"
    f" --output={workdir / 'found.html'}"
  )
  page = (workdir / "report.html").read_text(encoding="utf-8")
  assert "<h2>Did pretraining help?</h2><p>Pretraining learned" in page
  assert '<a href="search.html">' in page
  assert (workdir / "search.html").exists()
  # Of 32 files a quarter is held out, so that there is a loss to look at.
  assert "of always predicting the mean" in page
