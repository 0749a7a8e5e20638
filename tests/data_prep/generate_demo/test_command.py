"""The command as a user types it: its workers are processes of their own."""

import subprocess
import sys

from tests import source_tree


def test_command_writes_the_clips(tmp_path):
  # Not forked: a process that is spawned imports the module of the command.
  flags = ("--train_clips=2", "--test_clips=1", "--shots=1", "--workers=2")
  done = subprocess.run(
    [
      sys.executable,
      "-m",
      "data_prep.generate_demo",
      f"--output={tmp_path / 'videos'}",
      *flags,
    ],
    cwd=source_tree.ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr
  found = sorted(path.name for path in (tmp_path / "videos").rglob("*.mp4"))
  assert found == ["test_00000.mp4", "train_00000.mp4", "train_00001.mp4"]
