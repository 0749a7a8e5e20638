"""The log of a run: what is added, dropped, and missed."""

import json

import pytest

from tests import tiny_runs
from tfvssl.train import metrics_log
from tfvssl.train import run_folder


@pytest.mark.parametrize(
  "damage", ['{"st', "[2]", '{"loss": 1}', '{"step": "2"}', "", "[" * 9999]
)
def test_cut_off_line_of_metrics_is_dropped(tmp_path, damage):
  path = tmp_path / metrics_log.NAME
  path.write_text(f'{{"step": 1}}\n{{"step": 2}}\n{damage}\n{{"step": 2}}\n')
  metrics_log.truncate(tmp_path, 2)
  assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_lines_are_added_in_order_and_read_back(tmp_path):
  metrics_log.append(tmp_path, 1, {"loss": 0.5})
  metrics_log.append(tmp_path, 3, {"loss": 0.25, "rate": 1.0})
  lines = (tmp_path / metrics_log.NAME).read_text().splitlines()
  assert [json.loads(line) for line in lines] == [
    {"step": 1, "loss": 0.5},
    {"step": 3, "loss": 0.25, "rate": 1.0},
  ]


@pytest.mark.parametrize(
  ("last", "kept"), [(-1, []), (1, [1]), (2, [1]), (3, [1, 3]), (9, [1, 3])]
)
def test_lines_after_the_last_step_are_dropped(tmp_path, last, kept):
  for step in (1, 3):
    metrics_log.append(tmp_path, step, {"loss": 1.0})
  metrics_log.truncate(tmp_path, last)
  lines = (tmp_path / metrics_log.NAME).read_text().splitlines()
  assert [json.loads(line)["step"] for line in lines] == kept


def test_held_out_loss_of_the_last_step_is_dropped(tmp_path):
  for name in ("train/loss", "heldout/loss"):
    for step in (3, 6):
      metrics_log.append(tmp_path, step, {name: 1.0})
  path = tmp_path / metrics_log.NAME
  lines = sorted(path.read_text().splitlines(), key=lambda x: x[:10])
  path.write_text("\n".join(lines) + "\n")
  metrics_log.truncate(tmp_path, 6)
  assert path.read_text().splitlines() == lines[:3]


@pytest.mark.parametrize(
  ("last_step", "lost"), [(0, False), (3, False), (4, True)]
)
def test_lost_checkpoints_are_noticed(tmp_path, last_step, lost):
  metrics_log.check_nothing_is_lost(tmp_path)
  run_folder.write_config(tiny_runs.experiment(), tmp_path)  # saves each 3
  metrics_log.check_nothing_is_lost(tmp_path)
  metrics_log.append(tmp_path, last_step, {"loss": 1.0})
  if not lost:
    return metrics_log.check_nothing_is_lost(tmp_path)
  with pytest.raises(ValueError) as error:
    metrics_log.check_nothing_is_lost(tmp_path)
  assert str(error.value) == (
    f"{tmp_path}/metrics.jsonl goes to step 4, but {tmp_path}/checkpoints"
    " holds no checkpoint, of which there was one every 3 steps; put them"
    " back, or take another --workdir to begin anew."
  )


def test_log_that_is_not_there_stays_so(tmp_path):
  metrics_log.truncate(tmp_path, 3)
  assert list(tmp_path.iterdir()) == []
