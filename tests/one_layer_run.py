"""The run of one layer on one view, for tests of what surrounds a method.

It is traced in a tenth of the time of the smallest BraVe (tiny_runs).
"""

import dataclasses

import tensorflow as tf

from tests import tiny_runs
from tfvssl import views
from tfvssl.backbones import batch_norm
from tfvssl.config import experiment as config
from tfvssl.data import clip_views
from tfvssl.data import starts
from tfvssl.methods import base

_VIEW = views.RgbViewSpec(num_frames=2, frame_step=2, image_size=8)


class OneLayer(base.Method):
  """A normalised linear layer of the mean colour learns to be 1."""

  def __init__(self):
    super().__init__(name="one_layer")
    self.layer = tf.keras.layers.Dense(32, name="linear")
    self.norm = batch_norm.SynchronizedBatchNorm()

  @property
  def view_specs(self) -> dict[str, views.ViewSpec]:
    return {"narrow": _VIEW}

  def sample_views(self, clip: views.Clip, seed: int) -> base.Views:
    start = starts.narrow_start(clip, _VIEW, seed=seed)
    view = clip_views.view(clip, _VIEW, start, seed=seed, name="narrow")
    return {"narrow": view}

  def loss(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> base.Output:
    del seed
    video = tf.cast(batch["narrow"].video, tf.float32) / 255.0
    features = self.layer(tf.reduce_mean(video, [1, 2, 3]))
    features = self.norm(features, training=training)
    return base.Output(tf.reduce_mean((features - 1.0) ** 2), {}, features)


@dataclasses.dataclass
class OneLayerConfig(config.MethodConfig):
  """Has nothing to choose."""

  def validate(self) -> None:
    """Takes everything."""

  def build(self) -> OneLayer:
    return OneLayer()


def experiment() -> config.Experiment:
  """Returns the tiny run of the method above."""
  made = tiny_runs.experiment()
  made.method = OneLayerConfig()
  return made
