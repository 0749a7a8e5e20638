"""Retrieval: closed forms, ties, chance, and the views of the loss."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.learning import narrow_to_broad
from tests import tiny_runs
from tests.data import record_fixture
from tfvssl.data.records import reader
from tfvssl.methods import brave
from tfvssl.methods.parts import losses
from tfvssl.train import weights

_SQUARE = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def test_every_clip_finds_itself_whatever_the_lengths():
  assert narrow_to_broad.recall(_SQUARE, 3.0 * _SQUARE, 1) == 1.0


def test_ranks_by_hand():
  # Row 0 has its own target third, row 1 first, row 2 second, row 3 fourth.
  targets = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]])
  predictions = np.array([[0.4, 1.0], [0.8, 0.6], [0.7, 0.8], [1.0, 0.1]])
  found = [
    narrow_to_broad.recall(predictions, targets, k) for k in (1, 2, 3, 4)
  ]
  assert found == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_embeddings_that_are_all_alike_are_at_chance(value):
  alike = np.full([7, 5], value, np.float32)
  for k in (1, 5, 7):
    assert narrow_to_broad.recall(alike, alike, k) == pytest.approx(
      k / 7, abs=1e-12
    )


def test_ties_share_the_places():
  # Targets 0 and 1 are the same: each of rows 0 and 1 finds its own first in
  # half of the orders. Row 2 is alone.
  targets = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
  assert narrow_to_broad.recall(targets, targets, 1) == pytest.approx(2 / 3)
  assert narrow_to_broad.recall(targets, targets, 2) == 1.0


def test_random_embeddings_are_at_chance():
  rng = np.random.default_rng(0)
  count, repeats = 40, 50
  found = [
    narrow_to_broad.recall(*rng.normal(size=(2, count, 8)), 5)
    for _ in range(repeats)
  ]
  # 2000 rows; five standard deviations of a share of 1/8.
  spread = np.sqrt(0.125 * 0.875 / (count * repeats))
  assert np.mean(found) == pytest.approx(0.125, abs=5 * spread)


def test_embeddings_that_are_not_finite():
  broken = np.full([3, 2], np.nan)
  with pytest.raises(ValueError, match="retrieval got embeddings that are not"):
    narrow_to_broad.recall(broken, broken, 1)


def test_embeddings_are_those_that_the_loss_compares(records):
  """K = 2 and heads of their own: a wrong head or view shows in the loss."""
  settings = tiny_runs.method_config(2)
  settings.sharing = brave.Sharing(projector=False, predictor=False)
  tf.keras.utils.set_random_seed(0)
  method = settings.build()
  weights.build_weights(method)
  batch = tiny_runs.batch(method, 3)
  found = []

  def collect(forward, *_):
    prediction, targets = forward(batch)
    found.append((prediction, targets["audio"]))
    return tf.nest.map_structure(lambda x: x.numpy(), (prediction, targets))

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(narrow_to_broad, "_collect", collect)
    narrow_to_broad.measure(method, records, seed=0, batch_size=3, draws=1)
  mean = tf.reduce_mean(losses.regression_loss(*found[0])).numpy()
  output = method.loss(batch, 0, training=False)
  expected = output.metrics["loss/narrow_to_audio"].numpy()
  assert mean == pytest.approx(expected, rel=1e-5)
  assert expected > 0.1  # two unrelated networks


@pytest.fixture(scope="module")
def records(tmp_path_factory):
  folder = record_fixture.tiny_records(tmp_path_factory.mktemp("r"), 7)
  specs = tiny_runs.method_config().build().view_specs
  return reader.open_for_views(folder, list(specs.values()))


@pytest.fixture(scope="module")
def method():
  return weights.fresh_method(tiny_runs.experiment(), 0)


def test_only_clips_with_both_views_are_searched(method, records):
  (found,) = narrow_to_broad.measure(
    method, records, seed=0, batch_size=4, draws=1
  ).values()
  assert found.clips == 6  # the seventh has no sound
  assert found.chance == {1: pytest.approx(1 / 6), 5: pytest.approx(5 / 6)}
  assert 0 <= found.recall[1] <= found.recall[5] <= 1


@pytest.mark.slow
def test_result_depends_on_seed_and_draws_only(method, records):
  def measure(**changes):
    settings = {"seed": 3, "batch_size": 4, "draws": 2, "ranks": (1, 2, 3)}
    found = narrow_to_broad.measure(method, records, **{**settings, **changes})
    return found["audio"].recall

  first = measure()
  assert first == measure(batch_size=5)
  assert first != measure(draws=1)


def test_rows_of_both_views_are_the_same_clips(method, records):
  """Networks that give the clip's number are right every time."""
  code = tf.one_hot(range(len(records.usable)), 8)

  def by_number(batch, seed, training):
    del seed, training
    narrow, broad = (
      brave.Embedded(*[tf.gather(code, batch[name].sample_index)] * 3)
      for name in ("narrow", "broad_audio")
    )
    return brave.Embeddings(narrow, {"audio": [broad]})

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(method, "embeddings", by_number)
    found = narrow_to_broad.measure(method, records, seed=0, batch_size=4)
  assert found["audio"].recall == {1: 1.0, 5: 1.0}
