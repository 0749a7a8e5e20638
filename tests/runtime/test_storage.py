"""What is written appears whole or not at all."""

import errno
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
  path.parent.mkdir()
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


def test_folder_in_the_way_is_named_before_anything_is_written(tmp_path):
  (tmp_path / "labels.csv").mkdir()
  with pytest.raises(IsADirectoryError) as caught:
    storage.write_text(tmp_path / "labels.csv", "x")
  assert caught.value.errno == errno.EISDIR
  assert caught.value.filename == str(tmp_path / "labels.csv")
  assert _names(tmp_path) == ["labels.csv"]


def test_place_is_tried_and_left_as_it_is(tmp_path):
  storage.check_place(tmp_path / "new" / "x.csv")
  assert _names(tmp_path / "new") == []
  (tmp_path / "new" / "x.csv").write_text("old")
  storage.check_place(tmp_path / "new" / "x.csv")
  assert (tmp_path / "new" / "x.csv").read_text() == "old"
  for place in (tmp_path / "new", tmp_path / "new" / "x.csv" / "y.csv"):
    with pytest.raises(OSError) as caught:
      storage.check_place(place)
    assert caught.value.filename == str(place)


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


def test_lines_are_added_at_the_end(tmp_path):
  storage.append_lines(tmp_path / "log", ["a", "b"])
  storage.append_lines(tmp_path / "log", ["ä"])
  assert (tmp_path / "log").read_bytes() == "a\nb\nä\n".encode()


@pytest.mark.parametrize(
  ("before", "after"),
  [
    (b"1\n2", b"1\n3\n"),
    (b"1", b"3\n"),
    (b"1\n" + b"x" * (1 << 20), b"1\n3\n"),
    (b"\n" + b"x" * ((1 << 20) - 1), b"\n3\n"),
    (b"x" * (3 << 20), b"3\n"),
  ],
)
def test_line_that_was_cut_off_goes(before, after, tmp_path):
  (tmp_path / "log").write_bytes(before)
  storage.append_lines(tmp_path / "log", ["3"])
  assert (tmp_path / "log").read_bytes() == after


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


def test_refused_holder_does_not_take_the_lock_away(tmp_path):
  program = (
    "import sys\n"
    "from tfvssl.runtime import storage\n"
    "try:\n"
    "  with storage.lock(sys.argv[1]): print('free')\n"
    "except storage.InUseError as error: print(error)\n"
  )
  with storage.lock(tmp_path / "l"):
    with pytest.raises(storage.InUseError), storage.lock(tmp_path / "l"):
      pass
    told = _python(program, tmp_path / "l")
  owner = f"{os.getpid()} on {os.uname().nodename}"
  assert told.stdout == f"{tmp_path}/l is held by {owner}\n"
  assert _python(program, tmp_path / "l").stdout == "free\n"


def test_lock_of_version_0_1_names_nobody(tmp_path):
  with storage.lock(tmp_path / "l"):
    (tmp_path / "l").write_text("")
    with (
      pytest.raises(storage.InUseError, match="l is held by another"),
      storage.lock(tmp_path / "l"),
    ):
      pass


def test_forked_worker_that_outlives_its_parent_does_not_hold_the_lock(
  tmp_path,
):
  program = (
    "import os, signal, sys, time\n"
    "from tfvssl.runtime import storage\n"
    "with storage.lock(sys.argv[1]):\n"
    "  parent = os.getpid()\n"
    "  if not os.fork():\n"
    "    os.kill(parent, signal.SIGKILL)\n"
    "    print(os.getpid(), flush=True)\n"
    "    os.close(1), os.close(2)\n"  # so that the test need not wait
    "    time.sleep(60)\n"
    "    os._exit(0)\n"
    "  time.sleep(60)\n"
  )
  killed = _python(program, tmp_path / "l")
  worker = int(killed.stdout)
  try:
    assert killed.returncode == -signal.SIGKILL
    os.kill(worker, 0)  # it lives
    with storage.lock(tmp_path / "l"):
      pass
  finally:
    os.kill(worker, signal.SIGKILL)


def test_lock_is_free_at_once_although_a_worker_was_forked(tmp_path):
  for _ in range(20):
    with storage.lock(tmp_path / "l"):
      worker = os.fork()
      if not worker:
        os._exit(0)
    with storage.lock(tmp_path / "l"):
      pass
    os.waitpid(worker, 0)


def test_path_treats_files_of_this_machine_as_pathlib_does(tmp_path):
  folder = storage.Path(tmp_path / "a[1]*")
  folder.mkdir()
  for name in ("x~", "x1", ".x"):
    (folder / name).write_text(name)
  (tmp_path / "link").symlink_to(folder)
  os.mkfifo(tmp_path / "pipe")
  plain = pathlib.Path(folder)
  assert sorted(folder.iterdir()) == sorted(plain.iterdir())
  assert sorted(folder.glob("x*")) == [plain / "x1", plain / "x~"]
  assert all(isinstance(path, storage.Path) for path in folder.glob("x*"))
  assert sorted(storage.Path(tmp_path).rglob("x1")) == [plain / "x1"]
  assert storage.Path(tmp_path / "link" / "x1").resolve() == plain / "x1"
  assert not storage.Path(tmp_path / "pipe").is_file()
  assert (folder / "x1").is_file() and not folder.is_file()
  assert (folder / "x1").stat() == (plain / "x1").stat()
  assert storage.size(folder / "x1") == 2


def test_text_is_utf_8_and_may_have_a_byte_order_mark(tmp_path):
  path = storage.Path(tmp_path / "text")
  path.write_bytes("\ufeffä\n".encode())
  assert path.read_text(encoding="utf-8-sig") == "ä\n"
  assert path.read_text() == "\ufeffä\n"
  path.write_text("ö")
  assert path.read_bytes() == "ö".encode()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_of_a_user_without_a_name_have_a_size(tmp_path):
  storage.write_text(tmp_path / "a", "abc")
  os.chown(tmp_path / "a", 54_321, 54_321)
  assert storage.size(tmp_path / "a") == 3


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
  synced, fsync = [], os.fsync

  def recorded(descriptor):
    path = pathlib.Path(os.readlink(f"/proc/self/fd/{descriptor}"))
    there = (tmp_path / "run").exists()
    synced.append((path.name.partition(".unf")[0], there))
    fsync(descriptor)

  monkeypatch.setattr(os, "fsync", recorded)
  with storage.new_folder(tmp_path / "run") as unfinished:
    (unfinished / "deep").mkdir()
    storage.write_text(unfinished / "deep" / "a", "1")
    synced.clear()
  assert sorted(synced[:-1]) == [(".run", False), ("a", False), ("deep", False)]
  assert synced[-1] == (tmp_path.name, True)


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


def _python(program: str, path: pathlib.Path) -> subprocess.CompletedProcess:
  return subprocess.run(
    [sys.executable, "-c", program, str(path)],
    cwd=source_tree.ROOT,
    capture_output=True,
    text=True,
    timeout=60,
    check=False,
  )


def test_file_goes_on_from_a_byte(tmp_path):
  path = tmp_path / "rows"
  for begin, content in ((0, b"abcd"), (2, b"xyz"), (5, b"!")):
    with storage.open_from(path, begin) as file:
      assert file.tell() == begin
      file.write(content)
  assert path.read_bytes() == b"abxyz!"
