"""What of two folders can be evaluated, and what is held out of training."""

import numpy as np
import pytest

from tests.data import record_fixture
from tests.evaluate import grey_records
from tfvssl import views
from tfvssl.evaluate.samples import held_out
from tfvssl.evaluate.samples import splits

CLASSES = ["jump", "kick", "run", "walk", "wave"]


def _rows(labels):
  return np.array(labels, int)[:, np.newaxis]


@pytest.mark.parametrize(
  "train, test, message",
  [
    ([], [0], "split 1 has no usable training clips"),
    ([0, 1], [], "split 1 has no usable test clips"),
    ([-1, -1], [0], "none of the 2 training clips has a label"),
    ([0, 1], [-1], "none of the 1 test clips has a label"),
    ([2, 2, -1], [2], r"training clips of 1 class only \(run\)"),
    ([0, 1], [4, 3, -1], "only on classes without training clips: walk, wave"),
  ],
)
def test_labels_that_cannot_be_evaluated_are_refused(train, test, message):
  with pytest.raises(ValueError, match=message):
    splits.keep_known(_rows(train), _rows(test), CLASSES, "split 1")


def test_unlabelled_clips_and_unseen_classes_are_left_out_by_name(caplog):
  kept = splits.keep_known(
    _rows([0, -1, 1]), _rows([4, 0, -1, 3, -1, 4, 1]), CLASSES, "split 2"
  )
  np.testing.assert_array_equal(kept.train, [True, False, True])
  np.testing.assert_array_equal(
    kept.test, [False, True, False, False, False, False, True]
  )
  assert (kept.train_unlabelled, kept.test_unlabelled) == (1, 2)
  assert kept.unseen == {"walk": 1, "wave": 2}
  assert [record.getMessage() for record in caplog.records] == [
    "split 2: 1 of 3 training clips have no label and are left out.",
    "split 2: 2 of 7 test clips have no label and are left out.",
    "split 2: classes without training clips are left out of the test: walk"
    " (1 clips), wave (2 clips).",
  ]


def test_clip_counts_by_any_of_its_labels():
  kept = splits.keep_known(
    np.array([[0, 1], [2, -1], [-1, -1]]),
    np.array([[3, 1], [3, 4], [2, -1]]),
    CLASSES,
    "split 1",
  )
  assert kept.train.tolist() == [True, True, False]
  assert kept.test.tolist() == [True, False, True]
  assert kept.unseen == {"walk": 2, "wave": 1}
  assert splits.clips_per_class(
    np.array([[0, 1], [2, 1], [-1, -1]]), 4
  ).tolist() == [1, 2, 1, 0]


@pytest.fixture(scope="module")
def split(tmp_path_factory):
  root = tmp_path_factory.mktemp("records")
  return splits.open_split(
    "split 1",
    str(grey_records.bright_and_dark(root / "train", 16)),
    str(grey_records.bright_and_dark(root / "test", 4, first=20)),
    spec=grey_records.plain_spec(),
  )


def test_clips_without_the_view_are_left_out_even_if_it_is_optional(tmp_path):
  for side, first in (("train", 0), ("test", 10)):
    record_fixture.write_records(
      tmp_path / side,
      [
        record_fixture.make_clip(
          seed,
          num_frames=3,
          modalities=("rgb",) if seed == first else ("rgb", "audio"),
        )
        for seed in range(first, first + 4)
      ],
    )
  found = splits.open_split(
    "split 1",
    str(tmp_path / "train"),
    str(tmp_path / "test"),
    spec=views.AudioViewSpec(seconds=0.1, optional=True),
  )
  assert [clip.sample_index for clip in found.train_clips] == [1, 2, 3]
  assert len(found.test_clips) == 3


_REMEDY = "Do this."


def _ids(found):
  return {clip.clip_id for clip in found}


def test_held_out_clips_are_some_training_files_of_every_class(split):
  held = held_out.of_single_labels(split, 0.25, 3, _REMEDY)
  assert _ids(held.train_clips) | _ids(held.test_clips) == _ids(
    split.train_clips
  )
  assert not _ids(held.train_clips) & _ids(held.test_clips)
  assert np.bincount(held.test_labels[:, 0]).tolist() == [2, 2]
  assert np.bincount(held.train_labels[:, 0]).tolist() == [6, 6]
  for clip, label in zip(held.test_clips, held.test_labels[:, 0], strict=True):
    assert clip.labels == (label,)
  assert held.test.usable_count == 4
  assert held.train.usable_count == 12
  # Repeatable, and another choice with another seed.
  assert (
    held_out.of_single_labels(split, 0.25, 3, _REMEDY).test_clips
    == held.test_clips
  )
  assert (
    held_out.of_single_labels(split, 0.25, 4, _REMEDY).test_clips
    != held.test_clips
  )


def test_parts_of_a_file_are_held_out_together(split):
  parts = split._replace(
    train_clips=[
      clip._replace(source=f"{clip.labels[0]} {number // 4}")
      for number, clip in enumerate(split.train_clips)
    ]
  )
  held = held_out.of_single_labels(parts, 0.01, 0, _REMEDY)
  sources = [{clip.source for clip in held.train_clips}]
  sources.append({clip.source for clip in held.test_clips})
  assert not sources[0] & sources[1]
  assert len(sources[1]) == 2  # at least one file per class


def _with_sources(split, source_of):
  return split._replace(
    train_clips=[
      clip._replace(source=source_of(clip)) for clip in split.train_clips
    ]
  )


def test_holding_out_needs_two_files_per_class(split):
  single = _with_sources(split, lambda clip: str(clip.labels[0]))
  with pytest.raises(
    ValueError,
    match="class down has training clips of 1 file; .*at least 2. Do this.",
  ):
    held_out.of_single_labels(single, 0.5, 0, _REMEDY)


def test_files_of_several_classes_may_not_empty_a_class(split):
  # Class 0 has files a, b and c and holds two out; class 1 has a and b only.
  names = {0: "abc", 1: "ab"}
  shared = _with_sources(
    split,
    lambda clip: names[clip.labels[0]][
      clip.sample_index % len(names[clip.labels[0]])
    ],
  )
  with pytest.raises(ValueError, match="some files hold clips of several cla"):
    for seed in range(20):
      held_out.of_single_labels(shared, 0.6, seed, _REMEDY)


def _several(split, rows):
  return split._replace(
    train_clips=split.train_clips[: len(rows)],
    train_labels=np.array(rows),
    classes=["a", "b", "c"],
  )


def test_files_of_several_labels_never_empty_a_class(split):
  # Only the first clip is of class c; whatever the draw, it stays.
  several = _several(split, [[0, 2], [0, 1], [0, -1], [1, -1], [0, 1], [1, -1]])
  chosen = set()
  for seed in range(20):
    held = held_out.of_several_labels(several, 0.5, seed, _REMEDY)
    ids = {clip.clip_id for clip in held.test_clips}
    assert len(ids) == len(held.test_labels) == held.test.usable_count == 3
    assert several.train_clips[0].clip_id not in ids
    assert {0, 1, 2} <= set(np.unique(held.train_labels))
    chosen.add(frozenset(ids))
  assert len(chosen) > 5
  alone = _several(split, [[0, -1], [1, -1]])
  with pytest.raises(
    ValueError,
    match="no file of the 2 can be held out, as each is the only one of some"
    " class. Do this.",
  ):
    held_out.of_several_labels(alone, 0.5, 0, _REMEDY)
