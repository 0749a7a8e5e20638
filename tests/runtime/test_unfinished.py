"""One maker at a time, and nothing of dead ones stays."""

import pathlib
import signal
import subprocess
import sys

import pytest

from tests import source_tree
from tfvssl.runtime import storage
from tfvssl.runtime import unfinished


def _names(folder):
  return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_folder_that_ends_empty_is_gone(tmp_path):
  with unfinished.held(tmp_path / "deep" / "a") as folder:
    assert folder == tmp_path / "deep" / ".a.unfinished"
    assert _names(folder) == [".lock"]
    storage.write_text(tmp_path / "deep" / "a", "whole")
  assert _names(tmp_path / "deep") == ["a"]


def test_what_is_kept_is_there_again(tmp_path):
  with pytest.raises(KeyboardInterrupt):
    with unfinished.held(tmp_path / "a") as folder:
      (folder / "rows").write_text("kept")
      raise KeyboardInterrupt
  with unfinished.held(tmp_path / "a") as folder:
    assert (folder / "rows").read_text() == "kept"
    (folder / "rows").unlink()
  assert _names(tmp_path) == []


def test_second_maker_is_refused_and_removes_nothing(tmp_path):
  with storage.new_folder(tmp_path / "a") as made:
    with unfinished.held(tmp_path / "b"):
      with pytest.raises(ValueError, match=r"b is being made by \d+ on"):
        with unfinished.held(tmp_path / "b"):
          pass
      with unfinished.held(tmp_path / "c"):  # of another name
        assert made.is_dir()
  assert _names(tmp_path) == ["a"]


_KILLED = """
import os, signal, sys
from tfvssl.runtime import storage
from tfvssl.runtime import unfinished
with unfinished.held(sys.argv[1]) as folder:
  with storage.new_folder(sys.argv[1]) as made:
    (made / "half").write_text("")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_maker_left_is_removed_by_the_next(tmp_path):
  place = tmp_path / "a.b"
  other = tmp_path / ".aXb.unfinished-7"  # of another name
  other.mkdir()
  done = subprocess.run(
    [sys.executable, "-c", _KILLED, str(place)],
    cwd=source_tree.ROOT,
    check=False,
  )
  assert done.returncode == -signal.SIGKILL
  (tmp_path / ".a.b.unfinished-8").write_text("of new_file")
  assert len(_names(tmp_path)) == 4
  with unfinished.held(place):
    assert _names(tmp_path) == [".a.b.unfinished", other.name]
  assert _names(tmp_path) == [other.name]
