"""Records to distributed batches: which clips, how many, of which folder."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny_runs
from tests.data import record_fixture
from tests.methods import method_with_targets
from tfvssl.train import input as run_input

_STRATEGY = tf.distribute.OneDeviceStrategy("/cpu:0")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
  folder = tmp_path_factory.mktemp("records")
  return record_fixture.tiny_records(folder)


@pytest.fixture(scope="module")
def method():
  return tiny_runs.method_config().build()


def test_parts_of_a_batch_are_the_clips_of_the_whole(records, method):
  """After a resume, too: positions count clips, not batches."""
  seen = {}
  for parts in (1, 2):
    experiment = tiny_runs.experiment(records, accumulation=parts)
    source = run_input.training_input(experiment, method, _STRATEGY)
    batches = iter(source.batches(3))
    indices = [next(batches)["narrow"].sample_index for _ in range(2 * parts)]
    assert {len(part) for part in indices} == {4 // parts}
    seen[parts] = np.concatenate([part.numpy() for part in indices])
  np.testing.assert_array_equal(seen[1], seen[2])
  assert len(set(seen[1])) > 4


def test_half_of_each_batch_is_of_the_second_records(records, method):
  experiment = tiny_runs.experiment(records)
  experiment.data.second_train_records = str(records)
  source = run_input.training_input(experiment, method, _STRATEGY)
  assert len(source.sources) == 2
  view = next(iter(source.batches(0)))["narrow"]
  count = len(source.sources[0].usable)
  assert (view.sample_index.numpy() >= count).tolist() == [False] * 2 + [
    True
  ] * 2
  assert view.labels.numpy()[2:].tolist() == [-1, -1]


def test_labels_that_a_method_makes_itself_stay_with_their_clips(records):
  """Also those of the second records, whose indices are moved."""
  experiment = method_with_targets.experiment(records, batch_size=8)
  experiment.data.second_train_records = str(records)
  method = experiment.method.build()
  source = run_input.training_input(experiment, method, _STRATEGY)
  batch = next(iter(source.batches(0)))
  assert batch["broad_audio"].targets is None
  view = batch["narrow"]
  assert view.targets.dtype == tf.int32
  count = len(source.sources[0].usable)
  start = np.round(view.start_s.numpy() * 25).astype(int)
  clip = view.sample_index.numpy() % count
  expected = np.stack([start % 2, clip % 3], axis=-1)
  np.testing.assert_array_equal(view.targets, expected)
  assert all(len(set(column)) > 1 for column in expected.T.tolist())


def test_held_out_records_may_be_none_but_not_training_records(records, method):
  experiment = tiny_runs.experiment()
  assert run_input.held_out_input(experiment, method, _STRATEGY) is None
  with pytest.raises(ValueError, match="`data.train_records` is empty; set"):
    run_input.training_input(experiment, method, _STRATEGY)
  experiment.data.heldout_records = str(records)
  source = run_input.held_out_input(experiment, method, _STRATEGY)
  assert [str(held.folder) for held in source.sources] == [str(records)]


def test_batch_must_divide(records):
  experiment = tiny_runs.experiment(records, batch_size=9)
  with pytest.raises(ValueError, match=r"\(9\) must be divisible .* 8 or 10"):
    run_input.check_batch_size(experiment, num_replicas=2)
  experiment = tiny_runs.experiment(records, batch_size=8, accumulation=3)
  with pytest.raises(
    ValueError, match=r"\(2\) times `accumulation` \(3\); try 6 or 12"
  ):
    run_input.check_batch_size(experiment, num_replicas=2)
  experiment = tiny_runs.experiment(records, batch_size=6)
  experiment.data.second_train_records = str(records)
  with pytest.raises(
    ValueError,
    match=r"\(2\) times 2 with `data.second_train_records`; try 4 or 8",
  ):
    run_input.check_batch_size(experiment, num_replicas=2)


@pytest.mark.parametrize(
  ("size", "accumulation", "second", "message"),
  [
    (10, 1, False, "at most 9: {} has 9 usable clips, and a larger batch"),
    (10, 1, False, "always holds some twice; try 9."),
    (12, 4, False, "always holds some twice; try 8."),
    (20, 2, True, "at most 18: {} has 9 usable clips for half of it, and"),
    (20, 2, True, "always holds some twice; try 16."),
    (30, 10, False, "always holds some twice; give more clips."),
  ],
)
def test_batch_larger_than_the_records(
  records, method, size, accumulation, second, message
):
  experiment = tiny_runs.experiment(
    records, batch_size=size, accumulation=accumulation
  )
  if second:
    experiment.data.second_train_records = str(records)
  with pytest.raises(ValueError) as error:
    run_input.training_input(experiment, method, _STRATEGY)
  assert str(error.value).startswith(f"`batch_size` ({size}) must be at most")
  assert message.format(records) in str(error.value)


def test_batch_of_all_clips_is_taken(records, method):
  experiment = tiny_runs.experiment(records, batch_size=9)
  assert run_input.training_input(experiment, method, _STRATEGY)
