"""What a record holds, as it was packed."""

import numpy as np
import pytest
import tensorflow as tf

from tests.data import record_fixture
from tfvssl import views
from tfvssl.data.records import encoded_clip
from tfvssl.data.records import schema


def _parse(record):
  zero = tf.constant(0, tf.int64)
  return schema.parse(record, {views.Modality.RGB}, zero, zero)


def _clip(first, *others):
  clip = record_fixture.make_clip(0, num_frames=1, modalities=("rgb",))
  clip.label_index, clip.other_label_indices = first, others
  return clip


@pytest.mark.parametrize("labels", [(1,), (-1,), (4, 0, 2)])
def test_first_label_is_that_of_the_clip(labels):
  record = encoded_clip.serialize(_clip(*labels), "hash")
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
    encoded_clip.serialize(_clip(0), "hash")
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


def _captions(record, optional=frozenset()):
  """Returns captions and times, alike of a call and in a dataset."""
  zero = tf.constant(0, tf.int64)

  def parse(record):
    return schema.parse(
      record, {views.Modality.TEXT}, zero, zero, optional=optional
    )

  clip = parse(record)
  (again,) = tf.data.Dataset.from_tensors(record).map(parse)
  np.testing.assert_array_equal(clip.captions, again.captions)
  np.testing.assert_array_equal(clip.caption_times_s, again.caption_times_s)
  assert clip.frames is None and clip.waveform is None
  assert clip.captions.dtype == tf.string
  assert clip.caption_times_s.dtype == tf.float32
  return clip.captions.numpy().tolist(), clip.caption_times_s.numpy().tolist()


def test_captions_come_by_their_start():
  clip = record_fixture.make_clip(
    0,
    num_frames=50,
    modalities=(),
    captions=[("third", 1.5, 2), ("first", 0, 2), ("secönd", 0.25, 0.5)],
  )
  assert clip.modalities() == ["text"]
  texts, times_s = _captions(encoded_clip.serialize(clip, "hash"))
  assert texts == [b"first", "secönd".encode(), b"third"]
  assert times_s == [[0, 2], [0.25, 0.5], [1.5, 2]]


def test_clip_without_captions_has_none():
  clip = record_fixture.make_clip(0, num_frames=1, modalities=())
  record = encoded_clip.serialize(clip, "hash")
  assert clip.modalities() == []
  assert _captions(record) == ([], [])
  assert _captions(record, frozenset({views.Modality.TEXT})) == ([], [])
  zero = tf.constant(0, tf.int64)
  clip = schema.parse(record, {views.Modality.TEXT}, zero, zero)
  assert clip.captions.shape == [0]
  assert clip.caption_times_s.shape == [0, 2]
  clip = schema.parse(record, set(), zero, zero)
  assert clip.captions is None and clip.caption_times_s is None


@pytest.mark.parametrize(
  ("texts", "expected"),
  [
    ([b""], ([], [])),
    ([b"of old"], ([b"of old"], [[0, 2]])),
    ([b"one", b"", b"two"], ([b"one", b"two"], [[0, 2], [0, 2]])),
    ([], ([], [])),
  ],
)
def test_captions_without_times_last_all_of_the_clip(texts, expected):
  clip = record_fixture.make_clip(0, num_frames=50, modalities=())
  example = tf.train.SequenceExample.FromString(
    encoded_clip.serialize(clip, "hash")
  )
  assert not set(schema.CAPTION_TIMES) & set(example.context.feature)
  value = example.context.feature["clip/caption"].bytes_list.value
  assert value == [b""]
  del value[:]
  value.extend(texts)
  assert _captions(example.SerializeToString()) == expected


def test_record_may_lack_the_waveform_where_it_is_optional():
  audio = frozenset({views.Modality.AUDIO})
  zero = tf.constant(0, tf.int64)
  with_sound = record_fixture.make_clip(0, num_frames=1, modalities=("audio",))
  without = record_fixture.make_clip(0, num_frames=1, modalities=("rgb",))

  def waveform(record, optional=audio):
    return schema.parse(record, audio, zero, zero, optional=optional).waveform

  records = [encoded_clip.serialize(c, "hash") for c in (with_sound, without)]
  samples = [
    *tf.data.Dataset.from_tensor_slices(records).map(waveform),
    *map(waveform, records),
  ]
  for found in samples[::2]:
    np.testing.assert_array_equal(found, with_sound.waveform)
  for found in samples[1::2]:
    assert found.shape == [0] and found.dtype == tf.int16
  with pytest.raises(
    tf.errors.InvalidArgumentError, match="WAVEFORM/feature/pcm16"
  ):
    waveform(records[1], frozenset())
