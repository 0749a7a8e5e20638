"""The cases come out right with an older ffmpeg, too."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests import source_tree

pytestmark = pytest.mark.slow

# The last releases of imageio-ffmpeg that bring ffmpeg 7.0 and 4.2.
_RELEASES = {"0.6.0": "7.0.2", "0.5.1": "4.2.2"}


@pytest.mark.parametrize("release", _RELEASES)
def test_cases_of_an_older_ffmpeg(release, cases_dir, tmp_path):
  package = f"imageio-ffmpeg=={release}"
  place = ("--quiet", "--no-deps", f"--target={tmp_path}")
  subprocess.run(
    [sys.executable, "-m", "pip", "install", *place, package], check=True
  )
  (binary,) = (tmp_path / "imageio_ffmpeg" / "binaries").glob("ffmpeg-*")
  (tmp_path / "ffmpeg").symlink_to(binary)
  search = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
  test = pathlib.Path(__file__).with_name("test_cases.py")
  environment = {
    **os.environ,
    "PATH": search,
    "TFVSSL_CASES_DIR": str(cases_dir),
  }
  version = subprocess.run(
    ["ffmpeg", "-version"], env=environment, capture_output=True, text=True
  ).stdout
  assert version.startswith(f"ffmpeg version {_RELEASES[release]}")
  done = subprocess.run(
    [sys.executable, "-m", "pytest", "-p", "no:xdist", str(test)],
    cwd=source_tree.ROOT,
    env=environment,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stdout[-5000:]
  assert "skipped" not in done.stdout
