"""What a run leaves out is said, noted, and the same to the run's end."""

import json
import os
import pathlib
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.data.records import check
from tfvssl.data.records import payloads
from tfvssl.data.records import reader
from tfvssl.runtime import exit_codes
from tfvssl.train import input as run_input
from tfvssl.train import left_out
from tfvssl.train import restoring
from tfvssl.train import run_folder

_STRATEGY = tf.distribute.OneDeviceStrategy("/cpu:0")
_NAME = "clips-00001-of-00003.tfrecord"


@pytest.fixture(scope="module", name="whole")
def _whole(tmp_path_factory):
  clips = [record_fixture.make_clip(seed, num_frames=25) for seed in range(10)]
  return record_fixture.write_records(tmp_path_factory.mktemp("whole"), clips)


def _flip(folder, number, shard=_NAME):
  """Damages a record; returns where it begins."""
  path = pathlib.Path(folder) / shard
  offset = list(payloads.scan(path))[number].offset
  content = bytearray(path.read_bytes())
  content[offset + 2000] ^= 8
  path.write_bytes(content)
  return offset


@pytest.fixture(name="damaged")
def _damaged(whole, tmp_path):
  folder = shutil.copytree(whole, tmp_path / "records")
  return folder, _flip(folder, 1)


def _find(folder, run, share=0.1):
  run.mkdir(exist_ok=True)
  data = config.Data(train_records=str(folder), bad_record_share=share)
  return left_out.find(data, "train_records", run / run_folder.BAD_RECORDS_NAME)


def test_what_is_left_out_is_said_and_noted(damaged, tmp_path, caplog):
  folder, offset = damaged
  note = tmp_path / "run" / run_folder.BAD_RECORDS_NAME
  with caplog.at_level("WARNING"):
    found = _find(folder, tmp_path / "run")
  assert list(found) == [_NAME] and list(found[_NAME]) == [1]
  assert caplog.messages == [
    f"{folder}: 1 of 10 records are bad and are left out: {_NAME}: record 1 at"
    f" byte {offset} (clip 'down/clip004.mp4'): its checksum does not match;"
    f" all stand in {note}"
  ]
  noted = json.loads(note.read_text())["train_records"]
  assert [len(shard["bad"]) for shard in noted.values()] == [0, 1, 0]
  assert noted[_NAME]["bad"][0]["clip_id"] == "down/clip004.mp4"


def test_more_than_the_share_is_refused(damaged, tmp_path):
  folder, offset = damaged
  with pytest.raises(ValueError) as error:
    _find(folder, tmp_path / "run", share=0.09)
  assert str(error.value) == (
    f"{folder}: 1 of 10 records are bad, a share of 0.1 where"
    f" `data.bad_record_share` allows 0.09; the first is {_NAME}: record 1 at"
    f" byte {offset} (clip 'down/clip004.mp4'): its checksum does not match;"
    " all of them are listed by tfvssl inspect"
    f" --records={folder} --verify. Prepare them again, or allow more."
  )
  assert not (tmp_path / "run" / run_folder.BAD_RECORDS_NAME).exists()


def test_run_that_goes_on_leaves_out_the_same(damaged, whole, tmp_path):
  folder, _ = damaged
  run = tmp_path / "run"
  found = _find(folder, run, share=0.5)
  assert _find(folder, run, share=0.5) == found
  (run / "checkpoints" / "step-00000003").mkdir(parents=True)
  assert _find(folder, run, share=0.5) == found
  note = run / run_folder.BAD_RECORDS_NAME
  before = note.read_bytes()
  offset = _flip(folder, 0, "clips-00002-of-00003.tfrecord")
  with pytest.raises(ValueError) as error:
    _find(folder, run, share=0.5)
  assert str(error.value) == (
    "other records of `data.train_records` are bad than those that this run"
    f" has left out until now ({note}): clips-00002-of-00003.tfrecord: record 0"
    f" at byte {offset} (clip 'down/clip002.mp4'): its checksum does not match."
    " Restore them, or remove that file to go on without those that are bad"
    " now: the clips then come in another order."
  )
  shutil.copytree(whole, folder, dirs_exist_ok=True)
  with pytest.raises(ValueError, match=f"{_NAME}: record 1 is whole now. Rest"):
    _find(folder, run, share=0.5)
  with pytest.raises(ValueError, match="record 1 is whole now"):
    _find(folder, run, share=0.0)
  assert note.read_bytes() == before
  note.unlink()
  assert _find(folder, run, share=0.5) == {}


def test_shards_are_looked_through_once(damaged, tmp_path):
  """A bit that turns without a write is found when it is read."""
  folder, _ = damaged
  run, path = tmp_path / "run", folder / "clips-00002-of-00003.tfrecord"
  found = _find(folder, run)
  times = path.stat()
  _flip(folder, 1, path.name)
  os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
  assert _find(folder, run) == found
  os.utime(path)
  with pytest.raises(ValueError, match="2 of 10 records are bad"):
    _find(folder, run)


def test_note_that_cannot_be_read_is_named(damaged, tmp_path):
  run = tmp_path / "run"
  run.mkdir()
  for text in ("{", "[]", '{"train_records": {"a": {"bad": [{}]}}}'):
    (run / run_folder.BAD_RECORDS_NAME).write_text(text)
    with pytest.raises(ValueError, match="cannot be read .*; restore it, or"):
      _find(damaged[0], run)


def _experiment(folder, share):
  experiment = tiny_runs.experiment(folder)
  experiment.data.bad_record_share = share
  return experiment


def test_later_damage_is_blamed_on_its_own_record(damaged, tmp_path):
  folder, _ = damaged
  bad = _find(folder, tmp_path / "run")
  records = reader.open_for_views(folder, [views.RgbViewSpec()], bad=bad)
  offset = _flip(folder, 2)
  told = check.explain_read_error(ValueError("x"), records)
  assert f"{_NAME}: record 2 at byte {offset}: its checksum" in told


def test_picture_that_only_decoding_finds_is_named_beside_what_is_left_out(
  tmp_path,
):
  clips = [record_fixture.make_clip(seed, num_frames=3) for seed in range(4)]
  picture = bytearray(clips[3].frames[1])
  picture[picture.index(b"\xff\xdb") + 1] = 0xD0  # no quantisation table
  clips[3].frames[1] = bytes(picture)
  folder = record_fixture.write_records(tmp_path / "r", clips, num_shards=1)
  name = "clips-00000-of-00001.tfrecord"
  _flip(folder, 1, name)
  bad = _find(folder, tmp_path / "run", share=0.5)
  assert list(bad[name]) == [1]
  records = reader.open_for_views(folder, [views.RgbViewSpec()], bad=bad)
  told = check.explain_read_error(ValueError("x"), records)
  assert f"{name}: record 3 at byte" in told
  assert "image/encoded 1 of 3 cannot be decoded; prepare the" in told


def test_run_that_begins_to_leave_out_says_that_the_order_changes(
  damaged, tmp_path, caplog
):
  run = tmp_path / "run"
  (run / "checkpoints" / "step-00000003").mkdir(parents=True)
  with caplog.at_level("WARNING"):
    _find(damaged[0], run)
  assert "1 records are left out from now on: the clips come in" in caplog.text


def test_other_workers_write_no_note(damaged, tmp_path):
  note = tmp_path / run_folder.BAD_RECORDS_NAME
  data = config.Data(train_records=str(damaged[0]), bad_record_share=0.1)
  assert left_out.find(data, "train_records", note, is_chief=False)
  assert not note.exists()


def test_batches_go_on_from_any_step_without_the_bad_clip(damaged, tmp_path):
  experiment = _experiment(damaged[0], 0.1)
  method = experiment.method.build()

  def clips(start, count):
    source = run_input.training_input(experiment, method, _STRATEGY, tmp_path)
    batches = iter(source.batches(start))
    return [
      next(batches)["narrow"].sample_index.numpy().tolist()
      for _ in range(count)
    ]

  whole = clips(0, 9)
  assert sorted(sum(whole, [])) == sorted(4 * [*range(5), *range(6, 10)])
  assert clips(4, 5) == whole[4:]
  experiment.data.bad_record_share = 0.0
  with pytest.raises(ValueError, match="`data.bad_record_share` allows 0;"):
    clips(0, 1)


_CONFIG = """
from tests import tiny_runs
def get_config():
  return tiny_runs.experiment()
"""


def _start(tmp_path, folder, run, *flags):
  path = tmp_path / "tiny.py"
  path.write_text(_CONFIG)
  return forked_binaries.start(
    "tfvssl.train",
    f"--config={path}",
    f"--workdir={run}",
    f"--config.data.train_records={folder}",
    *flags,
  )


def test_run_stops_at_a_bad_record_unless_told_otherwise(damaged, tmp_path):
  folder, offset = damaged
  done = _start(tmp_path, folder, tmp_path / "run").finish()
  assert done.returncode == exit_codes.DATA
  last = done.stderr.splitlines()[-1]
  assert f"{_NAME}: record 1 at byte {offset}: its checksum" in last


@pytest.mark.slow
def test_kill_and_rerun_without_the_bad_record_equals_no_kill(
  damaged, tmp_path
):
  folder, _ = damaged
  flags = ["--config.data.bad_record_share=0.1"]
  flags += [f"--config.data.heldout_records={folder}"]
  runs = [tmp_path / "straight", tmp_path / "killed"]
  straight = _start(tmp_path, folder, runs[0], *flags).finish()
  assert straight.returncode == 0, straight.stderr[-3000:]
  process = _start(tmp_path, folder, runs[1], *flags)
  while not (runs[1] / "checkpoints" / "step-00000003").exists():
    os.sched_yield()
  os.kill(process.pid, signal.SIGKILL)
  process.finish()
  again = _start(tmp_path, folder, runs[1], *flags).finish()
  assert again.returncode == 0, again.stderr[-3000:]
  first, second = (
    tf.train.load_checkpoint(str(restoring.newest(run) / "variables"))
    for run in runs
  )
  names = first.get_variable_to_shape_map()
  assert len(names) > 20
  for name in names.keys() - {"_CHECKPOINTABLE_OBJECT_GRAPH"}:
    np.testing.assert_array_equal(
      first.get_tensor(name), second.get_tensor(name)
    )
