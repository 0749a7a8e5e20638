"""Collapse is said in words: when it begins, when it ends, and at the end."""

import json
import logging
import math

import pytest
import tensorflow as tf

from tfvssl.methods.parts import losses
from tfvssl.train import health
from tfvssl.train import health_log

_GOOD = {"embedding_std/narrow": 0.9, "effective_rank/narrow": 12.0}
_BAD = {"embedding_std/narrow": 0.02, "effective_rank/narrow": 1.4}


def test_what_losses_measure_of_equal_embeddings_is_a_collapse():
  spread = tf.random.stateless_normal([32, 16], [0, 1])
  one = tf.ones([32, 16]) + 1e-4 * spread
  line = tf.concat([spread[:, :1], tf.zeros([32, 15])], axis=1)

  def found(z):
    metrics = losses.collapse("narrow", z, {"audio": spread})
    return health.problems({k: float(v) for k, v in metrics.items()}, clips=32)

  assert found(spread) == []
  (words,) = found(one)
  assert words.startswith(
    "the embeddings of narrow have become nearly one (`em"
  )
  (words,) = found(line)
  assert "spread over 1.0 directions only (`effective_rank/narrow`; at" in words


@pytest.mark.parametrize(
  ("clips", "rank", "bad"),
  [(4, 1.0, False), (16, 1.9, True), (16, 2.1, False), (512, 2.9, True)],
)
def test_few_clips_are_asked_for_few_directions(clips, rank, bad):
  found = health.problems({"effective_rank/narrow": rank}, clips)
  assert bool(found) == bad


def test_nan_is_no_health():
  assert health.problems({"embedding_std/audio": math.nan}, 32)


def test_it_is_said_once_when_it_begins_and_once_when_it_ends(tmp_path, caplog):
  followed = health.Health(32, tmp_path)
  with caplog.at_level(logging.WARNING):
    for step, metrics in enumerate(
      [_BAD, _GOOD, _BAD, _BAD, _BAD, _GOOD, _GOOD, _BAD, _BAD]
    ):
      followed.note(step, metrics)
  first, second, third = [record.getMessage() for record in caplog.records]
  assert first.startswith("step 3: collapse: the embeddings of narrow have bec")
  assert "1.4 directions" in first and "try a lower `schedule.peak`" in first
  assert second == "step 5: the embeddings have recovered from their collapse."
  assert third.startswith("step 8: collapse")
  assert followed.last_words().startswith("the run ends collapsed: the embeddi")
  texts = {
    event.step: tf.make_ndarray(value.tensor)[()].decode()
    for path in tmp_path.iterdir()
    for event in tf.compat.v1.train.summary_iterator(str(path))
    for value in event.summary.value
  }
  assert sorted(texts) == [3, 5, 8]
  assert f"step 3: {texts[3]}" == first


def test_healthy_run_has_no_last_words():
  followed = health.Health(32, None)
  for step, metrics in enumerate([_BAD, _GOOD, _BAD, _GOOD]):
    followed.note(step, metrics)
  assert followed.last_words() == ""
  assert followed.in_words() == (
    "the embeddings are apart, as they should be: embedding_std/narrow 0.90,"
    " effective_rank/narrow 12.00."
  )


def test_every_end_has_words():
  followed = health.Health(32, None)
  assert followed.in_words() == "nothing was measured."
  followed.note(1, _BAD)  # a single one may be chance
  bad = "embedding_std/narrow 0.02, effective_rank/narrow 1.40"
  assert followed.in_words() == bad
  followed.note(2, _BAD)
  assert followed.in_words() == followed.last_words() != ""


def test_log_of_a_run_tells_how_it_ended(tmp_path):
  log = tmp_path / "metrics.jsonl"

  def words(*lines):
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return health_log.of_log(log, 32)

  bad, good = (
    {"step": 1} | {f"train/{name}": value for name, value in metrics.items()}
    for metrics in (_BAD, _GOOD)
  )
  held_out = {"step": 2, "heldout/loss/total": 1.0}
  assert words() == words(held_out) == words(bad) == words(good, bad) == ""
  assert words(bad, bad, good) == ""
  ended = words(good, bad, held_out, bad, held_out)
  assert ended.startswith("the run ends collapsed: the embeddings of narrow ha")
