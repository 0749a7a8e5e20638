"""The held-out loss is a mean over the same batches, and teaches nothing."""

import numpy as np
import pytest
import tensorflow as tf

from tests import one_layer_run
from tests.data import record_fixture
from tfvssl.train import held_out
from tfvssl.train import input as run_input
from tfvssl.train import probe
from tfvssl.train import weights

_STRATEGY = tf.distribute.OneDeviceStrategy("/cpu:0")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  made = one_layer_run.experiment()
  made.data.heldout_records = str(record_fixture.tiny_records(folder))
  return made


@pytest.fixture(scope="module")
def method(experiment):
  return weights.fresh_method(experiment, seed=1)


def _held_out(experiment, method, num_batches, online_probe=None, **others):
  return held_out.HeldOut(
    run_input.held_out_input(experiment, method, _STRATEGY),
    method,
    _STRATEGY,
    seed=experiment.seed,
    num_batches=num_batches,
    online_probe=online_probe,
    **others,
  )


def test_mean_is_over_the_first_batches_each_time(experiment, method):
  source = run_input.held_out_input(experiment, method, _STRATEGY)
  batches = iter(source.batches(0))
  losses = [
    float(method.loss(next(batches), experiment.seed, training=False).loss)
    for _ in range(3)
  ]
  before = [variable.numpy() for variable in method.weights]
  measured = _held_out(experiment, method, 3)
  means = measured.means()
  # A compiled step and an eager one round differently.
  np.testing.assert_allclose(means["loss/total"], np.mean(losses), rtol=1e-5)
  assert len(set(losses)) == 3
  assert measured.means() == means
  assert probe.LINEAR not in means
  for variable, old in zip(method.weights, before, strict=True):
    np.testing.assert_array_equal(variable, old)


def test_measurement_is_stopped_between_two_batches(experiment, method):
  batches = iter(range(2))
  measured = _held_out(
    experiment, method, 1000, before_batch=lambda: next(batches)
  )
  with pytest.raises(StopIteration):
    measured.means()


def test_probe_is_scored_and_not_taught(experiment, method):
  online = probe.OnlineProbe(num_classes=2, num_features=32)
  before = [variable.numpy() for variable in online.variables]
  means = _held_out(experiment, method, 2, online).means()
  assert 0.0 <= means[probe.LINEAR] <= 1.0
  assert 0.0 <= means[probe.NEAREST] <= 1.0
  for variable, old in zip(online.variables, before, strict=True):
    np.testing.assert_array_equal(variable, old)


def test_summary_holds_every_mean(experiment, method, tmp_path):
  measured = _held_out(experiment, method, 1, folder=tmp_path)
  logged = measured.measured(7)
  (path,) = tmp_path.iterdir()
  found = {
    (event.step, f"heldout/{value.tag}"): float(tf.make_ndarray(value.tensor))
    for event in tf.compat.v1.train.summary_iterator(str(path))
    for value in event.summary.value
  }
  assert "heldout/loss/total" in logged
  assert found == {(7, name): np.float32(x) for name, x in logged.items()}
