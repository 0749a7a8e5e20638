"""What is written appears whole or not at all."""

import hashlib
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from tests import source_tree
from tfvssl.runtime import storage


def _names(folder):
  return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_new_file_replaces_the_old_one_when_it_is_whole(tmp_path):
  path = tmp_path / "deep" / "a.txt"
  storage.write_text(path, "old ä")
  with storage.new_file(path) as unfinished:
    unfinished.write_text("new")
    assert path.read_bytes() == "old ä".encode()
  assert path.read_text() == "new"
  assert _names(path.parent) == ["a.txt"]


def test_failed_file_leaves_the_old_one_and_nothing_else(tmp_path):
  storage.write_bytes(tmp_path / "a", b"old")
  with (
    pytest.raises(RuntimeError, match="half"),
    storage.new_file(tmp_path / "a") as unfinished,
  ):
    unfinished.write_text("ha")
    raise RuntimeError("half")
  assert (tmp_path / "a").read_bytes() == b"old"
  assert _names(tmp_path) == ["a"]


def test_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
  (tmp_path / "real").write_text("old")
  (tmp_path / "link").symlink_to("real")
  storage.write_text(tmp_path / "link", "new")
  assert (tmp_path / "link").is_symlink()
  assert (tmp_path / "real").read_text() == "new"
  assert _names(tmp_path) == ["link", "real"]


def test_pipe_is_written_to_and_not_replaced(tmp_path):
  os.mkfifo(tmp_path / "pipe")
  reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
  storage.write_text(tmp_path / "pipe", "said")
  assert os.read(reader, 100) == b"said"
  os.close(reader)
  assert (tmp_path / "pipe").is_fifo()


def test_new_folder_appears_with_all_its_files(tmp_path):
  (tmp_path / "run").mkdir()  # an empty one is not an obstacle
  with storage.new_folder(tmp_path / "run") as unfinished:
    (unfinished / "deep").mkdir()
    (unfinished / "deep" / "b").write_text("b")
    (unfinished / "a").write_text("a")
    assert _names(tmp_path / "run") == []
  assert _names(tmp_path) == ["run"]
  assert (tmp_path / "run" / "deep" / "b").read_text() == "b"


def test_failed_folder_leaves_nothing(tmp_path):
  with (
    pytest.raises(RuntimeError, match="half"),
    storage.new_folder(tmp_path / "run") as unfinished,
  ):
    (unfinished / "a").write_text("a")
    raise RuntimeError("half")
  assert _names(tmp_path) == []


def test_folder_with_content_is_not_replaced(tmp_path):
  (tmp_path / "run").mkdir()
  (tmp_path / "run" / "precious").write_text("")
  with (
    pytest.raises(OSError, match="not empty"),
    storage.new_folder(tmp_path / "run") as unfinished,
  ):
    (unfinished / "a").write_text("a")
  assert _names(tmp_path / "run") == ["precious"]
  assert _names(tmp_path) == ["run"]


@pytest.mark.parametrize("kind", ["new_file", "new_folder"])
def test_killed_process_leaves_only_what_is_removed_later(tmp_path, kind):
  file = "unfinished" if kind == "new_file" else "unfinished / 'x'"
  program = (
    "import os, signal, sys\n"
    "from tfvssl.runtime import storage\n"
    f"with storage.{kind}(sys.argv[1]) as unfinished:\n"
    f"  ({file}).write_text('half')\n"
    "  os.kill(os.getpid(), signal.SIGKILL)\n"
  )
  (tmp_path / ".unfinished-thoughts").write_text("the user's")
  done = subprocess.run(
    [sys.executable, "-c", program, str(tmp_path / "a")],
    cwd=source_tree.ROOT,
    check=False,
  )
  assert done.returncode == -signal.SIGKILL
  assert not (tmp_path / "a").exists()
  assert len(_names(tmp_path)) == 2
  storage.remove_unfinished(tmp_path)
  assert _names(tmp_path) == [".unfinished-thoughts"]


def test_scratch_folder_is_gone_afterwards(tmp_path):
  with storage.scratch_folder(tmp_path / "a") as folder:
    (folder / "x").write_text("")
  assert _names(tmp_path) == []


def test_upload_publishes_the_named_file_last(tmp_path):
  source = tmp_path / "source"
  (source / "deep").mkdir(parents=True)
  for name in ("a-manifest", "deep/b", "c"):
    (source / name).write_text(name)
  storage.upload_folder(source, tmp_path / "target", last="a-manifest")
  copied = tmp_path / "target"
  assert storage.digests(copied) == storage.digests(source)
  last_ns = (copied / "a-manifest").stat().st_mtime_ns
  assert last_ns >= (copied / "deep" / "b").stat().st_mtime_ns
  assert last_ns >= (copied / "c").stat().st_mtime_ns


def test_upload_without_the_publishing_file_is_refused(tmp_path):
  (tmp_path / "a").write_text("")
  with pytest.raises(FileNotFoundError, match="has no file manifest.json"):
    storage.upload_folder(tmp_path, tmp_path / "b", last="manifest.json")
  assert not (tmp_path / "b").exists()


def test_lines_are_added_at_the_end(tmp_path):
  storage.append_lines(tmp_path / "log", ["a", "b"])
  storage.append_lines(tmp_path / "log", ["ä"])
  assert (tmp_path / "log").read_bytes() == "a\nb\nä\n".encode()


def _hold(path, ready, done):
  with storage.lock(path):
    ready.set()
    done.wait(60)


def test_lock_keeps_out_another_process_until_it_ends(tmp_path):
  context = multiprocessing.get_context("spawn")
  ready, done = context.Event(), context.Event()
  holder = context.Process(target=_hold, args=(tmp_path / "l", ready, done))
  holder.start()
  assert ready.wait(60)
  with (
    pytest.raises(
      storage.InUseError, match=f"held by {holder.pid} on "
    ) as raised,
    storage.lock(tmp_path / "l"),
  ):
    pass
  assert raised.value.owner == f"{holder.pid} on {os.uname().nodename}"
  holder.kill()
  holder.join()
  with storage.lock(tmp_path / "l"):
    pass


def test_lock_keeps_out_another_place_of_the_same_process(tmp_path):
  (tmp_path / "x").mkdir()
  with storage.lock(tmp_path / "l"):
    with (
      pytest.raises(storage.InUseError, match="is held by"),
      storage.lock(tmp_path / "x" / ".." / "l"),
    ):
      pass
  with storage.lock(tmp_path / "l"):
    pass


def test_digests_are_sha256_by_relative_path(tmp_path):
  (tmp_path / "deep").mkdir()
  (tmp_path / "deep" / "b").write_bytes(b"x" * 3_000_000)
  (tmp_path / "a").write_bytes(b"")
  assert storage.digests(tmp_path) == {
    "a": hashlib.sha256(b"").hexdigest(),
    "deep/b": hashlib.sha256(b"x" * 3_000_000).hexdigest(),
  }


def test_free_bytes_are_those_of_the_disk(tmp_path):
  disk = os.statvfs(tmp_path)
  found = storage.free_bytes(tmp_path)
  assert 0 < found <= disk.f_blocks * disk.f_frsize


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda root: _file(root / "x" / "y").parent, "exists and is not empty"),
    (lambda root: _file(root / "x"), "exists and is not empty"),
    (lambda root: _file(root / "x") / "y", "x is a file; choose another"),
    (lambda root: pathlib.Path.cwd() / "..", "exists and is not empty"),
    (lambda root: _loop(root / "l") / "y", "cannot be made"),
  ],
)
def test_output_that_is_not_free_is_refused(tmp_path, make, message):
  with pytest.raises(ValueError, match=message):
    storage.check_free(make(tmp_path))


def test_current_folder_is_refused_even_where_it_is_empty(
  tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  with pytest.raises(ValueError, match="is the current folder"):
    storage.check_free(".")


def test_free_output_is_returned_without_links(tmp_path):
  (tmp_path / "real").mkdir()
  (tmp_path / "link").symlink_to("real")
  found = storage.check_free(tmp_path / "link" / "new")
  assert found == tmp_path / "real" / "new"


def _file(path):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text("")
  return path


def _loop(path):
  path.symlink_to(path.name)
  return path
