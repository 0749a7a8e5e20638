"""What the guards cost: a step and a preparation, with them and without.

  python -m benchmarks.guards --config=configs/tiny_brave.py

Both sides of a line do the same work in turns, in one process. A step without
guards updates the weights whatever loss and gradient are, and asks for no stop.
A preparation without guards takes from ffmpeg what it gives, whatever it says
of damage, time and length. It writes the same JPEG pictures and samples to the
bit, by the same conversion of colours, on as many threads, as it reads.

CPU counts the threads and children of the process. It is what a guard costs
where every core has a worker; the wall's time is that of one video alone. The
cost is the median of the turns' ratios, so that what else the machine does
meets both.
"""

from collections.abc import Callable, Sequence
import resource
import subprocess
import tempfile
import time

from absl import flags as absl_flags
import numpy as np
import tensorflow as tf

from benchmarks import plain_preparation
from benchmarks import training_step
from data_prep.prepare_records import settings as settings_lib
from tfvssl.config import experiment as config
from tfvssl.config import flag
from tfvssl.data.media import ffmpeg
from tfvssl.runtime import binary
from tfvssl.runtime import exit_codes
from tfvssl.runtime import replicas
from tfvssl.runtime import storage
from tfvssl.train import stop_request
from tfvssl.train import trainer
from tfvssl.train import weights

# --config is defined by training_step.
_REPEATS = absl_flags.DEFINE_integer(
  "repeats", 15, "How often each side is timed.", lower_bound=1
)
_SECONDS = absl_flags.DEFINE_integer(
  "seconds", 20, "How long the video is.", lower_bound=1
)


class Unguarded(trainer.Trainer):
  """A trainer that updates the weights whatever the gradient is."""

  def replica_step(self, batch) -> None:
    """Updates the weights from this replica's share of the batch."""
    context = tf.distribute.get_replica_context()
    variables = self._method.trainable_variables
    loss, *gradients = context.all_reduce(
      tf.distribute.ReduceOp.SUM, self._parts(batch)
    )
    del loss
    self._optimizer.apply_gradients(
      zip(gradients, variables, strict=True),
      experimental_aggregate_gradients=False,
    )


def main(argv: Sequence[str]) -> int:
  """Prints a table of four lines."""
  del argv
  experiment = flag.read_config()
  replicas.prepare_process(experiment)
  print(f"{'':18}{'guarded':>12}{'without':>12}{'cost':>9}")
  with tempfile.TemporaryDirectory() as name:
    video = _video(storage.Path(name))
    choices = settings_lib.Settings(
      short_side=plain_preparation.SIZE[1], clip_seconds=10.0
    )
    _print(
      "preparation",
      lambda: plain_preparation.guarded(video, choices),
      lambda: plain_preparation.plain(video, choices),
    )
  # Later, as no process that prepares videos trains, too.
  _print(
    "one step",
    *(_stepping(experiment, kind) for kind in (trainer.Trainer, Unguarded)),
  )
  return exit_codes.OK


def _print(what: str, *sides: Callable[[], object]) -> None:
  """Prints medians of the processor's time and the wall's, and the cost."""
  times = _times(*sides)
  costs = np.median(times[0] / times[1], axis=0) - 1
  for unit, (guarded_s, plain_s), cost in zip(
    ("CPU", "wall"), np.median(times, axis=1).T, costs, strict=True
  ):
    print(
      f"{what + ', ' + unit:18}{guarded_s * 1e3:9.1f} ms"
      f"{plain_s * 1e3:9.1f} ms{cost:9.1%}"
    )


def _times(*sides: Callable[[], object]) -> np.ndarray:
  """Returns the CPU and wall seconds of every turn, [sides, repeats, 2]."""
  for side in sides:
    side()  # tracing, and files in memory
  times = np.zeros([len(sides), _REPEATS.value, 2])
  for turn in range(_REPEATS.value):
    numbers = range(len(sides))
    for number in numbers if turn % 2 else reversed(numbers):
      began = _clocks()
      sides[number]()
      times[number, turn] = _clocks() - began
  return times


def _clocks():
  """Returns this process's and its ended children's CPU, and the time."""
  users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
  parts = [resource.getrusage(user) for user in users]
  cpu_s = sum(part.ru_utime + part.ru_stime for part in parts)
  return np.array([cpu_s, time.perf_counter()])


def _stepping(experiment: config.Experiment, kind: type[trainer.Trainer]):
  """Returns a function that makes a step by a trainer of that kind."""
  strategy = replicas.build_strategy(experiment.runtime)
  with strategy.scope():
    method = weights.fresh_method(experiment, experiment.seed)
    optimizer = experiment.optimizer.build(0.1, method.trainable_variables)
  batch = training_step.random_batch(method, experiment.batch_size)
  stop = stop_request.StopRequest(strategy)
  guards = {"stopping": stop.after_any_step} if kind is trainer.Trainer else {}
  run = kind(
    method=method,
    optimizer=optimizer,
    dataset=strategy.experimental_distribute_dataset(
      tf.data.Dataset.from_tensors(batch).repeat()
    ),
    strategy=strategy,
    seed=experiment.seed,
    batch_size=experiment.batch_size,
    metric_names=sorted(weights.build_weights(method).metrics),
    **guards,
  )
  return lambda: run.train(tf.constant(1))


def _video(folder):
  """Returns a video with sound that ffmpeg draws."""
  width, height = plain_preparation.SIZE
  path = folder / "video.mp4"
  subprocess.run(
    [
      *(ffmpeg.path(), "-v", "error", "-f", "lavfi", "-i"),
      f"testsrc2=size={width}x{height}:rate=25:duration={_SECONDS.value}",
      *("-f", "lavfi", "-i", f"sine=duration={_SECONDS.value}"),
      *("-c:v", "libx264", "-g", "50", "-c:a", "aac", str(path)),
    ],
    check=True,
  )
  return path


if __name__ == "__main__":
  binary.run(main)
