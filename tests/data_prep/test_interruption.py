"""Kills, full disks and second runs leave the records of a quiet run."""

import os
import pathlib
import shutil
import signal
import time

import pytest

from tests.data_prep import outputs

NUM_CLIPS = 12
FLAGS = (
  "--modalities=rgb,audio",
  "--short_side=32",
  "--num_shards=3",
  "--test_share=0.25",
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory, make_clip) -> pathlib.Path:
  """Two labels, and a file that is quarantined."""
  root = tmp_path_factory.mktemp("videos")
  for index in range(NUM_CLIPS):
    make_clip(
      root / f"label{index % 2}" / f"{index}.mp4",
      video=f"testsrc2=size=64x48:rate=25:duration={2 + index / 25}",
      audio=f"sine=frequency={200 + 50 * index}:duration=2",
    )
  (root / "label0" / "broken.mp4").write_bytes(b"no video")
  return root


@pytest.fixture(scope="module")
def quiet(videos, preparer, tmp_path_factory) -> dict[str, bytes]:
  """The files of a run with one worker and no incident."""
  output = tmp_path_factory.mktemp("quiet") / "records"
  assert preparer.run(*_args(videos, output), "--num_workers=1") == 0
  return outputs.files_of(output)


def _args(videos, output):
  return (f"--input={videos}", f"--output={output}", *FLAGS)


def test_output_has_both_splits(quiet):
  assert {"train/manifest.json", "test/manifest.json"} <= set(quiet)
  assert {"report.json", "quarantine.csv"} <= set(quiet)
  assert sum(name.endswith(".tfrecord") for name in quiet) == 6


def test_two_workers_and_another_folder_order_give_the_same_bytes(
  videos, quiet, preparer, tmp_path
):
  copy = tmp_path / "copy"
  for path in sorted(videos.rglob("*.mp4"), reverse=True):
    target = copy / path.relative_to(videos)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
  output = tmp_path / "out"
  assert preparer.run(*_args(copy, output), "--num_workers=2") == 0
  assert outputs.files_of(output) == quiet


@pytest.mark.parametrize("delay_s", [0.15, 0.4, 0.8])
def test_kill_and_rerun_gives_the_same_bytes(
  videos, quiet, preparer, tmp_path, delay_s
):
  output = tmp_path / "out"
  run = preparer.start(*_args(videos, output), "--num_workers=2")
  time.sleep(delay_s)
  os.kill(run, signal.SIGKILL)
  assert preparer.wait(run) == -signal.SIGKILL
  _assert_no_half_shard(output, quiet)
  assert preparer.run(*_args(videos, output), "--num_workers=2") == 0
  assert outputs.files_of(output) == quiet


def _assert_no_half_shard(output, quiet):
  for path in output.rglob("*.tfrecord"):
    if ".prepare" not in path.parts:
      assert path.read_bytes() == quiet[str(path.relative_to(output))]


def test_killed_worker_loses_no_clip(videos, quiet, preparer, tmp_path):
  output = tmp_path / "out"
  run = preparer.start(*_args(videos, output), "--num_workers=2")
  worker = _wait_for_worker(preparer, run)
  os.kill(worker, signal.SIGKILL)
  assert preparer.wait(run) == 0, preparer.text()
  assert outputs.files_of(output) == quiet


def _wait_for_worker(preparer, pid):
  children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
  for _ in range(3000):
    # Before this line the only child is `ffmpeg -version`.
    found = children.read_text().split()
    if found and "inputs to decode" in preparer.text():
      return int(found[0])
    time.sleep(0.01)
  raise AssertionError("no worker was started")


def test_removed_shard_is_made_again(videos, quiet, preparer, tmp_path):
  output = tmp_path / "out"
  assert preparer.run(*_args(videos, output)) == 0
  (output / "train" / "clips-00001.tfrecord").unlink()
  damaged = output / "test" / "clips-00000.tfrecord"
  damaged.write_bytes(damaged.read_bytes()[:-1])
  assert preparer.run(*_args(videos, output)) == 0
  assert outputs.files_of(output) == quiet


def test_own_temporary_files_are_removed_and_no_others(
  videos, quiet, preparer, tmp_path
):
  output = tmp_path / "out"
  (output / "train").mkdir(parents=True)
  mine = ("notes.tmp", "train/clips-00000.tfrecord.tmp", "manifest.tmp")
  for name in mine:
    (output / name).write_bytes(b"precious")
  for name in (
    ".clips-00000.tfrecord.unfinished-1",
    "clips-00000.tfrecord.prepare-tmp",  # of version 0.1.0
  ):
    (output / "train" / name).write_bytes(b"half a shard")
  assert preparer.run(*_args(videos, output)) == 0
  found = outputs.files_of(output)
  assert [found.pop(name) for name in mine] == [b"precious"] * 3
  assert found == quiet


def test_full_disk_is_exit_6_and_the_rerun_is_clean(
  videos, quiet, preparer, tmp_path
):
  output = tmp_path / "out"
  limit = max(map(len, quiet.values())) - 1
  assert preparer.run(*_args(videos, output), file_bytes=limit) == 6
  assert "no space to write" in preparer.text()
  assert "Traceback" not in preparer.text()
  _assert_no_half_shard(output, quiet)
  assert not (output / "train" / "manifest.json").exists()
  assert preparer.run(*_args(videos, output)) == 0
  assert outputs.files_of(output) == quiet


def test_disk_too_full_for_one_clip_is_exit_6(videos, preparer, tmp_path):
  code = preparer.run(*_args(videos, tmp_path / "out"), file_bytes=60_000)
  assert code == 6
  assert "no space to write" in preparer.text()


def test_second_run_on_the_same_output_is_exit_2_at_once(
  videos, quiet, preparer, tmp_path
):
  output = tmp_path / "out"
  first = preparer.start(*_args(videos, output), "--num_workers=1")
  _wait_for_worker(preparer, first)
  began = time.monotonic()
  assert preparer.run(*_args(videos, output)) == 2
  assert time.monotonic() - began < 5
  assert f"being written by process {first}" in preparer.text()
  assert preparer.wait(first) == 0
  assert outputs.files_of(output) == quiet


def test_other_settings_on_the_same_output_are_named(
  videos, preparer, tmp_path
):
  output = tmp_path / "out"
  (output / ".prepare").mkdir(parents=True)
  assert preparer.run(*_args(videos, output), file_bytes=60_000) == 6
  assert preparer.run(*_args(videos, output), "--jpeg_quality=50") == 2
  assert "config.jpeg_quality: 90 -> 50" in preparer.text()
