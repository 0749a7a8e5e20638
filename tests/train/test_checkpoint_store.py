import pathlib
import random

import pytest
import tensorflow as tf

from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import checkpoints
from tfvssl.train import probe
from tfvssl.train import restoring


def _state(value: float) -> dict[str, tf.Variable]:
  return {"weights": tf.Variable(tf.fill([300], value))}


def _write(folder, steps, kept=5):
  for step in steps:
    checkpoint_store.CheckpointStore(
      folder, _state(float(step)), kept=kept
    ).save(step)


def _restore(folder):
  state = _state(-1.0)
  step = checkpoint_store.CheckpointStore(
    folder, state, kept=5
  ).restore_newest()
  return step, float(state["weights"][0])


def test_newest_is_restored_and_old_ones_go(tmp_path):
  _write(tmp_path, [1, 2, 3], kept=2)
  assert _restore(tmp_path) == (3, 3.0)
  names = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
  assert names == ["step-00000002", "step-00000003"]


def test_saving_a_step_again_leaves_what_is_there(tmp_path):
  _write(tmp_path, [1])
  folder = tmp_path / "checkpoints" / "step-00000001"
  before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
  checkpoint_store.CheckpointStore(tmp_path, _state(7.0), kept=5).save(1)
  assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == before
  assert _restore(tmp_path) == (1, 1.0)


def test_run_whose_folder_is_a_pattern_never_restarts_from_zero(tmp_path):
  # TensorFlow takes brackets for a pattern and finds no file: an error.
  _write(tmp_path / "run[1]", [1, 2])
  with pytest.raises(ValueError, match="holds 2 checkpoints and all are dam"):
    _restore(tmp_path / "run[1]")


def test_new_run_has_none(tmp_path):
  assert _restore(tmp_path) == (None, -1.0)


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
  return sorted((folder / "checkpoints" / "step-00000002").iterdir())


def _cut(path):
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path):
  data = bytearray(path.read_bytes())
  data[random.Random(0).randrange(len(data))] ^= 4
  path.write_bytes(bytes(data))


def _empty(path):
  path.write_bytes(b"")


@pytest.mark.parametrize("content", ['["a"]', '"a"', "3", "[" * 9000])
def test_digests_of_another_shape_are_damage(tmp_path, content):
  _write(tmp_path, [1, 2])
  path = tmp_path / "checkpoints" / "step-00000002" / checkpoints.DIGESTS
  path.write_text(content)
  assert _restore(tmp_path) == (1, 1.0)


@pytest.mark.parametrize("damage", [_cut, _flip, _empty, pathlib.Path.unlink])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_damaged_newest_falls_back(tmp_path, damage, index):
  _write(tmp_path, [1, 2])
  damage(_files(tmp_path)[index])
  assert _restore(tmp_path) == (1, 1.0)
  assert (tmp_path / "checkpoints" / "step-00000002.corrupt").is_dir()


def test_never_restarts_from_zero(tmp_path):
  _write(tmp_path, [2])
  _cut(_files(tmp_path)[1])
  for _ in range(2):  # also when the damaged one was set aside before
    with pytest.raises(ValueError, match="1 checkpoints and all are damaged"):
      _restore(tmp_path)


def test_checkpoint_that_goes_while_it_is_verified_gives_way(
  tmp_path, monkeypatch
):
  """The run that writes there has kept a newer one alone."""
  _write(tmp_path, [1, 2])
  digest = storage.digest

  def late(path):
    if "step-00000002" in str(path):
      _write(tmp_path, [3], kept=1)
    return digest(path)

  monkeypatch.setattr(storage, "digest", late)
  assert _restore(tmp_path) == (3, 3.0)
  assert not list((tmp_path / "checkpoints").glob("*.corrupt"))


def test_checkpoint_that_goes_while_it_is_read_gives_way(tmp_path, monkeypatch):
  _write(tmp_path, [1, 2])
  restore = restoring.restore

  def late(path, **state):
    if path.name == "step-00000002":
      _write(tmp_path, [3], kept=1)
    return restore(path, **state)

  monkeypatch.setattr(restoring, "restore", late)
  state = _state(-1.0)
  assert restoring.restore_newest(tmp_path, **state) == 3
  assert float(state["weights"][0]) == 3.0


@pytest.mark.parametrize(
  "name", [".step-00000003.unfinished-1", ".unfinished-chief"]
)
def test_unfinished_checkpoint_of_a_dead_run_is_removed(tmp_path, name):
  _write(tmp_path, [1])
  leftover = tmp_path / "checkpoints" / name  # the second of version 0.1.0
  leftover.mkdir()
  (leftover / "variables.index").write_bytes(b"half")
  assert _restore(tmp_path) == (1, 1.0)
  assert not leftover.exists()


@pytest.mark.parametrize(
  "state",
  [
    {"weights": tf.Variable(tf.zeros([7]))},
    {"weights": tf.Variable(tf.zeros([300])), "bias": tf.Variable(0.0)},
    {},
  ],
  ids=["shape", "missing", "extra"],
)
def test_checkpoint_of_another_model_is_refused(tmp_path, state):
  _write(tmp_path, [1])
  store = checkpoint_store.CheckpointStore(tmp_path, state, kept=5)
  with pytest.raises(ValueError, match="does not belong to this model"):
    store.restore_newest()


@pytest.mark.parametrize(
  ("saved", "held", "found"), [(3, 3, 1.0), (3, 4, 0.0), (3, 0, 0), (0, 3, 0.0)]
)
def test_probe_is_restored_where_it_fits(tmp_path, saved, held, found):
  """And weights in any case; 0 classes are not a probe."""

  def make_store(value, num_classes):
    online = probe.OnlineProbe(num_classes, 5) if num_classes else None
    state = _state(value)
    store = checkpoint_store.CheckpointStore(
      tmp_path, state, probe=online, kept=1
    )
    return store, state, online

  store, _, online = make_store(7.0, saved)
  if online is not None:
    for variable in online.trainable_variables:
      variable.assign(tf.ones_like(variable))
  store.save(1)
  store, state, online = make_store(-1.0, held)
  assert store.restore_newest() == 1
  assert float(state["weights"][0]) == 7.0
  if online is not None:
    kernels = [v for v in online.trainable_variables if "kernel" in v.name]
    assert [float(kernel[0, 0]) for kernel in kernels] == [found]
