"""What version 0.1.0 wrote is read, evaluated, continued and searched.

tests/fixtures/version_0_1 says how its files were made. Restored tensors are
equal to the bit; what is computed from them is held to 1e-5, as another
processor rounds differently.
"""

import hashlib
import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import source_tree
from tests.fixtures.version_0_1 import make
import tfvssl
from tfvssl import pretrained
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.runtime import exit_codes
from tfvssl.train import run as training
from tfvssl.train import run_folder

_STORED = pathlib.Path(make.__file__).parent
_TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
_RUNS = pytest.mark.parametrize("name", sorted(make.SETTINGS))
# Of how long it took, and with which packages.
_NO_RESULT = ("seconds", "versions")


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
  # The stored configs name their files relative to it.
  monkeypatch.chdir(source_tree.ROOT)


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
  """Copies of the stored runs, by name, that may be written to."""
  folder = tmp_path_factory.mktemp("runs")
  for name in make.SETTINGS:
    shutil.copytree(_STORED / name, folder / name)
    shutil.rmtree(folder / name / "results")
  return folder


def _run(module, *flags):
  done = forked_binaries.run(module, *flags)
  assert done.returncode == exit_codes.OK, done.stderr[-3000:]
  return done.stdout


def _restored(workdir, steps):
  """Returns a run whose state was restored by the code that trains."""
  experiment = run_folder.read_config(workdir)
  assert experiment.steps == steps
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  run = training.TrainingRun(experiment, workdir, strategy)
  assert run.step == steps
  return run


def _state(run):
  return [*run.method.variables, *run.optimizer.variables()]


def _digests(checkpoint):
  """Returns the digest of every tensor of method and optimiser, sorted."""
  reader = tf.train.load_checkpoint(str(checkpoint))
  return sorted(
    _digest(reader.get_tensor(key))
    for key in reader.get_variable_to_shape_map()
    if key.startswith(("method/", "optimizer/"))
  )


def _digest(value):
  value = np.asarray(value)
  content = hashlib.sha256(value.tobytes()).hexdigest()
  return f"{value.dtype} {value.shape} {content}"


@_RUNS
def test_every_stored_tensor_is_restored_to_the_bit(name, copies, tmp_path):
  (folder,) = (_STORED / name / "checkpoints").iterdir()
  stored = _digests(folder / "variables")
  assert len(stored) > 60
  run = _restored(_copy(copies, name), make.STEPS)
  held = tf.train.Checkpoint(method=run.method, optimizer=run.optimizer)
  # Names inside a program may change: which tensor is where, the features and
  # the steps after it say.
  assert _digests(held.write(str(tmp_path / "held"))) == stored


def _copy(copies, name):
  """Returns a run folder as it was stored."""
  copy = copies / f"read_{name}"
  return shutil.copytree(_STORED / name, copy, dirs_exist_ok=True)


def test_features_of_a_restored_run():
  expected = np.load(_STORED / "features.npz")
  encoders = tfvssl.from_pretrained(_STORED / "brave")
  assert sorted(encoders) == sorted(expected.files)
  for name, encoder in encoders.items():
    batches = pretrained.labelled_clips(
      _STORED / "records" / "test", encoder, 4, training=False
    )
    rows = [encoder(inputs, training=False) for inputs, _ in batches]
    np.testing.assert_allclose(
      np.concatenate(rows), expected[name], **_TOLERANCE
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brave", "mmv"])
def test_resumed_steps_are_those_of_the_old_version(name, copies):
  workdir = copies / name
  _run(
    "tfvssl.train",
    f"--config=configs/tiny_{name}.py",
    f"--workdir={workdir}",
    f"--config.data.train_records={make.FOLDER}/records/train",
    f"--config.steps={make.MORE_STEPS}",
    "--allow_change=steps",
    *make.SHARED,
    *make.SETTINGS[name],
  )
  later = shutil.copytree(_STORED / "later" / name, copies / f"later_{name}")
  _hold_measures(workdir, later)
  ours, theirs = (
    _state(_restored(run, make.MORE_STEPS)) for run in (workdir, later)
  )
  assert len(ours) == len(theirs)
  for mine, old in zip(ours, theirs):
    np.testing.assert_allclose(
      mine.numpy(), old.numpy(), err_msg=old.name, **_TOLERANCE
    )
  before = _state(_restored(_copy(copies, name), make.STEPS))
  changes = [np.abs(a - b).max() for a, b in zip(ours, before)]
  assert max(changes) > 1e-3  # those steps did something


def _hold_measures(workdir, later):
  ours, theirs = (
    [json.loads(line) for line in (run / "metrics.jsonl").open()]
    for run in (workdir, later)
  )
  assert [line["step"] for line in ours] == list(range(1, make.MORE_STEPS + 1))
  for mine, old in zip(ours[make.STEPS :], theirs[make.STEPS :]):
    for name, value in old.items():
      if "/performance/" not in name:
        # An effective rank is the exponential of an entropy.
        assert mine[name] == pytest.approx(value, rel=1e-4, abs=1e-5), name


def _result(path):
  return _without_times(json.loads(path.read_text("utf-8")))


def _without_times(tree):
  if isinstance(tree, dict):
    return {
      key: _without_times(value)
      for key, value in tree.items()
      if key not in _NO_RESULT
    }
  if isinstance(tree, list):
    return [_without_times(value) for value in tree]
  if isinstance(tree, str) and tree.startswith("tfvssl."):
    return tree.rpartition(".")[2]  # classes may move
  return tree


def _evaluate(copies, name, protocol, *flags):
  source = copies / f"evaluated_{protocol}"
  shutil.copytree(_STORED / name, source, dirs_exist_ok=True)
  shutil.rmtree(source / "results")
  records = _STORED / "records"
  _run(
    "tfvssl.evaluate",
    f"--workdir={source}",
    f"--protocol={protocol}",
    f"--test_records={records / 'test'}",
    f"--set={protocol}.temporal_clips=2",
    f"--set={protocol}.test_short_side=16",
    f"--name={protocol}",
    *flags,
  )
  ours = _result(source / "results" / f"{protocol}.json")
  # What a view says since then; of these views it says what held before.
  view = ours["protocol"]["train_view"]
  assert (view.pop("optional"), view.pop("record_rate_hz")) == (False, 25.0)
  for split in ours["splits"]:
    for side in ("train", "test"):  # of the svm alone
      assert split.pop(f"{side}_clips_constant", 0) == 0
  return ours, _result(_STORED / name / "results" / f"{protocol}.json")


_TRAIN = f"--train_records={_STORED / 'records' / 'train'}"


@pytest.mark.slow
def test_svm_of_a_stored_run_and_of_a_random_network(copies):
  ours, theirs = _evaluate(copies, "brave", "svm", _TRAIN)
  assert ours == theirs


def test_svm_of_a_stored_run(copies):
  ours, theirs = _without_random(copies, "brave", "svm", _TRAIN)
  assert ours == theirs


def test_retrieval_of_a_stored_run(copies):
  ours, theirs = _without_random(copies, "mmv", "retrieval")
  assert ours == theirs


def _without_random(copies, name, protocol, *flags):
  ours, theirs = _evaluate(copies, name, protocol, *flags, "--random_seeds=0")
  del ours["random_initialisation"], theirs["random_initialisation"]
  theirs["protocol"]["random_seeds"] = 0
  return ours, theirs


def test_a_stored_result_is_compared():
  text = _run(
    "tfvssl.compare",
    f"--result={_STORED / 'mmv' / 'results' / 'retrieval.json'}",
    "--config=configs/mmv/vat16_howto100m.py",
    "--benchmark=youcook2_recall_at_10",
    f"--config.method.partners.text.view.vocabulary={make.FOLDER}/words.txt",
  )
  assert "measured  100.0" in text  # its text_to_video_recall_at_10


def test_a_stored_export_embeds_as_it_did(tmp_path):
  _hold_embeddings(_STORED / "export", tmp_path)


@pytest.mark.slow
def test_a_new_export_of_a_stored_run_embeds_as_the_old_one(tmp_path):
  export = tmp_path / "export"
  _run("tfvssl.export", f"--workdir={_STORED / 'mmv'}", f"--output={export}")
  _hold_embeddings(export, tmp_path)


def _hold_embeddings(export, folder):
  output = folder / "index.npz"
  media = _STORED / "videos" / "test"
  _run(
    "tfvssl.embed",
    f"--model={export}",
    f"--input={media}",
    f"--output={output}",
  )
  ours, theirs = np.load(output), np.load(_STORED / "index.npz")
  # Labels are new; the other columns are where they were.
  assert [name for name in ours.files if name != "label"] == theirs.files
  assert ours["label"].tolist() == [
    str(path).partition("/")[0] for path in ours["path"]
  ]
  for key in set(theirs.files) - {"model", "root"}:
    if theirs[key].dtype == np.float32:
      # Behind a norm over 24 rows the largest are 60.
      scale = np.abs(theirs[key]).max(initial=1.0)
      np.testing.assert_allclose(
        ours[key], theirs[key], rtol=0, atol=1e-5 * scale, err_msg=key
      )
    else:
      np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)


def test_stored_embeddings_are_searched(tmp_path):
  printed = _run(
    "tfvssl.search",
    f"--model={_STORED / 'export'}",
    f"--index={_STORED / 'index.npz'}",
    "--query=a red disc",
    f"--output={tmp_path / 'found.html'}",
  )
  stored = (_STORED / "found.txt").read_text(encoding="utf-8")
  rows, expected = (
    [line.split() for line in text.splitlines()[1:5]]
    for text in (printed, stored)
  )
  assert [row[2:] for row in rows] == [row[2:] for row in expected]
  scores = [[float(row[1]) for row in table] for table in (rows, expected)]
  np.testing.assert_allclose(*scores, rtol=0, atol=1e-3)  # as printed
  assert "(6 pairs)" in printed


def test_stored_records_have_the_digests_of_their_manifest():
  for split, count in (("train", 8), ("test", 4)):
    folder = _STORED / "records" / split
    manifest = manifest_lib.load_manifest(folder)
    assert manifest.clip_count == count
    assert manifest.classes == ["even", "odd"]
    for shard in manifest.shards:
      content = (folder / shard.file).read_bytes()
      assert hashlib.sha256(content).hexdigest() == shard.sha256
