"""Weights that differ between replicas are named and never saved."""

import json
import pathlib
import socket

import pytest
import tensorflow as tf

from tests import forked_binaries
from tests import two_replicas
from tfvssl.methods import base
from tfvssl.optim import schedules
from tfvssl.optim import sgd
from tfvssl.runtime import exit_codes
from tfvssl.train import checkpoint_store
from tfvssl.train import loop
from tfvssl.train import replica_check
from tfvssl.train import stop_request
from tfvssl.train import trainer


class _Sum(tf.Module):
  """Learns two numbers; a third is each replica's own."""

  def __init__(self):
    super().__init__()
    self.scale = tf.Variable([1.0, 2.0], name="scale")
    self.offset = tf.Variable([0.0], name="offset")
    self.own = tf.Variable(
      0.0,
      name="own",
      trainable=True,
      synchronization=tf.VariableSynchronization.ON_READ,
      aggregation=tf.VariableAggregation.SUM,
    )

  @property
  def trainable_variables(self):
    return [self.scale, self.offset]

  def loss(self, batch, seed):
    del seed
    error = self.scale * batch + self.offset
    return base.Output(tf.reduce_mean(error**2), {}, batch)


def _loop(folder, strategy):
  with strategy.scope():
    task = _Sum()
    optimizer = sgd.SgdConfig(momentum=0.0).build(
      schedules.WarmupCosine(0.125, 0, 100), task.trainable_variables
    )
  dataset = tf.data.Dataset.from_tensors(tf.ones([1])).repeat().batch(1)
  made = trainer.Trainer(
    method=task,
    optimizer=optimizer,
    dataset=strategy.distribute_datasets_from_function(lambda _: dataset),
    strategy=strategy,
    seed=0,
    batch_size=2,
    metric_names=[],
  )
  state = {"task": task, "optimizer": optimizer}
  store = checkpoint_store.CheckpointStore(folder, state, kept=9)
  stop = stop_request.StopRequest(strategy)
  running = loop.Loop(
    made, optimizer, strategy, stop=stop, store=store, steps_per_loop=1
  )
  return task, running


def main(argv: list[str]) -> None:
  """Writes what was said of two logical CPUs, or prints it of two workers."""
  if argv[2:]:
    _worker(float(argv[2]))
    return
  two_replicas.split_cpu()
  folder = pathlib.Path(argv[1])
  strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
  task, running = _loop(folder, strategy)
  task.own.values[1].assign(7.0)
  replica_check.check_variables([task.own], strategy, 0)
  running.train_until(1, save=True)
  task.scale.values[1].assign_add([0.0, 0.5])
  running.train_until(2, save=False)  # only what is saved is compared
  said = []

  def with_nan():
    task.offset.values[1].assign([float("nan")])
    replica_check.check_variables([task.offset], strategy, 4)

  for save in (
    lambda: running.train_until(3, save=True),
    lambda: replica_check.check_variables([task.offset], strategy, 3),
    with_nan,
  ):
    try:
      save()
    except exit_codes.UserError as error:
      said.append([error.exit_code, str(error)])
    else:
      said.append(None)
  saved = sorted(path.name for path in (folder / "checkpoints").iterdir())
  (folder / "said.json").write_text(json.dumps([said, saved]))


def _worker(value):
  """Prints what is said where each worker has a `value` of its own."""
  strategy = tf.distribute.MultiWorkerMirroredStrategy()
  with strategy.scope():
    variables = [tf.Variable(3.0), tf.Variable(0.0)]
  replica_check.check_variables(variables, strategy, 8)
  strategy.experimental_local_results(variables[1])[0].assign(value)
  try:
    replica_check.check_variables(variables, strategy, 9)
  except exit_codes.UserError as error:
    print(error)


@pytest.mark.slow
def test_worker_that_differs_is_told_on_both(tmp_path):
  opened = [socket.socket() for _ in range(2)]
  for each in opened:
    each.bind(("127.0.0.1", 0))
  ports = [each.getsockname()[1] for each in opened]
  for each in opened:
    each.close()
  cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
  started = [
    forked_binaries.start(
      "tests.train.test_replica_check",
      tmp_path,
      index,
      TF_CONFIG=json.dumps(
        {"cluster": cluster, "task": {"type": "worker", "index": index}}
      ),
    )
    for index in range(2)
  ]
  for each in started:
    done = each.finish()
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith(
      "the replicas do not hold the same weights at step 9: those of one worker"
      " differ from those of another; the step was not saved."
    )


def test_replica_that_differs_is_named_and_nothing_is_saved(tmp_path):
  # Its own process: logical CPUs are made before TensorFlow starts.
  done = forked_binaries.run("tests.train.test_replica_check", tmp_path)
  assert done.returncode == 0, done.stderr[-3000:]
  said, saved = json.loads((tmp_path / "said.json").read_text())
  assert saved == ["step-00000001"]
  (code, message), other, (_, not_a_number) = said
  assert other is None  # nothing was done to it
  assert code == exit_codes.NUMERICAL
  # Both copies have had the same updates: the gap is as it was made.
  assert message == (
    "the replicas do not hold the same weights at step 3: `scale:0` of replica"
    " 1 differs from that of replica 0 by up to 0.5; the step was not saved."
    " Start again to go on from the last checkpoint; if it comes again, look"
    " for a fault in a device."
  )
  assert "at step 4: `offset:0` of replica 1 differs" in not_a_number
  assert "by up to nan;" in not_a_number
