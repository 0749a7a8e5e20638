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
import traceback

from tests import source_tree

# Loaded before the fork: none of them defines a flag or runs an operation.
_PRELOADED = (
  "tensorflow",
  "sklearn.svm",
  "tfvssl.embedding",
  "tfvssl.evaluation.cross_modal",
  "tfvssl.evaluation.protocol_choice",
  "tfvssl.exporting",
  "tfvssl.training",
)


def run(
  module: str, *args: object, timeout_s: int = 300
) -> subprocess.CompletedProcess:
  """Runs `python -m MODULE ARGS` to its end and returns what it said.

  Args:
    module: of the binary, with a `main`.
    *args: of the command line.
    timeout_s: after it the run is killed, exit code -14.
  """
  with tempfile.TemporaryDirectory() as folder:
    out, error = (pathlib.Path(folder) / name for name in ("out", "error"))
    server = _server()
    words = [str(arg) for arg in args]
    pid = server.start(module, words, out, error, timeout_s=timeout_s)
    code = server.wait(pid)
    texts = [path.read_text("utf-8", "replace") for path in (out, error)]
  return subprocess.CompletedProcess([module, *words], code, *texts)


class Server:
  """The process that forks; close it by closing its input."""

  def __init__(self, errors: pathlib.Path):
    """Starts it; `errors` is the file of what it says itself."""
    root = str(source_tree.ROOT)
    environment = {**os.environ, "PYTHONPATH": root}
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with open(errors, "wb") as file:
      self._process = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_binaries"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=file,
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
    timeout_s: int = 0,
  ) -> int:
    """Starts a run and returns its process id.

    Args:
      module: of the binary.
      args: of the command line.
      out: file that standard output is appended to.
      error: file of standard error; may be the same.
      file_bytes: largest file that it can write; 0 for any.
      timeout_s: after it the run is killed; 0 for never.
    """
    return self._ask(
      {
        "module": module,
        "args": args,
        "out": str(out),
        "error": str(error),
        "file_bytes": file_bytes,
        "timeout_s": timeout_s,
      }
    )

  def wait(self, pid: int) -> int:
    """Returns the exit code; negative for a signal."""
    return self._ask({"wait": pid})

  def close(self) -> None:
    """Ends the process."""
    self._process.stdin.close()
    self._process.stdout.close()
    self._process.wait()

  def _ask(self, request):
    self._process.stdin.write(json.dumps(request) + "\n")
    self._process.stdin.flush()
    return int(self._process.stdout.readline())


@functools.cache
def _server():
  """Returns the server of this process, which ends with it."""
  folder = tempfile.mkdtemp(prefix="tfvssl_forked_binaries_")
  return Server(pathlib.Path(folder) / "server.log")


def _fork(request):
  """Returns the process id of a child that runs the binary."""
  pid = os.fork()
  if pid:
    return pid
  os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
  for descriptor, name in ((1, "out"), (2, "error")):
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    os.dup2(os.open(request[name], flags), descriptor)
  signal.alarm(request["timeout_s"])
  if limit := request["file_bytes"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
  try:
    _run_binary(request["module"], request["args"])
  except SystemExit as stop:
    _leave(stop.code or 0)
  except BaseException:
    traceback.print_exc()
  _leave(1)


def _run_binary(name, args):
  from tfvssl import exit_codes

  sys.modules["__main__"].__doc__ = None  # --help shows that of the binary
  module = importlib.import_module(name)
  exit_codes.run(module.main, [name, *args])


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
      _, status = os.waitpid(request["wait"], 0)
      answer = os.waitstatus_to_exitcode(status)
    else:
      answer = _fork(request)
    print(answer, flush=True)


if __name__ == "__main__":
  main()
