"""A worker that dies, hangs or fails costs its own task and no other.

The pool forks, so each case runs in a fresh Python that has no TensorFlow.
"""

import json
import subprocess
import sys
import textwrap
import time

import pytest

_HEAD = """
import errno, json, os, pathlib, signal, time
from data_prep.prepare_records import worker_pool

def run(work, num_tasks=8, num_workers=2, silence_s=30.0):
  found = {}
  with worker_pool.WorkerPool(
      work, num_workers=num_workers, silence_s=silence_s
  ) as pool:
    for task, failure in pool.run(range(num_tasks)):
      assert task not in found
      found[task] = failure.reason if failure else "done"
  print(json.dumps([found[task] for task in sorted(found)]))
"""


def _result(code, root, argument=""):
  process = subprocess.run(
    [sys.executable, "-c", _HEAD + textwrap.dedent(code), str(argument)],
    capture_output=True,
    text=True,
    timeout=60,
    check=False,
    cwd=root,
  )
  assert process.returncode == 0, process.stderr
  return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize(
  "death",
  [
    "os.kill(os.getpid(), signal.SIGKILL)",
    "os._exit(3)",
    "raise MemoryError",
  ],
)
def test_dead_worker_loses_only_its_task(root, death):
  found = _result(
    f"""
      def work(task, beat):
        time.sleep(0.01)
        if task == 3:
          {death}
      run(work)
      """,
    root,
  )
  assert found == ["done"] * 3 + ["worker_died"] + ["done"] * 4


def test_task_that_kills_its_worker_once_is_done_on_the_second_try(
  root, tmp_path
):
  found = _result(
    """
      import sys
      folder = pathlib.Path(sys.argv[1])
      def work(task, beat):
        if task == 2 and not (folder / "tried").exists():
          (folder / "tried").touch()
          os._exit(1)
        (folder / str(task)).touch()
      run(work)
      """,
    root,
    tmp_path,
  )
  assert found == ["done"] * 8
  assert len(list(tmp_path.iterdir())) == 9


def test_second_try_runs_alone(root, tmp_path):
  found = _result(
    """
      import sys
      folder = pathlib.Path(sys.argv[1])
      def work(task, beat):
        marks = sorted(path.name for path in folder.iterdir())
        (folder / f"{task}").touch()
        time.sleep(0.05)
        if task == 0 and "0" not in marks:
          (folder / "0").touch()
          os._exit(1)
        if task == 0:
          assert len(marks) == 6, marks
      run(work, num_tasks=6)
      """,
    root,
    tmp_path,
  )
  assert found == ["done"] * 6


def test_silent_worker_is_killed_and_a_beating_one_is_not(root):
  found = _result(
    """
      def work(task, beat):
        if task == 1:
          time.sleep(600)
        if task == 2:
          for _ in range(15):
            time.sleep(0.2)
            beat()
      run(work, num_tasks=4, silence_s=1.5)
      """,
    root,
  )
  assert found == ["done", "timeout", "done", "done"]


def test_bug_in_one_task_is_reported_with_its_place(root):
  found = _result(
    """
      def work(task, beat):
        if task == 1:
          raise KeyError("x")
      found = []
      with worker_pool.WorkerPool(work, num_workers=1, silence_s=9) as pool:
        for task, failure in pool.run(range(3)):
          found.append(failure and [failure.reason, failure.detail])
      print(json.dumps(found))
      """,
    root,
  )
  assert found[0] is None and found[2] is None
  assert found[1][0] == "internal_error"
  assert found[1][1].startswith("KeyError: 'x' (<string>:")


@pytest.mark.parametrize("code", ["ENOSPC", "EFBIG", "EDQUOT"])
def test_full_disk_stops_everything(root, code):
  found = _result(
    f"""
      def work(task, beat):
        raise OSError(errno.{code}, "full", "f")
      try:
        run(work)
      except OSError as error:
        print(json.dumps([error.errno == errno.{code}, error.strerror]))
      """,
    root,
  )
  assert found == [True, "full"]


def test_workers_die_with_their_parent(root, tmp_path):
  process = subprocess.Popen(
    [
      sys.executable,
      "-c",
      _HEAD
      + textwrap.dedent("""
          import sys
          folder = pathlib.Path(sys.argv[1])
          def work(task, beat):
            (folder / str(os.getpid())).touch()
            time.sleep(600)
          run(work, num_tasks=2)
          """),
      str(tmp_path),
    ],
    cwd=root,
  )
  while len(list(tmp_path.iterdir())) < 2:
    assert process.poll() is None
    time.sleep(0.01)
  process.kill()
  process.wait()
  workers = [int(path.name) for path in tmp_path.iterdir()]
  deadline = time.monotonic() + 10
  while any(_runs(worker) for worker in workers):
    assert time.monotonic() < deadline
    time.sleep(0.02)


def _runs(pid):
  try:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
      return file.read().rsplit(")", 1)[1].split()[0] != "Z"
  except (FileNotFoundError, ProcessLookupError):
    return False


def test_no_process_is_left_behind(root):
  found = _result(
    """
      def work(task, beat):
        pass
      run(work)
      children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
      print(json.dumps(children.read_text().split()))
      """,
    root,
  )
  assert found == []
