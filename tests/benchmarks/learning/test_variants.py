"""What the variants of the learning benchmark show to the broad network."""

import numpy as np
import pytest

from benchmarks.learning import variants as learning_variants
from configs import tiny_brave
from tests.data import record_fixture
from tfvssl import views
from tfvssl.train import weights


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
  folder = record_fixture.write_records(
    tmp_path_factory.mktemp("records"),
    [
      record_fixture.make_clip(
        seed,
        num_frames=2,
        modalities=("rgb", "audio", "flow")[: 3 if seed < 20 else 2],
        height=8,
        width=8,
      )
      for seed in range(30)
    ],
  )
  return {
    name: learning_variants.experiment(
      name, train_records=str(folder), steps=100, seed=5
    )
    for name in learning_variants.VARIANTS
  }


def _broad(experiments, name):
  (broad,) = experiments[name].method.broad.values()
  return broad


def test_only_the_broad_view_differs(experiments):
  narrow = tiny_brave.method()
  for experiment in experiments.values():
    experiment.validate()
    assert experiment.method.narrow == narrow.narrow
    assert experiment.method.narrow_backbone == narrow.narrow_backbone
    assert experiment.schedule.warmup_steps == 10
    assert (experiment.steps, experiment.seed) == (100, 5)


def test_no_batch_holds_a_clip_twice(experiments):
  # 30 clips, of which 20 have flow.
  assert experiments["audio"].batch_size == 15
  assert experiments["flow"].batch_size == 10


def test_extents_of_the_broad_views(experiments):
  long = _broad(experiments, "rgb_rc").view
  short = _broad(experiments, "rgb_rc_short").view
  narrow = experiments["rgb_rc"].method.narrow
  assert long.num_frames * long.frame_step == 64  # 2.56 s, as the sound
  assert _broad(experiments, "audio").view.seconds == 64 / 25
  assert (short.num_frames, short.frame_step) == (
    narrow.num_frames,
    narrow.frame_step,
  )
  assert short.image_size == long.image_size


def test_pairs_differ_in_what_they_are_named_for(experiments):
  base = _broad(experiments, "rgb_rc")
  assert base.view.sync == views.Sync.INDEPENDENT
  assert base.view.augmentation.random_convolution
  plain = _broad(experiments, "rgb")
  assert not plain.view.augmentation.random_convolution
  plain.view.augmentation.random_convolution = True
  assert plain == base
  plain.view.augmentation.random_convolution = False
  synchronised = _broad(experiments, "rgb_rc_synchronised")
  assert synchronised.view.sync == views.Sync.START
  counts = [
    _broad(experiments, name).num_views
    for name in ("rgb_rc", "rgb_rc_2_views", "rgb_rc_3_views")
  ]
  assert counts == [1, 2, 3]


def test_comparisons_are_of_known_variants():
  known = set(learning_variants.VARIANTS)
  assert known >= set(learning_variants.AGAINST_RANDOM)
  for comparison in learning_variants.COMPARISONS:
    assert {comparison.better, comparison.worse} <= known


@pytest.mark.slow
def test_initial_narrow_weights_are_the_same_for_all_variants(experiments):
  """So one random network per seed is the baseline of all rows."""
  initial = [
    weights.fresh_method(
      experiments[name], seed=5
    ).narrow_backbone.get_weights()
    for name in ("audio", "flow", "rgb_rc_2_views")
  ]
  for others in initial[1:]:
    for mine, other in zip(initial[0], others, strict=True):
      np.testing.assert_array_equal(mine, other)
