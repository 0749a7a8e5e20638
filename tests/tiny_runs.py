"""The smallest BraVe that has every part, for tests of training."""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.backbones import resnet_audio
from tfvssl.backbones import tsm_resnet
from tfvssl.config import experiment as config
from tfvssl.config import sound
from tfvssl.methods import base
from tfvssl.methods import brave
from tfvssl.optim import lars

SOUND = sound.SpectrogramSpec(frame_length=1920, frame_step=960, num_mels=40)


def method_config(num_views: int = 1) -> brave.BraveConfig:
  """Returns a narrow view of 4 frames, 16 px, and half a second of sound."""
  return brave.BraveConfig(
    narrow=views.RgbViewSpec(num_frames=4, frame_step=2, image_size=16),
    narrow_backbone=tsm_resnet.TSMResNetConfig(blocks=(1,), width=0.125),
    broad={
      "audio": brave.Broad(
        view=views.AudioViewSpec(seconds=0.5, spectrogram=SOUND),
        backbone=resnet_audio.AudioResNetConfig(blocks=(1,), width=0.0625),
        num_views=num_views,
      )
    },
    hidden_dim=32,
    embedding_dim=8,
  )


def experiment(train_records: str = "", **changes) -> config.Experiment:
  """Returns a run of 12 steps of 4 clips."""
  settings = {
    "steps": 12,
    "batch_size": 4,
    "data": config.Data(train_records=str(train_records), shuffle_buffer=8),
    "schedule": config.Schedule(peak=0.5, warmup_steps=2),
    "logging": config.Logging(
      scalars_every=1, heldout_every=0, images_every=0, checkpoint_every=3
    ),
    "optimizer": lars.LarsConfig(),
    **changes,
  }
  return config.Experiment(method=method_config(), **settings)


def batch(method: base.Method, size: int, seed: int = 0) -> base.Views:
  """Returns random views in the shape that the pipeline gives them."""
  generator = np.random.default_rng(seed)

  def fill(spec):
    if spec is None:
      return None
    if spec.dtype == tf.uint8:
      return tf.constant(generator.integers(0, 256, spec.shape, np.uint8))
    if spec.dtype == tf.int32:  # targets
      return tf.constant(generator.integers(0, 3, spec.shape, np.int32))
    if spec.dtype == tf.int64:
      return tf.range(size, dtype=tf.int64)
    return tf.constant(generator.uniform(0, 3, spec.shape), tf.float32)

  return tf.nest.map_structure(fill, base.view_signature(method, size))
