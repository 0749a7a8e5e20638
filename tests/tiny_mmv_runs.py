"""The smallest MMV that has every part, for tests."""

import pathlib

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.backbones import word_embedding
from tfvssl.config import sound
from tfvssl.methods import base
from tfvssl.methods import mmv

WORDS = ("<pad>", "<bos>", "<eos>", "<unk>", "red", "blue", "disc", "hums")


def vocabulary(folder: pathlib.Path) -> str:
  """Writes the vocabulary and returns its path."""
  path = folder / "words.txt"
  path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
  return str(path)


def method_config(words: str, **changes) -> mmv.MmvConfig:
  """Returns 4 frames of 16 px, a quarter second of sound, two captions.

  Args:
    words: file of the vocabulary.
    changes: fields of the config.
  """
  settings = {
    "video": views.RgbViewSpec(num_frames=4, frame_step=2, image_size=16),
    "video_backbone": tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
    "partners": {
      "audio": mmv.Partner(
        view=views.WaveformViewSpec(
          seconds=0.25,
          spectrogram=sound.SpectrogramSpec(
            frame_length=1920, frame_step=960, num_mels=40
          ),
        ),
        backbone=resnet_audio.AudioResNetConfig(blocks=(1,), width=0.0625),
      ),
      "text": mmv.Partner(
        view=views.TextViewSpec(vocabulary=words, max_words=4, num_captions=2),
        backbone=word_embedding.WordEmbeddingConfig(
          vocabulary_size=len(WORDS), word_dim=6, output_dim=10
        ),
      ),
    },
    "fine_dim": 12,
    "coarse_dim": 8,
    **changes,
  }
  return mmv.MmvConfig(**settings)


def batch(method: base.Method, size: int, seed: int = 0) -> base.Views:
  """Returns random views in the shape that the pipeline gives them.

  Every second clip has no caption, the last one no sound.
  """
  generator = np.random.default_rng(seed)

  def fill(spec):
    if spec is None:
      return None
    if spec.dtype == tf.uint8:
      return tf.constant(generator.integers(0, 256, spec.shape, np.uint8))
    if spec.dtype == tf.int64:
      return tf.range(size, dtype=tf.int64)
    if spec.dtype == tf.int32:
      return tf.constant(
        generator.integers(0, len(WORDS), spec.shape, np.int32)
      )
    return tf.constant(generator.uniform(-1, 1, spec.shape), tf.float32)

  views_of = tf.nest.map_structure(fill, base.view_signature(method, size))
  has_sound = np.arange(size) < size - 1
  has_caption = np.arange(size) % 2 == 0
  for name, is_there in (("audio", has_sound), ("text", has_caption)):
    if name in views_of:
      mask = tf.constant(is_there, tf.float32)
      views_of[name] = views_of[name]._replace(mask=mask)
  return views_of
