"""A classifier whose whole network is trained, from weights that are kept."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.evaluate import progress as kept
from tfvssl.evaluate.classifiers import heads
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.classifiers import trained as classifier
from tfvssl.evaluate.samples import features
from tfvssl.evaluate.samples import splits as splits_of
from tfvssl.methods import base
from tfvssl.runtime import randomness

# Maps the head, features [B, D] and their views to logits [B, K].
Logits = Callable[[tf.keras.layers.Layer, tf.Tensor, views.View], tf.Tensor]


def accuracy(
  encoder: base.Encoder,
  start: Sequence[np.ndarray],
  new_head: Callable[[], tf.keras.layers.Layer],
  split: splits_of.Split,
  settings: features.Settings,
  recipe: classifier.Recipe,
  progress: kept.Progress,
  logits: Logits = lambda head, rows, view: head(rows, training=True),
) -> linear_svm.Accuracy:
  """Trains backbone and head on a split and returns the test accuracy.

  Args:
    encoder: whose backbone is trained.
    start: what its variables are before, in their order.
    new_head: returns layers with their weights, which map features to logits.
    split: of single labels.
    settings: how views are taken.
    recipe: optimiser, rate and number of steps.
    progress: of the evaluation.
    logits: of the training.

  Raises:
    ValueError: as classifier.train.
    exit_codes.UserError: as classifier.train and classifier.test_scores.
  """
  backbone = encoder.backbone
  for variable, value in zip(backbone.variables, start, strict=True):
    variable.assign(value)
  tf.keras.utils.set_random_seed(settings.seed)
  head = new_head()

  def logits_of(view):
    inputs = features.network_input(view, settings)
    return logits(head, backbone(inputs, training=True), view)

  def compute(folder):
    classifier.train(
      logits_of,
      heads.softmax_loss,
      [backbone, head],
      lambda share: classifier.training_batches(split, settings, share),
      split.train,
      recipe,
      folder,
    )
    classifier.average_statistics(
      [*backbone.non_trainable_variables, *head.non_trainable_variables]
    )
    return classifier.test_scores(
      lambda inputs: tf.nn.softmax(head(backbone(inputs))), split, settings
    )

  scores = progress.scores(compute)
  return linear_svm.accuracy_of(scores, split.columns, split.test_labels[:, 0])


def dropout_factors(
  rate: float, dim: int, view: views.View, seed: int
) -> tf.Tensor:
  """Returns 0 for dropped features and 1 / (1 - rate) else, float32 [B, D].

  The draw depends on seed, epoch and clip alone, like every other.
  """
  keys = randomness.key(
    seed, view.epoch, view.sample_index, features.VIEW_NAME, "dropout"
  )
  kept = randomness.uniform(keys, (dim,)) >= rate
  return tf.cast(kept, tf.float32) / (1.0 - rate)
