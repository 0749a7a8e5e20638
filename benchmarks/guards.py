"""What the guards cost: a step and a preparation, with them and without.

  python -m benchmarks.guards --config=configs/tiny_brave.py

Both sides of a line do the same work in turns, in one process. A step without
guards updates the weights whatever loss and gradient are, and asks for no stop.
A preparation without guards takes from ffmpeg what it gives, whatever it says
of damage, time and length, and writes the same JPEG pictures and samples.
"""

from collections.abc import Callable, Sequence
import statistics
import subprocess
import tempfile
import time

from absl import flags as absl_flags
import numpy as np
import tensorflow as tf

from benchmarks import training_step
from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import settings as settings_lib
from data_prep.prepare_records import sources
from tfvssl.config import experiment as config
from tfvssl.config import flag
from tfvssl.data.media import ffmpeg
from tfvssl.data.records import encoded_clip
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
_SIZE = (320, 240)  # width and height of the video


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
  """Prints a table of two lines."""
  del argv
  experiment = flag.read_config()
  replicas.prepare_process(experiment)
  sides = [_stepping(experiment, kind) for kind in (trainer.Trainer, Unguarded)]
  print(f"{'':14}{'guarded':>12}{'without':>12}{'cost':>9}")
  _print("one step", *_medians(*sides))
  with tempfile.TemporaryDirectory() as name:
    video = _video(storage.Path(name))
    choices = settings_lib.Settings(short_side=_SIZE[1], clip_seconds=10.0)
    _print(
      "preparation",
      *_medians(
        lambda: prepared(video, choices),
        lambda: plainly_prepared(video, choices),
      ),
    )
  return exit_codes.OK


def _print(what, guarded_s, plain_s):
  cost = guarded_s / plain_s - 1
  print(f"{what:14}{guarded_s * 1e3:9.1f} ms{plain_s * 1e3:9.1f} ms{cost:9.1%}")


def _medians(*sides: Callable[[], object]) -> list[float]:
  """Returns the median seconds of each side, timed in turns."""
  for side in sides:
    side()  # tracing, and files in memory
  times: list[list[float]] = [[] for _ in sides]
  for _ in range(_REPEATS.value):
    for side, own in zip(sides, times, strict=True):
      began_s = time.perf_counter()
      side()
      own.append(time.perf_counter() - began_s)
  return [statistics.median(own) for own in times]


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
  width, height = _SIZE
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


def prepared(
  video: storage.Path, choices: settings_lib.Settings
) -> list[encoded_clip.EncodedClip]:
  """Returns the clips of a video, as prepare_records makes them."""
  source = sources.ClipSource(str(video), video.name, video.name)
  notes = encode_clip.Notes()
  return list(encode_clip.encode(source, (), choices, notes))


def plainly_prepared(
  video: storage.Path, choices: settings_lib.Settings
) -> list[encoded_clip.EncodedClip]:
  """Returns what `prepared` does but for names, and believes every byte."""
  width, height = _SIZE
  pictures = _output(
    video, "-vf", f"fps={choices.frame_rate_hz}", "-pix_fmt", "rgb24"
  )
  frames = np.frombuffer(pictures, np.uint8).reshape(-1, height, width, 3)
  rate = str(choices.sample_rate_hz)
  samples = np.frombuffer(
    _output(video, "-ac", "1", "-ar", rate, form="s16le"), np.int16
  )
  clips = []
  for begin in range(0, len(frames), choices.clip_frames):
    group = frames[begin : begin + choices.clip_frames]
    duration_s = len(group) / choices.frame_rate_hz
    clip = encoded_clip.EncodedClip(
      "", "", 0.0, duration_s, frame_rate_hz=choices.frame_rate_hz
    )
    clip.height, clip.width = height, width
    clip.frames = [
      tf.io.encode_jpeg(
        frame, quality=choices.jpeg_quality, format="rgb"
      ).numpy()
      for frame in group
    ]
    first = round(begin / choices.frame_rate_hz * choices.sample_rate_hz)
    count = round(duration_s * choices.sample_rate_hz)
    clip.waveform = samples[first : first + count]
    clips.append(clip)
  return clips


def _output(video, *words, form="rawvideo"):
  command = [ffmpeg.path(), "-v", "error", "-i", str(video), *words]
  return subprocess.run(
    [*command, "-f", form, "-"], check=True, capture_output=True
  ).stdout


if __name__ == "__main__":
  binary.run(main)
