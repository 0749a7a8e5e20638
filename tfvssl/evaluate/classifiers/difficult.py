"""Images that hardly show a class count neither for nor against it.

Their label is `difficult:CLASS`. Source: PASCAL VOC 2007, by the MMV paper's
appendix A.2.
"""

import numpy as np
import tensorflow as tf

from tfvssl import views
from tfvssl.evaluate.classifiers import average_precision
from tfvssl.evaluate.samples import splits as splits_of


def certain_loss(
  logits: tf.Tensor, labels: tf.Tensor, class_of: np.ndarray
) -> tf.Tensor:
  """Returns the sum of binary cross-entropies of what is certain, [B].

  Args:
    logits: float32 [B, K].
    labels: integers [B, L], the right columns, filled up with -1.
    class_of: of `difficult_columns`.
  """
  num_columns = len(class_of)
  targets = tf.reduce_max(tf.one_hot(labels, num_columns), axis=1)
  spread = np.zeros([num_columns, num_columns], np.float32)
  marked = np.flatnonzero(class_of >= 0)
  spread[marked, class_of[marked]] = 1.0
  ignored = tf.minimum(targets @ spread, 1.0) * (1.0 - targets)
  counts = (1.0 - ignored) * (class_of < 0).astype(np.float32)
  entropies = tf.nn.sigmoid_cross_entropy_with_logits(
    labels=targets, logits=logits
  )
  return tf.reduce_sum(counts * entropies, axis=-1)


def difficult_columns(split: splits_of.Split) -> np.ndarray:
  """Returns the class whose difficult images a column is of, int64 [K].

  Numbers are those of `split.columns`. Columns of classes have -1; a difficult
  column whose class no training image has is of itself.
  """
  names = [split.classes[label] for label in split.columns]
  places = {name: place for place, name in enumerate(names)}
  return np.array(
    [
      places.get(name.removeprefix(views.DIFFICULT), place)
      if name.startswith(views.DIFFICULT)
      else -1
      for place, name in enumerate(names)
    ],
    np.int64,
  )


def certain_targets(split: splits_of.Split) -> tuple[np.ndarray, np.ndarray]:
  """Returns which columns are classes, and what test images show of them.

  Returns:
    int64 [C], places in `split.columns`, and int64 [M, C]: 1 for an image of
    the class, 0 for another one, -1 for one that does not count.
  """
  columns = np.flatnonzero(difficult_columns(split) < 0)
  labels = split.columns[columns]
  targets = average_precision.multi_hot(split.test_labels, labels).astype(int)
  for place in range(len(labels)):
    marks = splits_of.difficult_of(labels[[place]], split.classes)
    hardly = np.isin(split.test_labels, marks).any(axis=1)
    targets[hardly & (targets[:, place] == 0), place] = -1
  return columns, targets
