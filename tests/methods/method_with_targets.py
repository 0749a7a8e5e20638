"""The tiny BraVe, which also learns two labels that it makes itself.

For tests of `View.targets`: of the narrow view, whether it starts at an odd
frame, and the clip's place in its folder modulo 3.
"""

import dataclasses

import tensorflow as tf

from tests import tiny_runs
from tfvssl import views
from tfvssl.config import experiment as config
from tfvssl.methods import base
from tfvssl.methods import brave

NUM_TARGETS = 2
NUM_VALUES = 3  # of each of them, 0 included


class MethodWithTargets(brave.Brave):
  """BraVe, and a linear layer that says the targets."""

  def __init__(self, settings: brave.BraveConfig):
    super().__init__(settings)
    self.classifier = tf.keras.layers.Dense(NUM_TARGETS * NUM_VALUES)

  def num_targets(self, view_name: str) -> int:
    return NUM_TARGETS if view_name == "narrow" else 0

  def sample_views(self, clip: views.Clip, seed: int) -> base.Views:
    sampled = super().sample_views(clip, seed)
    narrow = sampled["narrow"]
    start = tf.cast(tf.round(narrow.start_s * 25.0), tf.int32)
    targets = tf.stack([start % 2, tf.cast(clip.sample_index, tf.int32) % 3])
    return {**sampled, "narrow": narrow._replace(targets=targets)}

  def loss(
    self, batch: base.Views, seed: int, training: bool = True
  ) -> base.Output:
    output = super().loss(batch, seed, training)
    logits = tf.reshape(
      self.classifier(output.features), [-1, NUM_TARGETS, NUM_VALUES]
    )
    wrong = tf.nn.sparse_softmax_cross_entropy_with_logits(
      batch["narrow"].targets, logits
    )
    targets_loss = tf.reduce_mean(wrong)
    return base.Output(
      output.loss + targets_loss,
      {**output.metrics, "loss/targets": targets_loss},
      output.features,
    )


@dataclasses.dataclass
class MethodWithTargetsConfig(brave.BraveConfig):
  """Settings of the method above."""

  def build(self) -> MethodWithTargets:
    return MethodWithTargets(self)


def experiment(train_records: str = "", **changes) -> config.Experiment:
  """Returns the tiny run of the method above."""
  made = tiny_runs.experiment(train_records, **changes)
  tiny = tiny_runs.method_config()
  fields = {
    field.name: getattr(tiny, field.name) for field in dataclasses.fields(tiny)
  }
  made.method = MethodWithTargetsConfig(**fields)
  return made
