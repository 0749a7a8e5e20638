"""One replica = two replicas; the step is one static XLA program.

The method makes labels itself, too, which must reach the loss of each replica.
"""

import functools
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import one_layer_run
from tests import tiny_runs
from tests import two_replicas
from tests.methods import method_with_targets
from tfvssl.config import experiment as config
from tfvssl.methods import base
from tfvssl.optim import schedules
from tfvssl.train import probe
from tfvssl.train import trainer
from tfvssl.train import weights


def _trainer(
  strategy,
  global_batch,
  per_replica,
  accumulation=1,
  seed=1,
  experiment=None,
):
  """Returns a trainer over copies of one batch, split over the replicas.

  With accumulation every part of a step is the whole batch.
  """
  if experiment is None:
    experiment = method_with_targets.experiment()
  with strategy.scope():
    method = weights.fresh_method(experiment, seed)
    # Step 0 has learning rate 0, so two steps are taken.
    schedule = schedules.WarmupCosine(0.5, 1, 10)
    optimizer = experiment.optimizer.build(schedule, method.trainable_variables)
    online_probe = probe.OnlineProbe(global_batch, num_features=32)
  batch = tiny_runs.batch(method, global_batch)
  dataset = tf.data.Dataset.from_tensor_slices(batch).repeat()
  dataset = dataset.batch(per_replica, drop_remainder=True)
  run = trainer.Trainer(
    method=method,
    optimizer=optimizer,
    dataset=strategy.distribute_datasets_from_function(lambda _: dataset),
    strategy=strategy,
    seed=0,
    batch_size=global_batch,
    metric_names=sorted(weights.build_weights(method).metrics),
    accumulation=accumulation,
    online_probe=online_probe,
  )
  return run, method


@functools.cache  # A second one takes the collectives of the first.
def _strategy(replicas):
  if replicas == 1:
    return tf.distribute.OneDeviceStrategy("/cpu:0")
  cpus = tf.config.list_logical_devices("CPU")[:replicas]
  return tf.distribute.MirroredStrategy([cpu.name for cpu in cpus])


def two_steps(
  replicas: int,
  accumulation: int = 1,
  experiment: config.Experiment | None = None,
) -> dict[str, np.ndarray]:
  """Returns losses and all updates of two steps on `replicas` CPUs."""
  strategy = _strategy(replicas)
  run, method = _trainer(
    strategy, 8, 8 // replicas, accumulation, experiment=experiment
  )
  start = [v.numpy() for v in method.trainable_variables]
  result = {}
  for step in range(2):
    outputs = run.train(tf.constant(1))
    result[f"loss {step}"] = np.array(outputs["loss/total"])
    result[f"norm {step}"] = np.array(outputs["optimizer/gradient_norm"])
    for name in (probe.LINEAR, probe.NEAREST):
      result[f"{name} {step}"] = 1.0 + np.array(outputs[name])
  for index, variable in enumerate(method.trainable_variables):
    # Without the number that Keras adds to the second layer of a process.
    name = f"{index} {re.sub(r'_[0-9]+(?=/)', '', variable.name)}"
    result[name] = variable.numpy() - start[index]
  return result


# Replicas, accumulation, experiment.
RUNS = {
  "one": (1,),
  "two": (2,),
  "in_parts": (2, 2),
  "one_of_a_layer": (1, 1, one_layer_run.experiment()),
  "two_of_a_layer": (2, 1, one_layer_run.experiment()),
}


def main(argv: list[str]) -> None:
  """Writes a file of every run that is named into the folder before them."""
  two_replicas.split_cpu()
  for name in argv[2:]:
    np.savez(pathlib.Path(argv[1]) / f"{name}.npz", **two_steps(*RUNS[name]))


def _results(tmp_path, *names):
  # Its own process: logical CPUs are made before TensorFlow starts.
  done = forked_binaries.run("tests.train.test_trainer", tmp_path, *names)
  assert done.returncode == 0, done.stderr[-3000:]
  return [np.load(tmp_path / f"{name}.npz") for name in names]


def test_one_replica_equals_two_for_a_layer_and_its_norm(tmp_path):
  """As below, of a network that is traced at once."""
  one, two = _results(tmp_path, "one_of_a_layer", "two_of_a_layer")
  _check_equal(one, two, len(one.files))


@pytest.mark.slow
def test_one_replica_equals_two(tmp_path):
  """Loss and every update, biases and norm parameters included."""
  one, two = _results(tmp_path, "one", "two")
  _check_equal(one, two, len(one.files))


@pytest.mark.slow
def test_parts_on_two_replicas_equal_the_whole(tmp_path):
  """Loss and every update but the probe's, which learns from each part."""
  # Parts that are alike have the statistics of the whole batch, so batch norm
  # does not tell them apart.
  one, in_parts = _results(tmp_path, "one", "in_parts")
  _check_equal(one, in_parts, len(one.files) - 4)


def _check_equal(one, two, count):
  assert one.files == two.files
  names = [name for name in one.files if not name.startswith("probe/")]
  if count == len(one.files):
    names = one.files
  moved = 0
  for name in names:
    difference = np.abs(two[name] - one[name])
    # The order of the sums over the batch differs. At rate 0.5 biases move by
    # up to 0.5, kernels by 1e-4, so these are held to their own size as well;
    # the update is a difference of weights, which are rounded to 1e-7.
    largest = np.abs(one[name]).max()
    assert difference.max() <= 1e-5 * max(largest, 1.0), name
    if largest > 1e-5:  # else rounding: a bias before a norm has no gradient
      assert difference.max() <= 1e-4 * largest + 1.2e-7, name
    moved += bool(np.abs(one[name]).max() > 0)
  assert moved == len(names) == count


def test_parts_are_averaged():
  """Each with its own batch statistics; no part is lost or counted twice."""
  strategy = tf.distribute.get_strategy()
  run, method = _trainer(strategy, 4, 4, accumulation=2)
  twin_run, twin = _trainer(strategy, 4, 4)
  parts = [tiny_runs.batch(method, 4, seed) for seed in (1, 2)]
  for _ in range(2):  # the first has learning rate 0
    run.replica_part(parts[0])
    run.replica_step(parts[1])
    gradients = []
    for part in parts:
      with tf.GradientTape() as tape:
        loss = twin.loss(part, 0).loss
      gradients.append(tape.gradient(loss, twin.trainable_variables))
    means = [tf.add_n(pair) / 2 for pair in zip(*gradients, strict=True)]
    twin_run._optimizer.apply_gradients(zip(means, twin.trainable_variables))
  for mine, other in zip(method.weights, twin.weights, strict=True):
    # At rate 0.5; the order of two sums differs.
    np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)


def _step_without_strategy():
  run, method = _trainer(tf.distribute.get_strategy(), 4, 4)
  return run, method, tiny_runs.batch(method, 4)


def _updates(method, start):
  return [
    variable.numpy() - old
    for variable, old in zip(method.trainable_variables, start, strict=True)
  ]


@pytest.mark.slow
def test_whole_step_compiles_with_xla():
  run, method, batch = _step_without_strategy()
  plain, same_method, _ = _step_without_strategy()
  start = [v.numpy() for v in method.trainable_variables]
  compiled = tf.function(run.replica_step, jit_compile=True, autograph=False)
  for _ in range(2):
    compiled(batch)
    plain.replica_step(batch)
  names = [v.name for v in method.trainable_variables]
  for name, found, expected in zip(
    names, _updates(method, start), _updates(same_method, start), strict=True
  ):
    # XLA orders its sums differently: 1 % of the update, and 1e-5 an entry for
    # biases before a norm, whose gradients are zero but for rounding. Kernels
    # move by 1e-4 an entry.
    bound = 0.01 * np.linalg.norm(expected) + 1e-5 * np.sqrt(expected.size)
    assert np.linalg.norm(found - expected) <= bound, name


def test_every_tensor_of_the_step_has_a_static_shape():
  run, method, _ = _step_without_strategy()
  function = tf.function(
    run.replica_step, autograph=False
  ).get_concrete_function(base.view_signature(method, 4))
  operations = function.graph.get_operations()
  unknown = [
    f"{operation.type} {output.name} {output.shape}"
    for operation in operations
    for output in operation.outputs
    if output.dtype not in (tf.resource, tf.variant)
    and not output.shape.is_fully_defined()
  ]
  assert len(operations) > 500 and not unknown
  # Nothing hides in a nested function, nothing calls back to the host.
  names = {operation.type for operation in operations}
  assert not {n for n in names if "PyFunc" in n or "While" in n or "If" in n}


def test_gradient_that_is_not_finite_is_dropped_and_its_step_named():
  run, method, batch = _step_without_strategy()
  run.replica_step(batch)
  before = [v.numpy() for v in method.trainable_variables]
  view = batch["broad_audio"]
  bad = {**batch, "broad_audio": view._replace(audio=view.audio * np.nan)}
  run.replica_step(bad)
  run.replica_step(bad)
  assert int(run.first_bad_step) == 1
  for variable, old in zip(method.trainable_variables, before, strict=True):
    assert np.isfinite(variable.numpy()).all()
    # At step 0 the rate is 0, so there is no momentum that could move it.
    if "kernel" not in variable.name:  # kernels decay
      np.testing.assert_array_equal(variable.numpy(), old)


def test_metrics_are_finite():
  run, _ = _trainer(tf.distribute.OneDeviceStrategy("/cpu:0"), 4, 4)
  outputs = run.train(tf.constant(3))
  assert np.isfinite(outputs["loss/total"])
  assert 0 <= outputs["performance/input_wait_share"] <= 1
  assert outputs["optimizer/learning_rate"] > 0
