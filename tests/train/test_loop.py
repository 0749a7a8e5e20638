"""What is due is saved, what is not finite is not, a stop is heard."""

import os
import signal

import pytest
import tensorflow as tf
import tqdm

from tfvssl.methods import base
from tfvssl.optim import sgd
from tfvssl.runtime import storage
from tfvssl.train import checkpoint_store
from tfvssl.train import loop
from tfvssl.train import stop_request
from tfvssl.train import to_end
from tfvssl.train import trainer


class _Mean(tf.Module):
  """Learns the mean of the batches by its square error."""

  def __init__(self):
    super().__init__()
    self.kernel = tf.Variable([0.0], name="kernel")

  def loss(self, batch, seed):
    del seed
    return base.Output(tf.reduce_mean((self.kernel - batch) ** 2), {}, batch)


def _loop(folder, values, stop_at=None):
  """Returns the loop, what it trains and the means it was told."""
  strategy = tf.distribute.get_strategy()
  task, means = _Mean(), []
  optimizer = sgd.SgdConfig(momentum=0.0).build(0.25, task.trainable_variables)
  stop = stop_request.StopRequest(strategy)

  def stopping():
    if stop_at == int(optimizer.iterations.numpy()):
      os.kill(os.getpid(), signal.SIGTERM)
    return stop.after_any_step()

  made = loop.Loop(
    trainer.Trainer(
      method=task,
      optimizer=optimizer,
      dataset=tf.data.Dataset.from_tensor_slices(values).batch(1).repeat(),
      strategy=strategy,
      seed=0,
      batch_size=1,
      metric_names=[],
      stopping=stopping,
    ),
    optimizer,
    strategy,
    stop=stop,
    store=folder
    and checkpoint_store.CheckpointStore(
      folder, {"task": task, "optimizer": optimizer}, kept=9
    ),
    steps_per_loop=2,
    actions=[means.append],
  )
  return made, stop, task, means


def _saved(folder):
  return [path.name for path in sorted(storage.Path(folder).iterdir())]


def test_what_is_due_is_saved(tmp_path):
  made, _, task, means = _loop(tmp_path, [1.0])
  made.train_until(2, save=False)
  made.train_until(4, save=True)
  # Halfway to 1 in every step.
  assert task.kernel.numpy().tolist() == [1 - 0.5**4]
  assert [m["loss/total"] for m in means] == [
    (1 + 0.25) / 2,
    (0.25**2 + 0.25**3) / 2,
  ]
  assert made.step == 4
  assert _saved(tmp_path / "checkpoints") == ["step-00000004"]


def test_nothing_that_is_not_finite_is_saved(tmp_path):
  made, _, task, _ = _loop(tmp_path, [1.0, 1.0, 1.0, float("inf")])
  made.train_until(2, save=True)
  with pytest.raises(loop.NotFinite, match="not finite at step 3") as caught:
    made.train_until(6, save=True)
  assert caught.value.step == 3
  assert _saved(tmp_path / "checkpoints") == ["step-00000002"]
  assert task.kernel.numpy()[0] < 1


def test_stop_within_a_loop_is_saved(tmp_path):
  made, stop, _, means = _loop(tmp_path, [1.0], stop_at=3)
  with stop.listening(), pytest.raises(stop_request.Stopped):
    made.train_until(8, save=False)
  assert made.step == 3
  assert len(means) == 1  # of the loop that was whole
  assert _saved(tmp_path / "checkpoints") == ["step-00000003"]


def test_stop_after_the_last_step_of_a_loop_is_left_to_the_caller(tmp_path):
  made, stop, _, _ = _loop(tmp_path, [1.0], stop_at=None)
  with stop.listening():
    made.stop_if_told()
    made.train_until(2, save=False)
    assert not (tmp_path / "checkpoints" / "step-00000002").exists()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(stop_request.Stopped):
      made.stop_if_told()
  assert _saved(tmp_path / "checkpoints") == ["step-00000002"]


def test_stop_without_checkpoints_keeps_nothing():
  made, stop, _, _ = _loop(None, [1.0], stop_at=1)
  with stop.listening(), pytest.raises(stop_request.Stopped):
    made.train_until(2, save=True)
  assert made.step == 1


def _to_end(made, last):
  with tqdm.tqdm(total=last) as bar:
    to_end.train(made, last, pause_every=2, save_every=4, bar=bar)
    assert bar.n == last


def test_training_to_the_end_saves_what_is_due_and_the_last_step(tmp_path):
  made, _, _, means = _loop(tmp_path, [1.0])
  _to_end(made, 5)
  assert _saved(tmp_path / "checkpoints") == ["step-00000004", "step-00000005"]
  assert len(means) == 3


def test_stop_after_the_very_last_step_is_heard(tmp_path):
  made, stop, _, _ = _loop(tmp_path, [1.0])
  with stop.listening():
    made.train_until(2, save=False)
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(stop_request.Stopped):
      to_end.train(made, 3, pause_every=2, save_every=4, bar=tqdm.tqdm())
  assert _saved(tmp_path / "checkpoints") == ["step-00000003"]


def test_stop_goes_before_what_is_not_finite(tmp_path):
  made, stop, _, _ = _loop(tmp_path, [float("inf")])
  with stop.listening():
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(stop_request.Stopped):
      to_end.train(made, 1, pause_every=2, save_every=4, bar=tqdm.tqdm())
  assert _saved(tmp_path / "checkpoints") == []
