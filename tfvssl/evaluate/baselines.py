"""What a linear SVM reads from raw pixels, beside which networks are judged.

A set whose classes a colour histogram or a mean image tells apart says little
about a network; on motion classes the mean frame difference is the one to
beat.
"""

import dataclasses

import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import views
from tfvssl.data import pipeline
from tfvssl.data.records import damage
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.evaluate.classifiers import linear_svm
from tfvssl.evaluate.samples import clips
from tfvssl.evaluate.samples import splits
from tfvssl.runtime import storage

NAMES = ("colour histogram", "mean image", "frame difference")
GRID_C = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
_PAIRS = 24  # pairs of frames per clip, evenly spaced
_PAIR_STEP = 2  # record frames between the frames of a pair
_LEVELS = 4  # per colour: 4 ** 3 = 64 bins
_SIZE = 12  # mean image and mean difference are shrunk to this, in pixels


@dataclasses.dataclass
class Baseline:
  """One row of the accuracy table.

  Attributes:
    top_1: share of test clips classified right.
    c: of the SVM.
  """

  top_1: float
  c: float


def measure(
  train_records: storage.PathLike,
  test_records: storage.PathLike,
  *,
  choose_c: linear_svm.ChooseC = linear_svm.ChooseC.CROSS_VALIDATION,
  grid_c: tuple[float, ...] = GRID_C,
) -> dict[str, Baseline]:
  """Returns the accuracy of each of NAMES; same SVM as for the networks.

  Args:
    train_records: record folder with pictures.
    test_records: likewise.
    choose_c: the rule of the protocol that the networks went through; with
      another one the rows would not compare.
    grid_c: values of C; the default reaches further than the networks' grid,
      as raw features are of other dimensions.

  Raises:
    ValueError: too few labelled clips, see splits.keep_known.
    FileNotFoundError: no such record folder.
    exit_codes.UserError: a record is damaged; it is named.
  """
  train, train_classes = samples(train_records)
  test, test_classes = samples(test_records)
  classes = clips.common_classes(train_classes, test_classes)
  train_labels = clips.renumber(train[NAMES[0]].labels, train_classes, classes)
  test_labels = clips.renumber(test[NAMES[0]].labels, test_classes, classes)
  kept = splits.keep_known(
    train_labels[:, np.newaxis],
    test_labels[:, np.newaxis],
    classes,
    "baselines",
  )
  result = {}
  for name in NAMES:
    known_test = _known(test[name], test_labels, kept.test)
    chosen = linear_svm.choose(
      _known(train[name], train_labels, kept.train),
      known_test,
      grid_c,
      choose_c,
    )
    accuracy = linear_svm.accuracy(chosen.classifier, known_test)
    result[name] = Baseline(accuracy.top_1, chosen.c)
  return result


def _known(part, labels, kept):
  return linear_svm.subset(part._replace(labels=labels), np.flatnonzero(kept))


@pipeline.without_autograph
def samples(
  folder: storage.PathLike,
) -> tuple[dict[str, linear_svm.Samples], list[str]]:
  """Returns the raw features of every clip with pictures, by baseline.

  Returns:
    samples: by name; labels are indices into `classes`, -1 without label.
    classes: names of the folder's labels.

  Raises:
    ValueError: the folder is damaged, no clip has pictures, or one has
      several labels.
    FileNotFoundError: no such record folder.
    exit_codes.UserError: a record is damaged; it is named.
  """
  records = reader.open_records(folder, {views.Modality.RGB})
  found = clips.read_clips(records)
  usable = tf.constant(records.usable)
  dataset = (
    tf.data.TFRecordDataset(records.paths)
    .enumerate()
    .filter(lambda number, _: usable[number])
    .map(
      _clip_features,
      num_parallel_calls=pipeline.PARALLEL_CALLS,
    )
  )
  dataset = pipeline.settled(dataset)
  with damage.explained(records):
    rows = list(
      tqdm.tqdm(
        dataset.as_numpy_iterator(),
        desc="raw pixels",
        total=len(found),
        unit=" clips",
      )
    )
  clips.check_single_labels(found, records.folder.name)
  labels = clips.label_rows(found)[:, 0]
  ids = [clip.clip_id for clip in found]
  sources = [clip.source for clip in found]
  return {
    name: linear_svm.Samples(
      np.stack([row[name] for row in rows])[:, np.newaxis],
      labels,
      ids,
      sources,
    )
    for name in NAMES
  }, records.classes


def _clip_features(number, record):
  clip = schema.parse(record, {views.Modality.RGB}, number, 0)
  count = tf.size(clip.frames)
  last = tf.cast(tf.maximum(count - 1 - _PAIR_STEP, 0), tf.float32)
  first = tf.cast(tf.linspace(0.0, last, _PAIRS), tf.int32)
  chosen = tf.concat([first, tf.minimum(first + _PAIR_STEP, count - 1)], 0)
  video = tf.map_fn(
    lambda index: tf.io.decode_jpeg(clip.frames[index], channels=3),
    chosen,
    fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8),
  )
  return pixel_features(video, _PAIRS)


def pixel_features(video: tf.Tensor, pairs: int) -> dict[str, tf.Tensor]:
  """Returns the feature of each baseline, float32 vectors.

  Args:
    video: uint8 [2 * pairs, H, W, 3]: the first frames of all pairs, then the
      second ones.
    pairs: how many pairs.
  """
  levels = tf.cast(video, tf.int32) * _LEVELS // 256
  colours = tf.reduce_sum(levels * [_LEVELS**2, _LEVELS, 1], axis=-1)
  counts = tf.math.bincount(
    tf.reshape(colours, [-1]),
    minlength=_LEVELS**3,
    maxlength=_LEVELS**3,
    dtype=tf.float32,
  )
  video = tf.cast(video, tf.float32)
  difference = tf.abs(video[pairs:] - video[:pairs])
  return {
    "colour histogram": counts / tf.reduce_sum(counts),
    "mean image": _shrink(tf.reduce_mean(video, axis=0)),
    "frame difference": _shrink(
      tf.reduce_mean(difference, axis=[0, 3])[..., tf.newaxis]
    ),
  }


def _shrink(image):
  small = tf.image.resize(image, [_SIZE, _SIZE], method="area")
  return tf.reshape(small, [-1])
