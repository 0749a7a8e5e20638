"""Trains the same steps with two versions and compares every bit of weights.

  git worktree add /tmp/version_0_1 1eb625a
  python tests/compare_versions.py /tmp/version_0_1 .

Both checkouts prepare the same generated clips, train configs/tiny_brave.py
for --steps, are stopped by SIGTERM half-way and continue. Compared are the
bytes of the records, what both runs logged, and the weights, the optimiser's
slots and the probe of the last checkpoint. Weights are matched by their values,
as names inside checkpoints may change, and so are those of both halves. Takes
about five minutes on two cores; exit code 1 if anything differs.
"""

import argparse
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import tensorflow as tf

_PREEMPTED = 42
_TRAIN_CLIPS, _TEST_CLIPS = 96, 8
_WAIT_S = 600.0


class Version:
  """A checkout, and the folder that it works in."""

  def __init__(self, checkout: pathlib.Path, folder: pathlib.Path):
    """Makes the folder."""
    self.checkout = checkout.resolve()
    self.folder = folder
    folder.mkdir()

  def start(self, module: str, *flags: str) -> subprocess.Popen:
    """Starts `python -m MODULE FLAGS` with the code of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(self.checkout)}
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return subprocess.Popen(
      [sys.executable, "-m", module, *flags], cwd=self.folder, env=environment
    )

  def run(self, module: str, *flags: str) -> None:
    """Runs the command to its end.

    Raises:
      RuntimeError: it failed.
    """
    code = self.start(module, *flags).wait()
    if code:
      raise RuntimeError(f"{module} of {self.checkout} ended with {code}.")

  def train(self, steps: int) -> int:
    """Trains, is stopped half-way, continues; returns the step of the stop."""
    flags = (
      f"--config={self.checkout}/configs/tiny_brave.py",
      "--workdir=run",
      "--config.data.train_records=records/train",
      "--config.data.heldout_records=records/test",
      f"--config.steps={steps}",
      "--config.schedule.warmup_steps=2",
      "--config.logging.scalars_every=1",
      "--config.logging.heldout_every=0",
      f"--config.logging.checkpoint_every={steps}",
    )
    process = self.start("tfvssl.train", *flags)
    _wait_for_step(self.folder / "run" / "metrics.jsonl", steps // 2, process)
    process.send_signal(signal.SIGTERM)
    code = process.wait()
    if code != _PREEMPTED:
      raise RuntimeError(
        f"the stopped run of {self.checkout} ended with {code}."
      )
    stopped = len(self.measures())
    self.run("tfvssl.train", *flags)
    return stopped

  def measures(self) -> list[dict[str, float]]:
    """Returns what the run logged, but for the times."""
    text = (self.folder / "run" / "metrics.jsonl").read_text("utf-8")
    return [
      {k: v for k, v in json.loads(line).items() if "/performance/" not in k}
      for line in text.splitlines()
    ]

  def records(self) -> dict[str, str]:
    """Returns the digest of every shard by its place."""
    folder = self.folder / "records"
    return {
      str(path.relative_to(folder)): _digest(path.read_bytes())
      for path in sorted(folder.glob("*/*.tfrecord"))
    }

  def tensors(self, steps: int) -> list[str]:
    """Returns kind and digest of every tensor of the checkpoint, sorted."""
    checkpoint = self.folder / "run" / "checkpoints" / f"step-{steps:08d}"
    reader = tf.train.load_checkpoint(str(checkpoint / "variables"))
    found = []
    for name in reader.get_variable_to_shape_map():
      if name.startswith(("method/", "optimizer/", "probe/")):
        value = reader.get_tensor(name)
        part = name.partition("/")[0]
        kind = f"{part} {value.dtype} {list(value.shape)}"
        found.append(f"{kind} {_digest(value.tobytes())}")
    return sorted(found)


def _digest(content):
  return hashlib.sha256(content).hexdigest()


def _wait_for_step(path, step, process):
  """Returns once `step` lines are logged."""
  deadline = time.monotonic() + _WAIT_S
  while not path.exists() or len(path.read_bytes().splitlines()) < step:
    if process.poll() is not None or time.monotonic() > deadline:
      raise RuntimeError(f"{path} never came to step {step}.")
    time.sleep(0.02)


def compare(first: Version, second: Version, steps: int) -> list[str]:
  """Prints what is equal and returns what differs."""
  found = []
  records = [version.records() for version in (first, second)]
  size = len(records[0])
  found += _verdict(f"{size} shards of records", *records)
  found += _verdict(
    f"what {steps} steps logged", *(v.measures() for v in (first, second))
  )
  tensors = [version.tensors(steps) for version in (first, second)]
  found += _verdict(f"{len(tensors[0])} tensors at step {steps}", *tensors)
  return found


def _verdict(what, first, second):
  equal = bool(first) and first == second
  print(f"{'equal to the bit' if equal else 'DIFFERENT'}: {what}")
  return [] if equal else [what]


def main() -> int:
  """Compares two checkouts and returns the exit code."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("first", type=pathlib.Path)
  parser.add_argument("second", type=pathlib.Path)
  parser.add_argument("--steps", type=int, default=20)
  arguments = parser.parse_args()
  with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    first = Version(arguments.first, root / "first")
    second = Version(arguments.second, root / "second")
    first.run(
      "data_prep.generate_demo",
      f"--output={root / 'videos'}",
      f"--train_clips={_TRAIN_CLIPS}",
      f"--test_clips={_TEST_CLIPS}",
    )
    for version in (first, second):
      version.run(
        "data_prep.prepare_records",
        f"--input={root / 'videos' / 'clips.csv'}",
        "--output=records",
        "--modalities=rgb,audio",
        "--short_side=64",
      )
      stopped = version.train(arguments.steps)
      print(f"{version.checkout}: stopped at step {stopped}, continued")
    return 1 if compare(first, second, arguments.steps) else 0


if __name__ == "__main__":
  sys.exit(main())
