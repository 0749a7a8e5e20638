"""Processes that each do one task at a time and may die without harm.

`concurrent.futures` loses every task of the pool when one worker dies and
`multiprocessing.Pool` waits for ever; here a dead worker costs one task, which
is tried once more when nothing else runs.
"""

from collections.abc import Callable, Iterable, Iterator
import contextlib
import ctypes
import dataclasses
import errno
import multiprocessing
from multiprocessing import connection
import multiprocessing.process
import os
import signal
import sys
import time
import traceback

FULL_DISK = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@dataclasses.dataclass
class Failure:
  """Why a task gave nothing; `reason` is a key of report.json."""

  reason: str
  detail: str


@dataclasses.dataclass
class _Worker:
  process: multiprocessing.process.BaseProcess
  pipe: connection.Connection
  task: int | None = None
  heard: float = 0.0


class WorkerPool(contextlib.AbstractContextManager):
  """Runs `work(task, beat)` in processes; use as a context manager.

  The processes are forked, so what the caller has imported is there at once;
  the caller itself must have no TensorFlow runtime and no thread running.
  """

  def __init__(
    self,
    work: Callable[[int, Callable[[], None]], None],
    *,
    num_workers: int,
    silence_s: float,
    prepare: Callable[[], None] = lambda: None,
  ):
    """Starts no process yet.

    Args:
      work: does task number `task`; calls `beat()` while it makes progress.
      num_workers: processes at a time.
      silence_s: a worker that neither ends nor beats for so long is killed
        and its task fails with `timeout`.
      prepare: runs once in every new process.
    """
    self._work = work
    self._num_workers = num_workers
    self._silence_s = silence_s
    self._prepare = prepare
    self._context = multiprocessing.get_context("fork")
    self._workers: list[_Worker] = []

  def run(self, tasks: Iterable[int]) -> Iterator[tuple[int, Failure | None]]:
    """Yields every task with its failure, if any, in the order they end.

    Raises:
      OSError: a worker found the disk full.
    """
    again: list[int] = []
    for task, failure in self._run(list(tasks), self._num_workers):
      if failure is not None and failure.reason == "worker_died":
        again.append(task)
      else:
        yield task, failure
    for task in again:
      yield from self._run([task], 1)

  def _run(self, tasks, num_workers):
    waiting = list(reversed(tasks))
    while waiting or any(worker.task is not None for worker in self._workers):
      self._start(min(num_workers, len(waiting) + self._busy()))
      for worker in self._workers:
        if worker.task is None and waiting:
          self._give(worker, waiting.pop())
      yield from self._collect()
    self._stop()

  def _busy(self):
    return sum(worker.task is not None for worker in self._workers)

  def _start(self, number):
    while len(self._workers) < number:
      ours, theirs = self._context.Pipe()
      others = [worker.pipe for worker in self._workers] + [ours]
      process = self._context.Process(
        target=_main,
        args=(theirs, others, self._work, self._prepare, os.getpid()),
        daemon=True,
      )
      process.start()
      theirs.close()
      self._workers.append(_Worker(process, ours))

  def _give(self, worker, task):
    worker.task, worker.heard = task, time.monotonic()
    with contextlib.suppress(BrokenPipeError):  # it died; _collect sees that
      worker.pipe.send(task)

  def _collect(self):
    """Yields what ended; waits at most a second."""
    connection.wait([worker.pipe for worker in self._workers], timeout=1.0)
    for worker in list(self._workers):
      ended, failure = self._hear(worker)
      if ended and worker.task is not None:
        task, worker.task = worker.task, None
        yield task, failure

  def _hear(self, worker):
    """Returns whether the worker's task ended, and its failure."""
    try:
      while worker.pipe.poll():
        kind, detail = worker.pipe.recv()
        worker.heard = time.monotonic()
        if kind == "full_disk":
          raise OSError(*detail)
        if kind != "beat":
          return True, None if kind == "done" else Failure(kind, detail)
    except (EOFError, ConnectionResetError):
      return True, self._bury(worker)
    idle = worker.task is None
    if not idle and time.monotonic() - worker.heard > self._silence_s:
      self._kill(worker)
      return True, Failure(
        "timeout", f"no progress for {self._silence_s:.0f} s"
      )
    return False, None

  def _bury(self, worker):
    self._kill(worker)
    return Failure(
      "worker_died", f"exit code {worker.process.exitcode} of its process"
    )

  def _kill(self, worker):
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
    self._workers.remove(worker)

  def _stop(self):
    for worker in list(self._workers):
      self._kill(worker)

  def __exit__(self, *unused):
    self._stop()


def _main(pipe, others, work, prepare, parent):
  for other in others:
    other.close()  # else a sibling would not see its pipe end with the parent
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops us
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  _die_with_parent(parent)
  prepare()
  while True:
    try:
      task = pipe.recv()
      pipe.send(_attempt(work, task, lambda: pipe.send(("beat", ""))))
    except (EOFError, BrokenPipeError):
      os._exit(0)  # the parent is gone


def _attempt(work, task, beat):
  try:
    work(task, beat)
  except MemoryError:
    os._exit(137)  # nothing can be trusted now; counts as a dead worker
  except OSError as error:
    if error.errno in FULL_DISK:
      return "full_disk", (error.errno, error.strerror or "", error.filename)
    return _internal(error)
  except Exception as error:
    return _internal(error)
  return "done", ""


def _internal(error):
  """A bug must not stop the other inputs; it is reported with its place."""
  place = traceback.extract_tb(error.__traceback__)[-1]
  return "internal_error", (
    f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}"
    f":{place.lineno})"
  )


def _die_with_parent(parent):
  """Asks Linux to kill this process when its parent is killed."""
  if sys.platform == "linux":
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call
      os._exit(0)
