import hashlib
import itertools
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import source_tree
from tests.data import record_fixture
from tfvssl import views
from tfvssl.data import clip_views
from tfvssl.data import one_pass
from tfvssl.data import pipeline
from tfvssl.data import second_records
from tfvssl.data import starts
from tfvssl.data.records import reader

RGB, AUDIO = views.Modality.RGB, views.Modality.AUDIO
NARROW = views.RgbViewSpec(num_frames=2, image_size=8)
SOUND = views.AudioViewSpec(seconds=0.04)


def _sample_views(clip, seed):
  start = starts.narrow_start(clip, NARROW, seed=seed)
  return {
    "narrow": clip_views.view(clip, NARROW, start, seed=seed, name="narrow"),
    "broad_audio": clip_views.view(
      clip, SOUND, start, seed=seed, name="broad_audio"
    ),
  }


def _place(clip, seed):
  """A view without pictures, for tests of the order only."""
  del seed
  return {
    "place": views.View(
      sample_index=clip.sample_index, epoch=clip.epoch, labels=clip.label
    )
  }


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
  # 23 clips in 11 shards: more than one group of shards; 22 have sound.
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.tiny_records(
    folder, num_clips=23, num_shards=11, num_frames=4
  )


@pytest.fixture(scope="module", name="records")
def _records(folder):
  return reader.open_records(folder, {RGB, AUDIO})


def _dataset(records, sample_views=_place, **changes):
  arguments = {
    "modalities": records.modalities,
    "seed": 5,
    "start_position": 0,
    "batch_size": 1,
    "shuffle_buffer": 6,
    **changes,
  }
  return pipeline.training_dataset(records, sample_views, **arguments)


def _order(records, count, **changes):
  """Returns (epoch, sample_index) of the first `count` clips."""
  dataset = _dataset(records, **changes).unbatch().take(count)
  return [
    (int(batch["place"].epoch), int(batch["place"].sample_index))
    for batch in dataset
  ]


@pytest.fixture(scope="module", name="whole")
def _whole(records):
  """Ten epochs of an uninterrupted run."""
  return _order(records, 220)


def test_every_usable_clip_once_per_epoch(records, whole):
  order = whole[:66]
  assert [epoch for epoch, _ in order] == [0] * 22 + [1] * 22 + [2] * 22
  usable = set(np.flatnonzero(records.usable))
  for epoch in range(3):
    seen = [index for _, index in order[epoch * 22 : (epoch + 1) * 22]]
    assert len(seen) == len(set(seen)) == 22
    assert set(seen) == usable


def test_epochs_and_seeds_have_other_orders(records, whole):
  order = [index for _, index in whole]
  other = [index for _, index in _order(records, 22, seed=6)]
  assert order[:22] != order[22:44]
  assert order[:22] != other
  assert order[:22] != sorted(order[:22])


def test_order_is_mixed_over_the_shards(whole, records):
  order = np.array([index for _, index in whole]).reshape(10, 22)
  counts = [shard.record_count for shard in records.manifest.shards]
  shard_of = np.repeat(np.arange(len(counts)), counts)
  # Every shard comes early in some epoch, and early clips are of many shards.
  assert set(shard_of[order[:, :6]].ravel()) == set(range(11))
  assert min(len(set(row)) for row in shard_of[order[:, :6]]) >= 4


def test_same_order_twice_whatever_tf_random_holds(records, whole):
  tf.random.set_seed(2)
  assert _order(records, 60) == whole[:60]


# Mid-epoch, block and epoch boundaries, a group of shards left behind.
@pytest.mark.parametrize("position", [1, 6, 13, 21, 22, 59])
def test_restart_anywhere_continues_exactly(records, whole, position):
  rest = _order(records, 70 - position, start_position=position)
  assert rest == whole[position:70]


@pytest.mark.parametrize("shuffle_buffer", [1, 1000])
def test_restart_with_any_buffer(records, shuffle_buffer):
  order = _order(records, 50, shuffle_buffer=shuffle_buffer)
  rest = _order(records, 20, shuffle_buffer=shuffle_buffer, start_position=30)
  assert rest == order[30:]
  assert len(set(order[:22])) == 22


def test_restart_opens_no_shard_that_lies_behind(whole, folder, tmp_path):
  copy = shutil.copytree(folder, tmp_path / "copy")
  opened = reader.open_records(copy, {RGB, AUDIO})
  counts = [shard.record_count for shard in opened.manifest.shards]
  shard_of = np.repeat(np.arange(len(counts)), counts)
  # An epoch reads 8 of the 11 shards first, alternating; its first blocks of
  # 6 clips hold nothing else.
  group = set(shard_of[[index for _, index in whole[:12]]])
  assert len(group) == 8
  for shard in group:
    (copy / opened.manifest.shards[shard].file).unlink()
  assert _order(opened, 4, start_position=18) == whole[18:22]


def _digest(batch):
  parts = hashlib.sha256()
  for tensor in tf.nest.flatten(batch):
    if tensor is not None:
      parts.update(tensor.numpy().tobytes())
  return parts.hexdigest()


def test_restart_gives_the_same_views_bit_by_bit(records):
  def digests(count, **changes):
    dataset = _dataset(records, _sample_views, batch_size=3, **changes)
    return [_digest(batch) for batch in dataset.take(count)]

  uninterrupted = digests(16)
  assert digests(9, start_position=21) == uninterrupted[7:]
  assert len(set(uninterrupted)) == 16


def test_batches_are_uint8_with_static_shapes(records):
  spec = _dataset(records, _sample_views, batch_size=3).element_spec
  assert spec["narrow"].video == tf.TensorSpec((3, 2, 8, 8, 3), tf.uint8)
  assert spec["broad_audio"].audio == tf.TensorSpec((3, 12, 80), tf.float32)
  assert spec["narrow"].labels == tf.TensorSpec((3,), tf.int64)


def test_hosts_share_the_clips_without_overlap(records):
  seen = []
  for host in range(3):
    count = records.usable_for_host(host, 3)
    order = _order(records, 2 * count, host_index=host, num_hosts=3)
    first = {index for _, index in order[:count]}
    assert first == {index for _, index in order[count:]}
    assert {epoch for epoch, _ in order[:count]} == {0}
    seen.append(first)
  assert set.union(*seen) == set(np.flatnonzero(records.usable))
  assert sum(map(len, seen)) == 22
  for one, other in itertools.combinations(seen, 2):
    assert not one & other


def test_restart_of_one_host_of_several(records):
  order = _order(records, 30, host_index=1, num_hosts=2)
  rest = _order(records, 11, host_index=1, num_hosts=2, start_position=19)
  assert rest == order[19:]


def test_more_hosts_than_shards_is_an_error(records):
  with pytest.raises(ValueError, match="fewer than the 12 hosts"):
    _dataset(records, num_hosts=12)


def test_modality_that_was_not_opened_is_an_error(folder):
  records = reader.open_records(folder, {RGB})
  with pytest.raises(ValueError, match="was opened without audio; give"):
    _dataset(records, modalities={RGB, AUDIO})
  with pytest.raises(ValueError, match="was opened without audio; give"):
    one_pass.dataset(records, _place, modalities={AUDIO}, seed=0, batch_size=2)


def test_pictures_and_sound_are_of_the_same_clip(tmp_path):
  """Each clip has one grey level and one constant sample of its own."""
  clips = []
  for seed in range(12):
    clip = record_fixture.make_clip(seed, num_frames=3)
    grey = np.full([48, 64, 3], 20 * seed, np.uint8)
    clip.frames = [tf.io.encode_jpeg(grey, quality=100).numpy()] * 3
    clip.waveform = np.full(3 * 1920, 1000 * seed, np.int16)
    clips.append(clip)
  folder = record_fixture.write_records(tmp_path, clips, num_shards=4)
  records = reader.open_records(folder, {RGB, AUDIO})

  def both(clip, seed):
    del seed
    image = tf.io.decode_jpeg(clip.frames[1])[0, 0, 0]
    return {
      "both": views.View(
        sample_index=clip.sample_index,
        labels=clip.label,
        targets=tf.stack(
          [tf.cast(image, tf.int32), tf.cast(clip.waveform[9], tf.int32)]
        ),
      )
    }

  dataset = _dataset(records, both, batch_size=4)
  matched = 0
  for batch in dataset.take(30):
    picture, sound = tf.unstack(batch["both"].targets, axis=1)
    seeds = sound // 1000
    np.testing.assert_array_equal(picture // 20, seeds)
    # Clip `seed` is record seed // 4 of shard seed % 4, with 3 records each.
    expected = 3 * (seeds % 4) + seeds // 4
    np.testing.assert_array_equal(batch["both"].sample_index, expected)
    np.testing.assert_array_equal(batch["both"].labels, seeds % 2)
    matched += len(seeds)
  assert matched == 120


def test_evaluation_has_every_usable_clip_once_in_order(records):
  dataset = one_pass.dataset(
    records,
    _place,
    modalities=records.modalities,
    seed=0,
    batch_size=5,
    epoch=3,
  )
  batches = [batch["place"] for batch in dataset]
  assert [len(batch.sample_index) for batch in batches] == [5, 5, 5, 5, 2]
  order = np.concatenate([batch.sample_index for batch in batches])
  np.testing.assert_array_equal(order, np.flatnonzero(records.usable))
  assert {int(e) for batch in batches for e in batch.epoch} == {3}


def test_one_clip_is_enough(tmp_path):
  folder = record_fixture.write_records(
    tmp_path, [record_fixture.make_clip(0, num_frames=2)], num_shards=1
  )
  records = reader.open_records(folder, {RGB})
  batches = list(_dataset(records, batch_size=4, modalities={RGB}).take(2))
  assert batches[1]["place"].epoch.numpy().tolist() == [4, 5, 6, 7]


def test_clips_without_sound_are_read_where_it_is_optional(folder):
  records = reader.open_for_views(
    folder, [views.RgbViewSpec(), views.WaveformViewSpec()]
  )

  def sample_views(clip, seed):
    del seed
    length = tf.cast(tf.size(clip.waveform), tf.float32)
    return {
      "sound": views.View(mask=length, sample_index=clip.sample_index),
    }

  dataset = one_pass.dataset(
    records,
    sample_views,
    modalities=records.modalities,
    seed=0,
    batch_size=23,
  )
  (batch,) = dataset
  lengths = batch["sound"].mask.numpy()
  assert sorted(lengths) == [0.0] + [4 * 1920.0] * 22
  assert records.absent == {"audio": 1}


def test_half_of_every_batch_comes_from_each_records(records):
  first = _dataset(records, batch_size=2)
  second = _dataset(records, batch_size=2, seed=6)
  joined = second_records.half_and_half(first, second, 100)
  batches = zip(first, second, joined)
  for own, other, both in itertools.islice(batches, 12):
    own, other, both = own["place"], other["place"], both["place"]
    np.testing.assert_array_equal(
      both.sample_index,
      np.concatenate([own.sample_index, other.sample_index + 100]),
    )
    np.testing.assert_array_equal(
      both.labels, np.concatenate([own.labels, [-1, -1]])
    )
    np.testing.assert_array_equal(
      both.epoch, np.concatenate([own.epoch, other.epoch])
    )


def test_no_dataset_tunes_itself(records):
  """Else dropping its iterator may take a minute; see `settled`."""
  training = _dataset(records)
  evaluation = one_pass.dataset(
    records, _place, modalities=records.modalities, seed=0, batch_size=4
  )
  both = second_records.half_and_half(training, training, 23)
  for dataset in (training, evaluation, both, both.map(lambda x: x)):
    assert dataset.options().autotune.enabled is False
  for path in source_tree.python_files():
    if path.parts[0] != "tests":
      text = (source_tree.ROOT / path).read_text(encoding="utf-8")
      assert "AUTOTUNE" not in text, path
