"""Tiny record folders for tests: textured squares that move, and tones."""

import dataclasses
import hashlib
import json
import pathlib

import numpy as np
import tensorflow as tf

from tfvssl.config import sound
from tfvssl.data import spectrogram
from tfvssl.data.records import content
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import manifest
from tfvssl.data.records import schema

CLASSES = ["down", "right"]


def make_frames(seed: int, num_frames: int, height=48, width=64) -> np.ndarray:
  """Returns uint8 [T, H, W, 3]: texture, and a square that moves."""
  rng = np.random.default_rng(seed)
  ground = rng.integers(0, 200, (height // 4, width // 4, 3), dtype=np.uint8)
  ground = ground.repeat(4, 0).repeat(4, 1)
  frames = np.stack([ground] * num_frames)
  for time in range(num_frames):
    y, x = (time % 30, 8) if seed % 2 == 0 else (8, time % 40)
    frames[time, y : y + 12, x : x + 12] = 255
  return frames


def make_waveform(seed: int, num_samples: int, rate_hz=48_000) -> np.ndarray:
  """Returns int16 [N]: a rising tone."""
  time_s = np.arange(num_samples) / rate_hz
  tone = np.sin(2 * np.pi * (400 + 200 * (seed % 2) + 300 * time_s) * time_s)
  return (tone * 12_000).astype(np.int16)


def make_clip(
  seed: int,
  *,
  num_frames: int = 50,
  modalities: tuple[str, ...] = ("rgb", "audio"),
  height: int = 48,
  width: int = 64,
  captions: tuple[tuple[str, float, float], ...] = (),
) -> encoded_clip.EncodedClip:
  """Returns a clip at 25 frames per second with the given modalities."""
  name = f"{CLASSES[seed % 2]}/clip{seed:03d}.mp4"
  clip = encoded_clip.EncodedClip(
    clip_id=name,
    path=name,
    start_s=0.0,
    duration_s=num_frames / 25.0,
    label_index=seed % 2,
    label_text=CLASSES[seed % 2],
    captions=tuple(encoded_clip.Caption(*caption) for caption in captions),
  )
  waveform = make_waveform(seed, num_frames * 1920)
  if "rgb" in modalities:
    clip.frames = [
      tf.io.encode_jpeg(frame, quality=95).numpy()
      for frame in make_frames(seed, num_frames, height, width)
    ]
    clip.height, clip.width = height, width
  if "flow" in modalities:
    rng = np.random.default_rng(seed)
    clip.flow_short_side_px = min(height, width)
    clip.flow = [
      tf.io.encode_png(image).numpy()
      for image in rng.integers(
        0, 256, (num_frames, 2 * height, width, 1), dtype=np.uint8
      )
    ]
  if "audio" in modalities:
    clip.waveform = waveform
  if "spectrogram" in modalities:
    scaled = tf.constant(waveform, tf.float32) / 32768.0
    log_mel = spectrogram.log_mel(scaled, sound.SpectrogramSpec())
    clip.spectrogram = log_mel.numpy().astype(np.float32)
  return clip


def write_records(
  folder: pathlib.Path,
  clips: list[encoded_clip.EncodedClip],
  *,
  num_shards: int = 3,
  config: dict | None = None,
  classes: list[str] = CLASSES,
  digests: bool = False,
) -> pathlib.Path:
  """Writes the clips round-robin, and the manifest; returns the folder.

  The manifest has no digests, as of version 0.1.0, unless they are asked for.
  """
  folder.mkdir(parents=True, exist_ok=True)
  config = config or {
    "frame_rate_hz": 25.0,
    "spectrogram": dataclasses.asdict(sound.SpectrogramSpec()),
  }
  digest = hashlib.sha256(json.dumps(config).encode()).hexdigest()
  shards = []
  for number in range(num_shards):
    members = clips[number::num_shards]
    name = f"clips-{number:05d}-of-{num_shards:05d}.tfrecord"
    with tf.io.TFRecordWriter(str(folder / name)) as writer:
      for clip in members:
        writer.write(encoded_clip.serialize(clip, digest))
    written = (folder / name).read_bytes()
    shards.append(
      manifest.Shard(
        file=name,
        record_count=len(members),
        bytes=len(written),
        sha256=hashlib.sha256(written).hexdigest(),
        modalities=["+".join(clip.modalities()) for clip in members],
        digests=[content.describe(clip.held()) for clip in members if digests],
      )
    )
  manifest.Manifest(
    schema_version=schema.SCHEMA_VERSION,
    clip_count=len(clips),
    classes=classes,
    config=config,
    config_hash=digest,
    shards=shards,
  ).save(folder / manifest.MANIFEST_NAME)
  return folder


def tiny_records(
  folder: pathlib.Path, num_clips: int = 10, num_shards: int = 3, **clip
) -> pathlib.Path:
  """Writes `num_clips` clips of 50 frames; the last one has no sound."""
  clips = [make_clip(seed, **clip) for seed in range(num_clips - 1)]
  clips.append(make_clip(num_clips - 1, modalities=("rgb",)))
  return write_records(folder, clips, num_shards=num_shards)


def write_payloads(path: pathlib.Path, payloads: list[bytes]) -> None:
  """Writes any bytes as the records of one shard."""
  with tf.io.TFRecordWriter(str(path)) as writer:
    for payload in payloads:
      writer.write(payload)
