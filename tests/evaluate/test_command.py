"""The binary: a trained run in, a result file out; one line when it fails."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from tests import forked_binaries
from tests import tiny_mmv_runs
from tests import tiny_runs
from tests.conftest import ROOT
from tests.data import record_fixture
from tfvssl.config import protocols
from tfvssl.data.records import encoded_clip
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights


def _records(folder, seeds):
  clips = [record_fixture.make_clip(seed, num_frames=20) for seed in seeds]
  return record_fixture.write_records(folder, clips, num_shards=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  """A workdir with a checkpoint of step 3, and records of two splits."""
  root = tmp_path_factory.mktemp("evaluate")
  workdir = root / "RUN"
  workdir.mkdir()
  experiment = tiny_runs.experiment(
    svm=protocols.Svm(
      train_epochs=2,
      temporal_clips=2,
      spatial_crops=1,
      test_short_side=16,
      batch_size=4,
      grid_c=(1e-3, 1e-2),
    ),
    linear=protocols.Linear(
      epochs=2,
      warmup_epochs=1,
      batch_size=4,
      temporal_clips=2,
      spatial_crops=1,
      test_short_side=18,
    ),
    finetune=protocols.FineTune(
      epochs=2,
      warmup_epochs=1,
      batch_size=4,
      learning_rates=(0.1,),
      weight_decays=(1e-7,),
      dropouts=(0.5,),
      temporal_clips=2,
      test_short_side=18,
    ),
    finetune_sgd=protocols.FineTuneSgd(
      steps=4,
      decay_steps=(2,),
      learning_rate=0.1,
      batch_size=4,
      temporal_clips=2,
      image_size=20,
      test_short_side=22,
    ),
    mlp=protocols.ShallowMlp(
      hidden_dim=8, epochs=2, warmup_steps=1, batch_size=4, temporal_clips=2
    ),
  )
  run_folder.write_config(experiment, workdir)
  method = weights.fresh_method(experiment, 8)
  checkpoint_store.CheckpointStore(workdir, {"method": method}, kept=1).save(3)
  _records(root / "train", range(8))
  _records(root / "test", range(20, 26))
  broken = [record_fixture.make_clip(seed, num_frames=20) for seed in (30, 31)]
  broken[1].frames[3:] = [b"no picture"] * 17
  record_fixture.write_records(root / "broken", broken, num_shards=1)
  return root


def _evaluate(root, *flags):
  return forked_binaries.run(
    "tfvssl.evaluate", f"--workdir={root / 'RUN'}", *flags
  )


def _said_beside(path, benchmark, recipe="brave/va_audioset", *flags):
  """Returns what tfvssl.compare says of a result, its blanks made one."""
  done = forked_binaries.run(
    "tfvssl.compare",
    f"--result={path}",
    f"--config={ROOT / 'configs' / recipe}.py",
    f"--benchmark={benchmark}",
    *flags,
  )
  assert done.returncode == 0, done.stderr[-3000:]
  return " ".join(done.stdout.split())


def test_result_holds_the_trained_and_the_random_network(run):
  process = _evaluate(
    run,
    f"--train_records={run / 'train'}",
    f"--test_records={run / 'test'}",
    "--choose_c=cross_validation",
    "--set=svm.grid_c=1e-4,1e-3",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  assert "next: python -m tfvssl.export" in process.stdout.splitlines()[-1]
  path = pathlib.Path(process.stdout.splitlines()[-2].removeprefix("result: "))
  assert path.parent == run / "RUN" / "results"
  assert re.fullmatch(
    r"svm_video_step_3_evaluate\d-test_[0-9a-f]{8}\.json", path.name
  )
  result = json.loads(path.read_text())
  assert result["protocol"]["grid_c"] == [1e-4, 1e-3]
  assert result["protocol"]["choose_c"] == "cross_validation"
  assert result["protocol"]["train_view"]["num_frames"] == 4
  assert result["protocol"]["random_seeds"] == 1
  assert result["checkpoint_step"] == 3
  assert result["splits"][0]["chance"] == 0.5
  assert result["splits"][0]["test_clips_per_class"] == {"down": 3, "right": 3}
  pretrained = result["pretrained"]["splits"][0]
  predictions = pretrained["predictions"]
  assert set(predictions) == {
    f"{record_fixture.CLASSES[n % 2]}/clip{n:03d}.mp4" for n in range(20, 26)
  }
  right = sum(
    name.split("/")[0] == label for name, label in predictions.items()
  )
  assert pretrained["top_1"] == pytest.approx(right / 6)
  assert result["random_initialisation"]["runs"][0]["seed"] == 0
  assert set(result["versions"]) == {"tensorflow", "scikit-learn", "numpy"}
  assert str(run) not in path.read_text()
  assert [p.name for p in path.parent.iterdir()] == [path.name]
  compared = _said_beside(path, "ucf101_linear")
  measured = f"{100 * pretrained['top_1']:.1f}"
  assert compared.startswith(f"UCF101 linear, per cent measured {measured} p")
  assert "classes 2 101 splits 1 3 frames of a view 4 32" in compared
  assert "C chosen by cross_validation first_test" in compared
  assert "clips left out" not in compared


@pytest.mark.slow
def test_grid_that_is_stopped_goes_on_to_the_same_result(run):
  flags = [
    "--protocol=finetune",
    "--set=finetune.learning_rates=0.1,0.3",
    "--set=finetune.epochs=40",
    f"--train_records={run / 'train'}",
    f"--test_records={run / 'test'}",
  ]
  results = run / "RUN" / "results"
  straight = _evaluate(run, *flags, "--name=straight")
  assert straight.returncode == 0, straight.stderr[-3000:]
  process = forked_binaries.start(
    "tfvssl.evaluate", f"--workdir={run / 'RUN'}", *flags, "--name=stopped"
  )
  # The first training of the grid has ended, the second one has begun.
  deadline = time.monotonic() + 120
  while not list(results.glob("unfinished/*/002")):
    assert time.monotonic() < deadline
    time.sleep(0.005)
  time.sleep(1.0)
  os.kill(process.pid, signal.SIGTERM)
  stopped = process.finish()
  assert stopped.returncode == 42, stopped.stderr[-3000:]
  assert "told to stop" in stopped.stderr.splitlines()[-1]
  assert not (results / "stopped.json").exists()
  again = _evaluate(run, *flags, "--name=stopped")
  assert again.returncode == 0, again.stderr[-3000:]
  assert "1 trainings were finished before; going on" in again.stderr
  texts = [
    re.sub(r'"seconds": [^,\n]+', "", (results / f"{name}.json").read_text())
    for name in ("straight", "stopped")
  ]
  assert texts[0] == texts[1]
  assert not list(results.glob("unfinished*"))


_BENCHMARKS = {
  "linear": ("k600_linear",),
  "finetune": ("hmdb51_finetune",),
  "finetune_sgd": ("hmdb51_finetune", "mmv/va_audioset"),
  "mlp": ("audioset_mlp",),
}


@pytest.mark.parametrize(
  ("protocol", "flags"),
  [
    pytest.param("linear", [], marks=pytest.mark.slow),
    # Two replicas: batch norm of each alone.
    pytest.param(
      "finetune",
      ["--set=runtime.strategy=mirrored", "--set=runtime.logical_cpus=2"],
      marks=pytest.mark.slow,
    ),
    pytest.param("finetune_sgd", [], marks=pytest.mark.slow),
    pytest.param(
      "mlp",
      ["--modality=audio", "--set=mlp.hidden_dim=4"],
      marks=pytest.mark.slow,
    ),
  ],
)
def test_trained_classifiers_end_in_a_result(run, protocol, flags):
  process = _evaluate(
    run,
    f"--protocol={protocol}",
    f"--train_records={run / 'train'}",
    f"--test_records={run / 'test'}",
    f"--name={protocol}",
    *flags,
  )
  assert process.returncode == 0, process.stderr[-3000:]
  path = run / "RUN" / "results" / f"{protocol}.json"
  result = json.loads(path.read_text())
  assert result["protocol"]["name"] == protocol
  assert result["protocol"]["test_views_per_clip"] == 2
  metric = "mean_average_precision" if protocol == "mlp" else "top_1"
  for network in ("pretrained", "random_initialisation"):
    assert 0 <= result[network]["mean"][metric] <= 1
  assert result["random_initialisation"]["runs"][0]["seed"] == 0
  assert result["splits"][0]["chance"] == 0.5
  assert result["splits"][0]["test_clips"] == 6
  mean = result["pretrained"]["mean"][metric]
  assert re.search(rf"pretrained +{100 * mean:.1f}", process.stdout)
  compared = _said_beside(path, *_BENCHMARKS[protocol])
  assert f"per cent measured {100 * mean:.1f} paper" in compared
  assert "classes 2 " in compared
  if protocol == "finetune":
    assert result["pretrained"]["choice"]["dropout"] == 0.5
    assert result["protocol"]["replicas"] == 2
    assert result["protocol"]["clips_per_replica"] == 2
  if protocol == "finetune_sgd":
    assert result["protocol"]["test_view_size"] == 20
    assert result["protocol"]["train_view"]["image_size"] == 20
    assert result["protocol"]["recipe"]["steps"] == 4
  if protocol == "mlp":
    assert result["protocol"]["recipe"]["hidden_dim"] == 4
    assert result["pretrained"]["splits"][0]["classes_averaged"] == 2


def test_sound_is_evaluated_by_its_own_encoder(run):
  process = _evaluate(
    run,
    f"--train_records={run / 'train'}",
    f"--test_records={run / 'test'}",
    "--modality=audio",
    "--random_seeds=0",
    "--name=sound",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  result = json.loads((run / "RUN" / "results" / "sound.json").read_text())
  assert result["protocol"]["test_views_per_clip"] == 2
  assert result["random_initialisation"]["mean"]["top_1"] is None
  path = run / "RUN" / "results" / "sound.json"
  compared = _said_beside(path, "esc50_linear")
  assert "classes 2 50" in compared and "random" not in compared


@pytest.mark.slow
def test_retrieval_of_an_untrained_run(tmp_path):
  workdir = tmp_path / "RUN"
  workdir.mkdir()
  experiment = dataclasses.replace(
    tiny_runs.experiment(
      retrieval=protocols.Retrieval(
        temporal_clips=2, test_short_side=18, batch_size=4
      )
    ),
    method=tiny_mmv_runs.method_config(tiny_mmv_runs.vocabulary(tmp_path)),
  )
  run_folder.write_config(experiment, workdir)
  method = weights.fresh_method(experiment, 8)
  checkpoint_store.CheckpointStore(workdir, {"method": method}, kept=1).save(3)
  clips = [record_fixture.make_clip(seed, num_frames=20) for seed in range(4)]
  clips[3].waveform = None
  for clip, lines in zip(
    clips, [("red",), ("blue", "a disc"), ("Red!",), ()], strict=True
  ):
    clip.captions = tuple(
      encoded_clip.Caption(line, 0.0, 0.5) for line in lines
    )
  record_fixture.write_records(tmp_path / "test", clips, num_shards=2)
  process = _evaluate(
    tmp_path, "--protocol=retrieval", f"--test_records={tmp_path / 'test'}"
  )
  assert process.returncode == 0, process.stderr[-3000:]
  *table, where, following = process.stdout.splitlines()
  assert following.startswith("next: python -m tfvssl.export")
  path = pathlib.Path(where.removeprefix("result: "))
  assert path.parent == workdir / "results"
  assert path.name.startswith("retrieval_video_step_3_")
  assert str(tmp_path) not in path.read_text()
  result = json.loads(path.read_text())
  assert result["protocol"]["aggregation"] == "average_then_normalise"
  assert result["checkpoint_step"] == 3
  (split,) = result["splits"]
  assert split["test_clips"] == 3
  assert split["test_clips_left_out"] == 1
  about = split["directions"]
  assert {
    name: (one["queries"], one["gallery"], one.get("ambiguous_queries"))
    for name, one in about.items()
  } == {
    "text_to_video": (4, 3, 2),
    "video_to_text": (3, 4, 2),
    "text_to_audio": (4, 3, 2),
    "audio_to_text": (3, 4, 2),
    "audio_to_video": (3, 3, None),
    "video_to_audio": (3, 3, None),
  }
  assert about["audio_to_video"]["space"] == "va"
  assert about["text_to_audio"]["space"] == "vat"
  assert about["text_to_video"]["chance"] == pytest.approx(
    {
      "recall_at_1": 1 / 3,
      "recall_at_5": 1.0,
      "recall_at_10": 1.0,
      "median_rank": 2.0,
    }
  )
  trained = result["pretrained"]["mean"]
  words = tiny_mmv_runs.vocabulary(tmp_path)
  compared = _said_beside(
    path,
    "youcook2_median_rank",
    "mmv/vat_howto100m_audioset",
    f"--config.method.partners.text.view.vocabulary={words}",
  )
  rank = f"{trained['text_to_video_median_rank']:.1f}"
  assert compared.startswith(f"YouCook2 MedR, rank measured {rank} paper")
  assert "videos to search 3 3,190" in compared
  random = result["random_initialisation"]
  assert random["runs"][0]["seed"] == experiment.seed
  assert random["mean"] == random["runs"][0]["mean"]
  for mean in (trained, random["mean"]):
    assert len(mean) == 6 * 4
    for name in about:
      assert mean[f"{name}_recall_at_5"] == 1.0
      assert 1 <= mean[f"{name}_median_rank"] <= 4
    # Of the two clips of the caption "red" each is found first once.
    assert 1 / 4 <= mean["text_to_video_recall_at_1"] <= 3 / 4
  recall = 100 * trained["text_to_video_recall_at_1"]
  assert re.search(rf"pretrained +{recall:.1f} +100.0 +100.0", table[2])


@pytest.mark.parametrize(
  ("flags", "code", "message"),
  [
    (
      ["--protocol=retrieval", "--test_records=a"],
      2,
      "--protocol=retrieval needs a run whose modalities share a space",
    ),
    (
      ["--protocol=retrieval", "--train_records=a", "--test_records=b"],
      2,
      "no --train_records (1 given) and one --test_records (1 given).",
    ),
    (
      ["--protocol=retrieval", "--test_records=a", "--modality=audio"],
      2,
      "--modality has no meaning for --protocol=retrieval",
    ),
    (["--train_records={0}/train"], 2, "must pair, once or more"),
    (
      ["--train_records=a", "--test_records=b", "--set=svm.grid_c=a,b"],
      2,
      "--set=svm.grid_c=a,b: 'a,b' must be numbers",
    ),
    (
      ["--train_records=a", "--test_records=b", "--modality=smell"],
      2,
      "no such encoder; found: video, audio",
    ),
    (
      [
        "--train_records=a",
        "--test_records=b",
        "--modality=audio",
        "--num_frames=8",
      ],
      2,
      "--num_frames=8 has no meaning for a view of sound; leave it out.",
    ),
    (
      ["--train_records=a", "--test_records=b", "--set=svm.test_short_side=14"],
      2,
      "`svm.test_short_side` (14) must be at least the view's `image_size`"
      " (16); try --set=svm.test_short_side=18.",
    ),
    (
      ["--train_records={0}/train", "--test_records={0}/train"],
      3,
      "8 test clips are also training clips",
    ),
    # Found once the features of all training clips are made; of the first
    # training clips, at once.
    pytest.param(
      [
        "--train_records={0}/train",
        "--test_records={0}/broken",
        "--random_seeds=0",
      ],
      3,
      "record 1 at byte",
      marks=pytest.mark.slow,
    ),
    (
      [
        "--train_records={0}/broken",
        "--test_records={0}/test",
        "--random_seeds=0",
      ],
      3,
      "record 1 at byte",
    ),
    (
      [
        "--train_records={0}/train",
        "--test_records={0}/test",
        "--set=svm.temporal_clips=0",
      ],
      2,
      "`svm.temporal_clips` (0)",
    ),
    (
      [
        "--train_records=a",
        "--test_records=b",
        "--protocol=finetune",
        "--choose_c=cross_validation",
      ],
      2,
      "no meaning for --protocol=finetune; to fine-tune without any test label"
      " use --set=finetune.validation_share=0.25.",
    ),
    (
      [
        "--train_records=a",
        "--test_records=b",
        "--protocol=linear",
        "--set=runtime.strategy=gpu",
      ],
      2,
      "To evaluate elsewhere than the run was trained:"
      " --set=runtime.strategy=cpu.",
    ),
    (["left over"], 2, "'left over' is not a flag"),
    (
      ["--train_records=a", "--test_records=b", "--protocol=pascal"],
      2,
      "--protocol=pascal needs --image, one of naive, trained and repeated",
    ),
    (
      ["--train_records=a", "--test_records=b", "--image=naive"],
      2,
      "--image has no meaning for --protocol=svm; it is for pascal and imagen",
    ),
    (
      [
        "--train_records=a",
        "--test_records=b",
        "--protocol=imagenet",
        "--image=naive",
        "--num_frames=8",
      ],
      2,
      "--num_frames has no meaning for --protocol=imagenet, which takes netw",
    ),
  ],
)
def test_mistakes_end_in_one_line(run, flags, code, message):
  process = _evaluate(run, *[flag.format(run) for flag in flags])
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last
  assert process.returncode == code


def test_run_must_be_named():
  process = subprocess.run(
    [sys.executable, "-m", "tfvssl.evaluate"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=100,
  )
  assert process.stderr.strip().endswith(
    "error: --workdir is missing; for example --workdir=RUN"
  )
  assert process.returncode == 2


def test_folder_without_a_run_is_named(tmp_path):
  (tmp_path / "RUN").mkdir()
  process = _evaluate(tmp_path, "--train_records=a", "--test_records=b")
  assert "config.json does not exist" in process.stderr
  assert process.returncode == 3


def test_damaged_configuration_is_named(tmp_path):
  (tmp_path / "RUN").mkdir()
  (tmp_path / "RUN" / run_folder.CONFIG_NAME).write_text("{")
  process = _evaluate(tmp_path, "--train_records=a", "--test_records=b")
  last = process.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert str(tmp_path / "RUN" / run_folder.CONFIG_NAME) in last
  assert process.returncode == 3
