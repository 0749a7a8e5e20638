"""Labels of a record: one, several or none, written and read back."""

import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.data import schema


def _parse(record):
  zero = tf.constant(0, tf.int64)
  return schema.parse(record, {views.Modality.RGB}, zero, zero)


def _clip(first, *others):
  clip = record_fixture.make_clip(0, num_frames=1, modalities=("rgb",))
  clip.label_index, clip.other_label_indices = first, others
  return clip


@pytest.mark.parametrize("labels", [(1,), (-1,), (4, 0, 2)])
def test_first_label_is_that_of_the_clip(labels):
  record = schema.serialize(_clip(*labels), "hash")
  example = tf.train.SequenceExample.FromString(record)
  value = example.context.feature["clip/label/index"].int64_list.value
  assert tuple(value) == labels
  for dataset in (
    tf.data.Dataset.from_tensors(record).map(_parse),
    tf.data.Dataset.from_tensors(record).repeat(2).map(_parse).batch(2),
  ):
    (clip,) = dataset
    assert set(clip.label.numpy().ravel()) == {labels[0]}
    assert clip.label.dtype == tf.int64
  assert dataset.element_spec.label.shape == [None]


def test_record_without_labels_is_an_error():
  example = tf.train.SequenceExample.FromString(
    schema.serialize(_clip(0), "hash")
  )
  del example.context.feature["clip/label/index"]
  record = example.SerializeToString()
  with pytest.raises(
    tf.errors.InvalidArgumentError, match="clip/label/index is missing"
  ):
    _parse(record)
  with pytest.raises(
    tf.errors.InvalidArgumentError, match="clip/label/index is missing"
  ):
    list(tf.data.Dataset.from_tensors(record).map(_parse))
