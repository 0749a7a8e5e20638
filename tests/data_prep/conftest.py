"""Clips made by ffmpeg, and runs of prepare_records in other processes."""

from collections.abc import Callable, Iterator
import json
import pathlib
import subprocess

import pytest

from tests import forked_binaries
from tfvssl.data.media import ffmpeg


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

  def __init__(self, server: forked_binaries.Server, logs: pathlib.Path):
    self._server = server
    self._logs = logs
    self._count = 0
    self.log = logs

  def start(self, *args: str, file_bytes: int = 0) -> int:
    """Starts a run and returns its process id; `log` is its output."""
    self._count += 1
    self.log = self._logs / f"{self._count}.log"
    return self._server.start(
      "data_prep.prepare_records",
      list(args),
      self.log,
      self.log,
      file_bytes=file_bytes,
    )

  def wait(self, pid: int) -> int:
    """Returns the exit code."""
    return self._server.wait(pid)

  def run(self, *args: str, file_bytes: int = 0) -> int:
    """Runs to the end and returns the exit code."""
    return self.wait(self.start(*args, file_bytes=file_bytes))

  def text(self) -> str:
    """Returns what the last run that was started wrote."""
    return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def preparer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preparer]:
  """The binary, with TensorFlow loaded once for all runs."""
  logs = tmp_path_factory.mktemp("prepare_logs")
  server = forked_binaries.Server()
  yield Preparer(server, logs)
  server.close()


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
