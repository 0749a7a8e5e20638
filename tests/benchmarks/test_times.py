"""The benchmarks of speed run, and their columns follow from each other.

Which numbers they print is a matter of the machine.
"""

import re

import pytest

from tests import forked_binaries
from tfvssl.runtime import exit_codes

_CONFIG = """
from tests import tiny_runs
def get_config():
  return tiny_runs.experiment()
"""


def _lines(module, *flags):
  done = forked_binaries.run(module, *flags)
  assert done.returncode == exit_codes.OK, done.stderr[-3000:]
  return done.stdout.splitlines()


def _numbers(text):
  return [float(word) for word in re.findall(r"\d+\.?\d*", text)]


@pytest.mark.slow
def test_training_step_beside_its_floor(tmp_path):
  config_file = tmp_path / "tiny.py"
  config_file.write_text(_CONFIG)
  lines = _lines(
    "benchmarks.training_step", f"--config={config_file}", "--steps=3"
  )
  rows = {line[:19].strip(): _numbers(line[19:]) for line in lines}
  (peak,), (operations,) = rows["matrix product"], rows["one step"]
  # As printed: to a tenth.
  assert rows["floor"][0] == pytest.approx(1e3 * operations / peak, abs=2.0)
  median, count, fastest, slowest = rows["measured"]
  assert count == 3 and 0 < fastest <= median <= slowest
  (rate,) = rows["examples per s"]
  assert rate == pytest.approx(4 / median * 1e3, rel=0.02)  # batches of 4


def test_augmentation_beside_a_plain_one():
  header, columns, *rows = _lines(
    "benchmarks.augmentation",
    "--batch_size=2",
    "--num_frames=1",
    "--image_size=16",
    "--repeats=1",
    "--nojit",
  )
  assert header.startswith("uint8 [2, 1, 16, 16, 3] on ")
  assert columns.split()[:2] == ["plain", "batched"]
  assert [row[:32].strip() for row in rows] == [
    "every operation, no jit_compile",
    "convolution 11, no jit_compile",
  ]
  for row in rows:
    *_, ratio, first_plain, first_batched = _numbers(row[32:])
    assert ratio > 0 and first_plain > 0 and first_batched > 0


@pytest.mark.slow
def test_input_beside_its_floor():
  header, columns, *rows = _lines(
    "benchmarks.input", "--clips=8", "--image_size=16"
  )
  floor = _numbers(header.partition("decoding:")[2])[0]
  assert columns.split() == ["views", "clips/s", "frames/s", "time", "/"] + [
    "floor"
  ]
  frames = {
    "narrow": 16,
    "narrow, broad RGB": 16 + 64,
    "narrow, broad audio from samples": 16,
  }
  assert [row[:34].strip() for row in rows] == list(frames)
  for row, per_clip in zip(rows, frames.values()):
    clips, images, ratio = _numbers(row[34:])
    assert images == pytest.approx(clips * per_clip, abs=0.05 * per_clip + 1)
    assert ratio == pytest.approx(floor / images, abs=0.02, rel=0.02)


@pytest.mark.slow
def test_guards_beside_the_same_work_without(tmp_path):
  config_file = tmp_path / "tiny.py"
  config_file.write_text(_CONFIG)
  header, *rows = _lines(
    "benchmarks.guards",
    f"--config={config_file}",
    "--repeats=1",
    "--seconds=1",
  )
  assert header.split() == ["guarded", "without", "cost"]
  assert [row[:18].strip() for row in rows] == [
    f"{what}, {unit}"
    for what in ("preparation", "one step")
    for unit in ("CPU", "wall")
  ]
  for row in rows:
    guarded, plain, cost = re.findall(r"-?[0-9.]+", row[18:])
    ratio = float(guarded) / float(plain) - 1
    assert float(cost) / 100 == pytest.approx(ratio, abs=0.02)
