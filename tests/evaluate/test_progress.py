"""Trainings that ended are not repeated; those of another evaluation are."""

import numpy as np
import pytest

from tfvssl.evaluate import progress as kept


def _progress(folder, about):
  progress = kept.Progress(folder)
  progress.open(about)
  return progress


def _training(number, calls):
  def compute(folder):
    calls.append(folder)
    if folder is not None:
      folder.mkdir()
      (folder / "checkpoint").write_text("a")
    return np.full([2, 3], number, np.float32)

  return compute


def test_finished_trainings_are_not_repeated(tmp_path):
  root, calls = tmp_path / "unfinished", []
  first = _progress(root, {"a": 1})
  for number in (0, 1):
    first.scores(_training(number, calls))
  first.close()
  again = _progress(root, {"a": 1})
  found = [again.scores(_training(number, calls)) for number in (7, 8, 2)]
  np.testing.assert_array_equal([f[0, 0] for f in found], [0, 1, 2])
  assert len(calls) == 3 and len(set(calls)) == 3
  # Checkpoints of what is finished are gone.
  assert not any(folder.exists() for folder in calls)


def test_another_evaluation_has_its_own(tmp_path):
  calls = []
  mine = _progress(tmp_path / "unfinished", [1.0])
  mine.scores(_training(0, calls))
  mine.close()
  other = _progress(tmp_path / "unfinished", [2.0])
  assert other.scores(_training(5, calls))[0, 0] == 5
  other.remove()
  (left,) = (tmp_path / "unfinished").iterdir()
  mine = _progress(tmp_path / "unfinished", [1.0])
  assert mine.scores(_training(6, calls))[0, 0] == 0
  mine.remove()
  assert not (tmp_path / "unfinished").exists() and not left.exists()


def test_training_that_is_stopped_keeps_its_folder(tmp_path):
  root = tmp_path / "unfinished"

  def stop(folder):
    folder.mkdir()
    raise KeyboardInterrupt

  stopped = _progress(root, "a")
  with pytest.raises(KeyboardInterrupt):
    stopped.scores(stop)
  stopped.close()
  folders = []
  _progress(root, "a").scores(lambda f: folders.append(f) or np.zeros([1, 1]))
  assert folders[0].name == "001"


def test_nothing_is_kept_without_a_folder(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  calls = []
  progress = kept.Progress()
  progress.open({"a": 1})
  assert progress.scores(_training(3, calls))[0, 0] == 3
  progress.remove()
  assert calls == [None] and not list(tmp_path.iterdir())


def test_equal_evaluations_do_not_meet(tmp_path):
  first = _progress(tmp_path, "a")
  with pytest.raises(ValueError, match="is in use by an equal evaluation that"):
    _progress(tmp_path, "a")
  _progress(tmp_path, "b").close()
  first.close()
  _progress(tmp_path, "a").close()
