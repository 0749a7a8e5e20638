"""Clips made by ffmpeg, and runs of prepare_records in other processes."""

from collections.abc import Callable, Iterator
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tfvssl.data import ffmpeg


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., pathlib.Path]:
  """Returns a function that writes a small H.264/AAC file.

  `video` and `audio` are lavfi sources or None; `args` follow the inputs.
  """

  def make(
    path: pathlib.Path,
    *args: str,
    video: str | None = "testsrc2=size=64x48:rate=25:duration=1",
    audio: str | None = None,
  ) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    inputs = [
      word
      for source in (video, audio)
      if source
      for word in ("-f", "lavfi", "-i", source)
    ]
    if video and "-c" not in args and "-c:v" not in args:
      args = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", *args)
    subprocess.run(
      [ffmpeg.path(), "-v", "error", "-y", *inputs, *args, f"file:{path}"],
      check=True,
      timeout=60,
    )
    return path

  return make


class Preparer:
  """Starts prepare_records and waits for it."""

  def __init__(self, process: subprocess.Popen, logs: pathlib.Path):
    self._process = process
    self._logs = logs
    self._count = 0
    self.log = logs

  def _ask(self, request):
    self._process.stdin.write(json.dumps(request) + "\n")
    self._process.stdin.flush()
    return int(self._process.stdout.readline())

  def start(self, *args: str, file_bytes: int = 0) -> int:
    """Starts a run and returns its process id; `log` is its output."""
    self._count += 1
    self.log = self._logs / f"{self._count}.log"
    return self._ask(
      {"args": args, "log": str(self.log), "file_bytes": file_bytes}
    )

  def wait(self, pid: int) -> int:
    """Returns the exit code."""
    return self._ask({"wait": pid})

  def run(self, *args: str, file_bytes: int = 0) -> int:
    """Runs to the end and returns the exit code."""
    return self.wait(self.start(*args, file_bytes=file_bytes))

  def text(self) -> str:
    """Returns what the last run that was started wrote."""
    return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def preparer(
  root: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Preparer]:
  """The binary, with TensorFlow loaded once for all runs."""
  logs = tmp_path_factory.mktemp("prepare_logs")
  server = root / "tests" / "data_prep" / "prepare_server.py"
  with (
    open(logs / "server.log", "wb") as errors,
    subprocess.Popen(
      [sys.executable, str(server)],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=errors,
      text=True,
      cwd=root,
      env=_environment(root),
    ) as process,
  ):
    yield Preparer(process, logs)
    process.stdin.close()


def _environment(root):
  return {**os.environ, "PYTHONPATH": str(root)}


@pytest.fixture(scope="session")
def records_of() -> Callable[[pathlib.Path], list]:
  """Returns a function that reads every record of a folder, in order."""
  import tensorflow as tf

  def read(folder: pathlib.Path) -> list:
    manifest = json.loads((folder / "manifest.json").read_text())
    records = []
    for shard in manifest["shards"]:
      for raw in tf.data.TFRecordDataset(str(folder / shard["file"])):
        records.append(tf.train.SequenceExample.FromString(raw.numpy()))
    return records

  return read
