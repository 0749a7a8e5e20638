"""Runs binaries in forked children of one process that has TensorFlow loaded.

A run costs what its work costs and not, each time, the import of TensorFlow.
This module is both sides: `run` in the tests, and `main` in the server.
"""

import functools
import importlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from tests import source_tree

# Loaded before the fork: none of them defines a flag or runs an operation.
_PRELOADED = (
  "tensorflow",
  "sklearn.svm",
  "tfvssl.embed.embedder",
  "tfvssl.evaluate.classifiers.difficult",
  "tfvssl.evaluate.classifiers.fine_tuned",
  "tfvssl.evaluate.evaluation",
  "tfvssl.evaluate.retrieval.measuring",
  "tfvssl.export.writer",
  "tfvssl.train.run",
)


class Started:
  """A run that goes on by itself until it is waited for.

  Attributes:
    pid: of its process.
  """

  def __init__(self, module: str, words: list[str], environment: dict):
    self._words = [module, *words]
    self._folder = tempfile.TemporaryDirectory()
    folder = pathlib.Path(self._folder.name)
    self._files = [folder / name for name in ("out", "error")]
    self._server = _server()
    self.pid = self._server.start(
      module, words, *self._files, environment=environment
    )

  def finish(self, timeout_s: int = 300) -> subprocess.CompletedProcess:
    """Returns what it said, and its exit code, after its end; see `run`."""
    code = self._server.wait(self.pid, timeout_s)
    texts = [path.read_text("utf-8", "replace") for path in self._files]
    self._folder.cleanup()
    if code == -signal.SIGKILL:
      texts[1] += f"\nkilled, perhaps as it took more than {timeout_s} s"
    return subprocess.CompletedProcess(self._words, code, *texts)


def start(module: str, *args: object, **environment: str) -> Started:
  """Starts `python -m MODULE ARGS`, with these variables of the environment."""
  return Started(module, [str(arg) for arg in args], environment)


def run(
  module: str, *args: object, timeout_s: int = 300
) -> subprocess.CompletedProcess:
  """Runs `python -m MODULE ARGS` to its end and returns what it said.

  Args:
    module: of the binary, with a `main`.
    *args: of the command line.
    timeout_s: after it the run and what it has started are killed; the exit
      code is -9 and the last line of standard error says so.
  """
  return start(module, *args).finish(timeout_s)


class Server:
  """The process that forks; close it by closing its input."""

  def __init__(self, root: pathlib.Path = source_tree.ROOT) -> None:
    """Starts it in `root`, the checkout or a copy of it."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    self._errors = tempfile.TemporaryFile()
    self._process = subprocess.Popen(
      [sys.executable, "-m", "tests.forked_binaries"],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=self._errors,
      text=True,
      cwd=root,
      env=environment,
    )

  def start(
    self,
    module: str,
    args: list[str],
    out: pathlib.Path,
    error: pathlib.Path,
    *,
    file_bytes: int = 0,
    environment: dict[str, str] | None = None,
  ) -> int:
    """Starts a run and returns its process id.

    Args:
      module: of the binary.
      args: of the command line.
      out: file that standard output is appended to.
      error: file of standard error; may be the same.
      file_bytes: largest file that it can write; 0 for any.
      environment: variables that it has besides those of the server.
    """
    return self._ask(
      {
        "module": module,
        "args": args,
        "out": str(out),
        "error": str(error),
        "file_bytes": file_bytes,
        "environment": environment or {},
      }
    )

  def wait(self, pid: int, timeout_s: int = 600) -> int:
    """Returns the exit code; negative for a signal.

    After `timeout_s` seconds the run and what it has started are killed.
    """
    return self._ask({"wait": pid, "timeout_s": timeout_s})

  def close(self) -> None:
    """Ends the process."""
    self._process.stdin.close()
    self._process.stdout.close()
    self._process.wait()
    self._errors.close()

  def _ask(self, request):
    self._process.stdin.write(json.dumps(request) + "\n")
    self._process.stdin.flush()
    if answer := self._process.stdout.readline():
      return int(answer)
    self._errors.seek(0)
    said = self._errors.read().decode("utf-8", "replace")
    raise RuntimeError(f"the process that forks is gone: {said[-2000:]}")


@functools.cache
def _server():
  """Returns the server of this process, which ends with it."""
  return Server()


def _fork(request):
  """Returns the process id of a child that runs the binary."""
  pid = os.fork()
  if pid:
    return pid
  os.setsid()
  os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
  for descriptor, name in ((1, "out"), (2, "error")):
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.dup2(os.open(request[name], flags), descriptor)
  if limit := request["file_bytes"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
  os.environ.update(request["environment"])
  try:
    _run_binary(request["module"], request["args"])
  except SystemExit as stop:
    _leave(stop.code or 0)
  except BaseException:
    traceback.print_exc()
  _leave(1)


def _wait(pid, timeout_s):
  """Returns the exit code of a child, killed when it takes too long."""
  deadline = time.monotonic() + timeout_s
  found, status = os.waitpid(pid, os.WNOHANG)
  while not found and time.monotonic() < deadline:
    time.sleep(0.01)
    found, status = os.waitpid(pid, os.WNOHANG)
  if not found:
    os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
  return os.waitstatus_to_exitcode(status)


def _run_binary(name, args):
  from tfvssl.runtime import binary

  sys.argv = [name, *args]  # overrides of --config are looked up there
  sys.modules["__main__"].__doc__ = None  # --help shows that of the binary
  sys.argv = [name, *args]  # where ml_collections looks for values of a config
  module = importlib.import_module(name)
  if hasattr(module, "__path__"):
    module = importlib.import_module(f"{name}.__main__")
  binary.run(module.main, sys.argv)


def _leave(code):
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(code)


def main() -> None:
  for name in _PRELOADED:
    importlib.import_module(name)
  for line in sys.stdin:
    request = json.loads(line)
    if "wait" in request:
      answer = _wait(request["wait"], request["timeout_s"])
    else:
      answer = _fork(request)
    print(answer, flush=True)


if __name__ == "__main__":
  main()
