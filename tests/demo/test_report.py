"""The report of a demo says what is there, and why the rest is not."""

import json
import os

import numpy as np
import pytest

from tests import tiny_runs
from tfvssl.demo import report
from tfvssl.demo import stages
from tfvssl.train import metrics_log
from tfvssl.train import run_folder


def _demo(workdir, **changes):
  settings = {
    "workdir": workdir,
    "videos": workdir / "my_videos",
    "generated": False,
    "labelled": True,
    "journal": stages.Journal(workdir),
    "remarks": ["a choice"],
    **changes,
  }
  return report.Demo(**settings)


def _page(demo):
  """Returns the report of a demo in which one video was embedded."""
  np.savez(
    demo.workdir / "embeddings.npz",
    has_video=np.array([True]),
    path=np.array(["a/one.mp4"]),
    video_backbone=np.ones([1, 4], np.float32),
  )
  path = report.write(demo)
  assert path == demo.workdir / "report.html"
  return path.read_text(encoding="utf-8")


def test_demo_without_any_result_is_a_page_that_says_so(tmp_path):
  page = _page(_demo(tmp_path))
  assert "BraVe on your videos" in page
  assert "was pretrained without labels on my_videos" in page
  assert "a choice" in page
  for reason in (
    "the run has logged no step.",
    "the evaluation did not succeed; see the remarks.",
    "fewer than three files could be embedded.",
  ):
    assert reason in page


def test_demo_without_labels_shows_neighbours_instead(tmp_path):
  page = _page(_demo(tmp_path, labelled=False))
  assert "the clips have no labels; see the nearest neighbours" in page
  assert "the evaluation did not succeed" not in page


def test_generated_clips_are_told_to_be_made_for_it(tmp_path):
  page = _page(_demo(tmp_path, generated=True))
  assert "BraVe learns motion from sound" in page
  assert report.INVARIANCE.split(":")[0] in page


def test_what_was_left_out_is_a_remark(tmp_path):
  (tmp_path / "records").mkdir()
  (tmp_path / "records" / "report.json").write_text(
    json.dumps(
      {
        "quarantined_count": 3,
        "input_count": 9,
        "reasons": {"no_video": 1, "truncated": 2},
      }
    )
  )
  journal = stages.Journal(tmp_path)
  journal.note("embed", stages.Outcome("python -m x", 61.0, "disk full"))
  page = _page(_demo(tmp_path, journal=journal))
  assert "3 of 9 inputs were quarantined: 1 no_video, 2 truncated." in page
  assert "did not succeed: disk full" in page
  assert "python -m x" in page


def test_nothing_quarantined_is_no_remark(tmp_path):
  (tmp_path / "records").mkdir()
  (tmp_path / "records" / "report.json").write_text('{"quarantined_count": 0}')
  # The remark's words: the page also shows the folder, named after this test.
  assert "inputs were quarantined" not in _page(_demo(tmp_path))


def test_accuracies_are_those_of_the_newest_result(tmp_path):
  results = tmp_path / "run" / "results"
  results.mkdir(parents=True)
  for age, (name, share) in enumerate(
    [("svm_video_b", 0.625), ("svm_video_a", 0.25), ("linear_video_c", 1.0)]
  ):
    path = results / f"{name}.json"
    path.write_text(json.dumps(_result(share)))
    os.utime(path, (1000 - age, 1000 - age))
  (tmp_path / report.BASELINES_NAME).write_text(
    json.dumps({"mean image": 0.375})
  )
  demo = _demo(tmp_path)
  assert "62.5" not in _page(demo)  # not known to be of this demo
  demo.journal.outcomes["evaluate"] = stages.Outcome("x", 1.0, "no room")
  assert "62.5" not in _page(demo)
  demo.journal.outcomes["evaluate"] = stages.Outcome("x", 1.0)
  page = _page(demo)
  assert "62.5" in page and "accuracy, pretrained" in page
  assert "37.5" in page and "12 x 12 pixels" in page
  assert "25.0" not in page
  # 1.96 standard deviations of the difference of two shares of 8 clips.
  assert "differences below about 49 points" in page


def _losses(run, gain, held_out_gain):
  """Logs losses that are so much below what the mean would cost."""
  scalars = {
    "train/loss/total": 2.0 * (1 - gain),
    "train/loss/mean_embedding": 2.0,
    "heldout/loss/total": 2.0 * (1 - held_out_gain),
    "heldout/loss/mean_embedding": 2.0,
  }
  metrics_log.append(run, 1, scalars)


def test_it_is_said_whether_pretraining_helped_and_why_not(tmp_path):
  run = tmp_path / "run"
  run.mkdir()
  run_folder.write_config(tiny_runs.experiment(), run)
  _losses(run, gain=0.5, held_out_gain=0.3)
  page = _page(_demo(tmp_path, labelled=False))
  assert (
    "<h2>Did pretraining help?</h2><p>Pretraining learned something" in page
  )
  assert "the loss ends 30 % below that of always predicting the mean" in page
  journal = stages.Journal(tmp_path)
  command = f"python -m tfvssl.train --config=c.py --workdir={run} --config.x=1"
  journal.note("train", stages.Outcome(command, 61.0))
  _losses(run, gain=0.5, held_out_gain=-0.3)
  page = _page(_demo(tmp_path, labelled=False, journal=journal))
  assert "<p>Pretraining learned nothing that holds" in page
  assert "<p>Memorised: the loss ends 50 % below" in page
  _losses(run, gain=0.01, held_out_gain=0.01)
  page = _page(_demo(tmp_path, labelled=False, journal=journal))
  assert (
    f"<p>To train longer: python -m tfvssl.train --config=c.py --workdir={run}"
    "_longer --config.x=1 --config.steps=2000</p>"
  ) in page


def test_search_page_is_led_to_where_there_is_one(tmp_path):
  assert "search.html" not in _page(_demo(tmp_path))
  demo = _demo(tmp_path)
  demo.journal.outcomes["search"] = stages.Outcome("x", 1.0)
  assert '<a href="search.html">' in _page(demo)
  demo.journal.outcomes["search"] = stages.Outcome("x", 1.0, "no room")
  assert "search.html" not in _page(demo)  # the page is that of another run


def _result(share):
  return {
    "splits": [{"chance": 0.125, "train_clips": 16, "test_clips": 8}],
    "pretrained": {
      "mean": {"top_1": share},
      "splits": [{"labels": ["a", "b"], "confusion": [[3, 1], [2, 2]]}],
    },
    "random_initialisation": {"mean": {"top_1": 0.5}},
  }


@pytest.mark.parametrize("names", [(), ("linear_video_1.json",)])
def test_run_without_an_svm_has_no_result(tmp_path, names):
  (tmp_path / "results").mkdir()
  for name in names:
    (tmp_path / "results" / name).write_text("{}")
  assert report.newest_result(tmp_path) is None


def test_collapse_is_a_remark(tmp_path):
  run = tmp_path / "run"
  run.mkdir()
  run_folder.write_config(tiny_runs.experiment(), run)
  for deviation, said in ((0.01, True), (0.8, False)):
    for step in (1, 2):
      scalars = {
        "train/embedding_std/audio": deviation,
        "train/loss/total": 1.0,
      }
      metrics_log.append(run, step, scalars)
    page = _page(_demo(tmp_path))
    assert ("the run ends collapsed: the embeddings of audio" in page) == said
