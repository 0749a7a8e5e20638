"""The way to labels: prepare, evaluate, export, classify, each as a command."""

import csv
import json
import pathlib
import subprocess

import numpy as np
import pytest

from tests import exported_runs
from tests import forked_binaries
from tfvssl.classify import run
from tfvssl.config import protocols
from tfvssl.data.media import ffmpeg
from tfvssl.data.records import reader
from tfvssl.evaluate.classifiers import saved
from tfvssl.evaluate.samples import clips
from tfvssl.evaluate.samples import features
from tfvssl.runtime import exit_codes
from tfvssl.train import checkpoint_store
from tfvssl.train import run_folder
from tfvssl.train import weights

# What the evaluation of the tiny run sees of a video.
_VIEWS = {"temporal_clips": 2, "spatial_crops": 3, "test_short_side": 24}
# Name to label, colour and seed.
_NEW = {"<b>new.mp4": ("red", "orange", 10), "other.mp4": ("blue", "navy", 11)}


def _video(path, colour, seed):
  """Writes 0.8 s of noise of a colour."""
  path.parent.mkdir(parents=True, exist_ok=True)
  pictures = (
    f"color={colour}:s=48x32:r=25:d=0.8,noise=alls=40:allf=t:all_seed={seed}"
  )
  command = [ffmpeg.path(), "-v", "error", "-f", "lavfi", "-i", pictures]
  subprocess.run(
    [*command, "-crf", "10", str(path)],
    check=True,
    stdin=subprocess.DEVNULL,
  )


def _run(module, *flags, code=exit_codes.OK):
  done = forked_binaries.run(module, *map(str, flags))
  assert done.returncode == code, done.stderr[-3000:]
  return done


@pytest.fixture(scope="module")
def root(tmp_path_factory):
  """A folder in which every command before classify has run."""
  root = tmp_path_factory.mktemp("classify")
  for label, colour in (("blue", "navy"), ("red", "orange")):
    for number in range(3):
      _video(root / "videos" / label / f"{number}.mp4", colour, number)
  for name, (_, colour, seed) in _NEW.items():
    _video(root / "new" / name, colour, seed)
  _write_table(root)
  _run(
    "data_prep.prepare_records",
    "--modalities=rgb",
    f"--input={root / 'videos.csv'}",
    f"--output={root / 'RECORDS'}",
    "--short_side=32",
  )
  _write_run(root / "RUN")
  _evaluate(root, "svm", "--set=svm.train_epochs=2")
  _run(
    "tfvssl.export",
    f"--workdir={root / 'RUN'}",
    f"--output={root / 'EXPORT'}",
  )
  return root


def _write_run(workdir):
  """Writes a run whose batch norms have other weights than initial ones."""
  experiment = exported_runs.brave_experiment()
  workdir.mkdir()
  run_folder.write_config(experiment, workdir)
  method = exported_runs.method(experiment)
  checkpoint_store.CheckpointStore(workdir, {"method": method}, kept=1).save(3)


def _write_table(root):
  """Writes what is in which split, the new videos with their labels."""
  lines = ["path,label,split"]
  for path in sorted((root / "videos").rglob("*.mp4")):
    lines.append(f"{path.relative_to(root)},{path.parent.name},train")
  lines += [f"new/{name},{label},test" for name, (label, *_) in _NEW.items()]
  (root / "videos.csv").write_text("\n".join(lines) + "\n")


def _evaluate(root, protocol, *flags, views=_VIEWS, **expected):
  return _run(
    "tfvssl.evaluate",
    f"--workdir={root / 'RUN'}",
    f"--protocol={protocol}",
    f"--train_records={root / 'RECORDS' / 'train'}",
    f"--test_records={root / 'RECORDS' / 'test'}",
    f"--save_classifier={root / protocol}.npz",
    f"--name={protocol}",
    "--random_seeds=1",
    *[f"--set={protocol}.{name}={value}" for name, value in views.items()],
    *flags,
    **expected,
  )


def _classify(root, classifier, *flags, **expected):
  return _run(
    "tfvssl.classify",
    f"--model={root / 'EXPORT'}",
    f"--classifier={classifier}",
    f"--input={root / 'new'}",
    f"--output={root / 'out' / 'labels.csv'}",
    *flags,
    **expected,
  )


def _rows(root):
  with (root / "out" / "labels.csv").open(newline="") as file:
    return list(csv.DictReader(file))


def _scores_of_the_evaluation(root, classifier, **views):
  """Returns [N, K] by the test clips' records and the run's own network."""
  _, method, _ = weights.load_method(root / "RUN")
  encoder = method.encoders()["video"]
  settings = features.Settings(
    encoder.spec, encoder.spec, protocols.TestViews(**views), 4, 0
  )
  records = reader.open_records(
    root / "RECORDS" / "test", set(encoder.spec.modalities)
  )
  rows = features.test_features(encoder, records, settings)
  ids = [clip.clip_id for clip in clips.read_clips(records)]
  return {
    pathlib.Path(name).name: classifier.scores(row)
    for name, row in zip(ids, rows, strict=True)
  }


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["svm", "linear"])
def test_scores_of_new_files_are_those_of_the_evaluation(root, protocol):
  views = _VIEWS
  if protocol == "linear":
    views = {**_VIEWS, "test_short_side": 16, "epochs": 2, "warmup_epochs": 1}
    views |= {"batch_size": 4}
    _evaluate(root, "linear", views=views)
  classifier = saved.load(root / f"{protocol}.npz")
  done = _classify(root, root / f"{protocol}.npz")
  assert "2 labels, 0 skipped, 0 not media files, in" in done.stdout
  expected = _scores_of_the_evaluation(
    root, classifier, **{name: views[name] for name in _VIEWS}
  )
  result = json.loads(
    (root / "RUN" / "results" / f"{protocol}.json").read_text()
  )
  (split,) = result["pretrained"]["splits"]
  predictions = {
    pathlib.Path(k).name: v for k, v in split["predictions"].items()
  }
  rows = _rows(root)
  assert [row["path"] for row in rows] == sorted(_NEW)
  assert {row["path"]: row["label"] for row in rows} == predictions
  for row in rows:
    scores = [float(row[f"score_{name}"]) for name in ("blue", "red")]
    scale = np.abs(expected[row["path"]]).max()
    np.testing.assert_allclose(
      scores, expected[row["path"]], atol=1e-4 * max(1, scale)
    )
    assert float(row["score"]) == max(scores)
  assert (protocol == "linear") == classifier.softmax


@pytest.mark.slow
def test_an_export_of_another_network_is_refused(root, tmp_path):
  other = tmp_path / "other.npz"
  with np.load(root / "svm.npz") as stored:
    np.savez(other, **{**stored, "network": "0" * 64})
  done = _classify(root, other, code=exit_codes.DATA)
  last = done.stderr.strip().splitlines()[-1]
  assert "is for network 000000000000, but" in last


def _layer(network):
  return saved.Classifier(
    classes=np.array(["a", "b"]),
    weights=np.zeros([3, 2]),
    bias=np.zeros(2),
    mean=np.zeros(3),
    scale=np.ones(3),
    softmax=False,
    temporal_clips=2,
    spatial_crops=1,
    test_short_side=16,
    record_short_side=32,
    jpeg_quality=90,
    frame_rate_hz=25.0,
    network=network,
    protocol="svm",
  )


@pytest.mark.parametrize(
  ("networks", "message"),
  [
    (
      {"networks": {"video": "b" * 64}},
      "X.npz is for network aaaaaaaaaaaa, but EXPORT holds bbbbbbbbbbbb; export"
      " the run that was evaluated.",
    ),
    (
      {"networks": {"audio": "a" * 64}},
      "EXPORT does not say which video network it holds: it has none, or 0.1.0"
      " wrote it; export the run of the classifier again.",
    ),
    (
      {},
      "EXPORT does not say which video network it holds: it has none, or 0.1.0"
      " wrote it; export the run of the classifier again.",
    ),
  ],
)
def test_a_classifier_is_of_one_network(networks, message):
  layer = _layer("a" * 64)
  run.check_network(layer, {"networks": {"video": "a" * 64}}, "X", "EXPORT")
  with pytest.raises(ValueError) as caught:
    run.check_network(layer, networks, "X.npz", "EXPORT")
  assert str(caught.value) == message


@pytest.mark.slow
def test_files_that_are_no_videos_are_skipped_or_end_it(root, tmp_path):
  (tmp_path / "text.mp4").write_text("no video")
  (tmp_path / "text.txt").write_text("no media")
  flag = f"--input={tmp_path}"
  done = _classify(root, root / "svm.npz", flag, code=exit_codes.DATA)
  assert f"none of the 2 files of {tmp_path} could be" in done.stderr
  assert "the first was text.mp4: " in done.stderr
  (tmp_path / "more.mp4").write_text("no video")
  (tmp_path / "video.mp4").write_bytes((root / "new/other.mp4").read_bytes())
  done = _classify(root, root / "svm.npz", flag, code=exit_codes.SKIPPED)
  assert "1 labels, 2 skipped, 1 not media files, in" in done.stdout
  _classify(root, root / "svm.npz", flag, "--max_skipped=0.7")


@pytest.mark.parametrize(
  ("flags", "code", "message"),
  [
    (["left over"], 2, "'left over' is not a flag; see --helpfull."),
    (["--model="], 2, "--model, --classifier and --input are needed"),
    (["--output=labels.txt"], 2, "--output=labels.txt must end in .csv"),
    ([], 3, "gone.npz is not a file; make it with"),
  ],
)
def test_mistakes_end_in_one_line(tmp_path, flags, code, message):
  (tmp_path / "new").mkdir()
  (tmp_path / "new" / "a.mp4").write_text("")
  done = _classify(tmp_path, tmp_path / "gone.npz", *flags, code=code)
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: ")
  assert message in last


@pytest.mark.parametrize("taken", ["labels.csv", "labels.html"])
def test_folder_in_the_way_is_found_before_any_video(tmp_path, taken):
  (tmp_path / "out" / taken).mkdir(parents=True)
  output = tmp_path / "out" / "labels.csv"
  flag = f"--output={output}"
  done = _classify(tmp_path, tmp_path / "gone.npz", flag, code=exit_codes.USAGE)
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith(f"error: {tmp_path / 'out' / taken}: Is a directory;")


@pytest.mark.slow
def test_a_classifier_that_cannot_be_kept_is_refused_in_one_line(root):
  done = _evaluate(root, "linear", code=exit_codes.USAGE)
  last = done.stderr.strip().splitlines()[-1]
  assert last.startswith("error: --save_classifier: the test views")
  assert last.endswith("use --set=linear.test_short_side=16.")
