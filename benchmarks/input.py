"""Speed of the input pipeline beside its floor, in the same run.

  python -m benchmarks.input [--image_size=224] [--clips=64]

Writes records of textured clips (256 x 340, 10 s, JPEG) to a temporary
folder, then times plain JPEG decoding of whole frames in tf.data, which is
what every loader must at least do, and the pipeline with the paper's views.
`time / floor` is the pipeline's time per clip over that of plain decoding of
as many frames: 1 where reading, parsing, cutting, resizing and batching cost
no more than decoding only the window saves. A record holds 250 frames however
few are used, so it is highest for the narrow view alone.
"""

from collections.abc import Sequence
import hashlib
import os
import pathlib
import tempfile
import time

from absl import app
from absl import flags
import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import pipeline
from tfvssl.data import starts
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import manifest
from tfvssl.data.records import reader
from tfvssl.data.records import schema

_CLIPS = flags.DEFINE_integer("clips", 48, "Clips that are timed.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 224, "Narrow view, pixels.")
_FRAMES = 250
_RECORDS = 12
_BATCH = 4


def write_records(folder: pathlib.Path) -> None:
  """Writes clips of 10 s with sound; each has 16 different frames."""
  rng = np.random.default_rng(0)
  shards, digest = [], "benchmark"
  for shard in range(4):
    path = folder / f"clips-{shard:05d}-of-00004.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
      for number in range(_RECORDS // 4):
        images = tf.image.resize(
          rng.integers(0, 256, (16, 32, 43, 3)).astype(np.float32),
          (256, 340),
          method="bicubic",
        )
        frames = [
          tf.io.encode_jpeg(frame, quality=90).numpy()
          for frame in tf.saturate_cast(images, tf.uint8)
        ]
        writer.write(
          encoded_clip.serialize(
            encoded_clip.EncodedClip(
              clip_id=f"{shard}/{number}",
              path=f"{shard}/{number}",
              start_s=0.0,
              duration_s=10.0,
              frames=(frames * 16)[:_FRAMES],
              height=256,
              width=340,
              waveform=rng.integers(-9000, 9000, 480_000).astype(np.int16),
            ),
            digest,
          )
        )
    content = path.read_bytes()
    shards.append(
      manifest.Shard(
        path.name,
        _RECORDS // 4,
        len(content),
        hashlib.sha256(content).hexdigest(),
        ["audio+rgb"] * (_RECORDS // 4),
      )
    )
  manifest.Manifest(
    schema.SCHEMA_VERSION, _RECORDS, [], {}, digest, shards
  ).save(folder / manifest.MANIFEST_NAME)


def time_floor(records: reader.Records, frames: int) -> float:
  """Returns frames per second of decoding whole frames, nothing else."""
  record = next(iter(tf.data.TFRecordDataset(records.paths)))
  clip = schema.parse(
    record,
    {views.Modality.RGB},
    tf.constant(0, tf.int64),
    tf.constant(0, tf.int64),
  )
  dataset = (
    tf.data.Dataset.from_tensor_slices(clip.frames)
    .repeat()
    .map(
      lambda frame: tf.io.decode_jpeg(frame, channels=3),
      num_parallel_calls=pipeline.PARALLEL_CALLS,
    )
    .prefetch(64)
  )
  return _rate(iter(pipeline.settled(dataset)), frames, warm_up=64)


def time_pipeline(
  records: reader.Records, specs: dict[str, views.ViewSpec], clips: int
) -> float:
  """Returns clips per second of the pipeline with these views."""

  def sample_views(clip, seed):
    start = starts.narrow_start(clip, specs["narrow"], seed=seed)
    result = {}
    for name, spec in specs.items():
      begin = (
        start
        if name == "narrow"
        else starts.broad_start(
          clip, spec, specs["narrow"], start, seed=seed, name=name
        )
      )
      result[name] = clip_views.view(clip, spec, begin, seed=seed, name=name)
    return result

  dataset = pipeline.training_dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=0,
    start_position=0,
    batch_size=_BATCH,
    shuffle_buffer=_RECORDS // 2,
  )
  return _BATCH * _rate(iter(dataset), clips // _BATCH, warm_up=3)


def _rate(iterator, count, warm_up):
  """Returns elements per second after a warm-up; the better of two halves."""
  for _ in range(warm_up):
    next(iterator)
  rates = []
  for _ in range(2):
    begin = time.perf_counter()
    for _ in range(count // 2):
      next(iterator)
    rates.append(count // 2 / (time.perf_counter() - begin))
  return max(rates)


def main(argv: Sequence[str]) -> None:
  """Prints one line per case."""
  del argv
  narrow = views.RgbViewSpec(num_frames=16, image_size=_IMAGE_SIZE.value)
  broad = views.RgbViewSpec(num_frames=64, frame_step=4, image_size=112)
  cases = {
    "narrow": {"narrow": narrow},
    "narrow, broad RGB": {"narrow": narrow, "broad_rgb": broad},
    "narrow, broad audio from samples": {
      "narrow": narrow,
      "broad_audio": views.AudioViewSpec(),
    },
  }
  with tempfile.TemporaryDirectory() as folder:
    write_records(pathlib.Path(folder))
    modalities = {views.Modality.RGB, views.Modality.AUDIO}
    records = reader.open_records(folder, modalities)
    floor = time_floor(records, 16 * _CLIPS.value)
    print(f"{os.cpu_count()} CPUs; plain JPEG decoding: {floor:.0f} frames/s")
    print(f"{'views':<34}{'clips/s':>9}{'frames/s':>10}{'time / floor':>14}")
    for name, specs in cases.items():
      frames = sum(
        spec.num_frames for spec in specs.values() if spec.piece == "video"
      )
      rate = time_pipeline(records, specs, _CLIPS.value)
      ratio = floor / (rate * frames)
      print(f"{name:<34}{rate:9.1f}{rate * frames:10.0f}{ratio:14.2f}")


if __name__ == "__main__":
  app.run(main)
