"""Runs data_prep.prepare_records in forked children; started by conftest.

TensorFlow is imported once, so that a run costs what its work costs. One JSON
request a line: {"args", "log", "file_bytes"} starts a run and answers its
process id, {"wait"} answers its exit code.
"""

import json
import os
import resource
import sys
import traceback

from data_prep import prepare_records
from tfvssl import exit_codes


def _start(request):
  pid = os.fork()
  if pid:
    return pid
  log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
  os.dup2(log, 1)
  os.dup2(log, 2)
  if request.get("file_bytes"):
    limit = request["file_bytes"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
  try:
    exit_codes.run(prepare_records.main, ["prepare_records", *request["args"]])
  except SystemExit as stop:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(stop.code or 0)
  except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
  os._exit(exit_codes.BUG)


def main() -> None:
  for line in sys.stdin:
    request = json.loads(line)
    if "wait" in request:
      _, status = os.waitpid(request["wait"], 0)
      answer = os.waitstatus_to_exitcode(status)
    else:
      answer = _start(request)
    print(answer, flush=True)


if __name__ == "__main__":
  main()
