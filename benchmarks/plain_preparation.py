"""A video's clips, as prepare_records makes them and without any guard."""

import subprocess

import numpy as np
import tensorflow as tf

from data_prep.prepare_records import encode_clip
from data_prep.prepare_records import settings as settings_lib
from data_prep.prepare_records import sources
from tfvssl.data.media import ffmpeg
from tfvssl.data.media import pictures
from tfvssl.data.records import encoded_clip
from tfvssl.runtime import storage

SIZE = (320, 240)  # width and height of the video


def guarded(
  video: storage.Path, choices: settings_lib.Settings
) -> list[encoded_clip.EncodedClip]:
  """Returns the clips of a video, as prepare_records makes them."""
  source = sources.ClipSource(str(video), video.name, video.name)
  notes = encode_clip.Notes()
  return list(encode_clip.encode(source, (), choices, notes))


def plain(
  video: storage.Path, choices: settings_lib.Settings
) -> list[encoded_clip.EncodedClip]:
  """Returns what `guarded` does but for names, and believes every byte."""
  width, height = SIZE
  rate, size = choices.frame_rate_hz, width * height * 3
  scale = f"fps={rate},scale={width}:{height}:flags={pictures.SCALE_FLAGS}"
  clips = []
  with (
    _plain(video, "-vf", scale, "-pix_fmt", "rgb24", form="rawvideo") as seen,
    _plain(
      *(video, "-ac", "1", "-ar", str(choices.sample_rate_hz)), form="s16le"
    ) as heard,
  ):
    while group := _plain_group(seen.stdout, size, choices):
      duration_s = len(group) / rate
      clip = encoded_clip.EncodedClip(
        "", "", 0.0, duration_s, frame_rate_hz=rate
      )
      clip.height, clip.width = height, width
      clip.frames = group
      count = round(duration_s * choices.sample_rate_hz)
      clip.waveform = np.frombuffer(heard.stdout.read(2 * count), np.int16)
      clip.sample_rate_hz = choices.sample_rate_hz
      clips.append(clip)
    heard.stdout.read()  # sound that lasts longer than the pictures
    if seen.wait() or heard.wait():
      raise RuntimeError("an ffmpeg without guards ended with an error")
  return clips


def _plain_group(pipe, size, choices):
  """Returns the JPEG pictures of the next clip."""
  width, height = SIZE
  group = []
  while len(group) < choices.clip_frames and (raw := pipe.read(size)):
    frame = np.frombuffer(raw, np.uint8).reshape(height, width, 3)
    jpeg = tf.io.encode_jpeg(frame, quality=choices.jpeg_quality, format="rgb")
    group.append(jpeg.numpy())
  return group


def _plain(video, *words, form):
  """Returns a process that writes raw frames or samples to its pipe."""
  threads = ("-filter_threads", "1", "-threads", "1")
  command = [ffmpeg.path(), "-v", "error", *threads, "-i", str(video), *words]
  return subprocess.Popen(
    [*command, "-f", form, "-"],
    stdin=subprocess.DEVNULL,
    stdout=subprocess.PIPE,
  )
