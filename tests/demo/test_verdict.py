"""The words say what the figures say, and name the likely reason."""

import dataclasses

import pytest

from tfvssl.demo import verdict

_GOOD = verdict.Facts(
  pretrained=0.75,
  random=0.25,
  difference=0.5,
  train_clips=640,
  test_clips=128,
  gain=0.5,
  held_out_gain=0.4,
  longer="python -m x",
)


def _words(**changes):
  return verdict.words(dataclasses.replace(_GOOD, **changes))


def test_margin_is_that_of_two_shares():
  # 1.96 times the root of 2 * 0.5 * 0.5 / 128.
  assert verdict.margin(128) == pytest.approx(1.96 * 0.0625)


def test_gain_beyond_chance_is_help():
  (answer,) = _words()
  assert answer == (
    "Pretraining helped: 75.0 % of the test clips are named rightly after"
    " pretraining, 25.0 % with random weights; with 128 test clips differences"
    " below 12 points may be chance."
  )


def test_what_learns_nothing_and_is_as_good_is_told():
  (answer,) = _words(difference=0.8)
  assert (
    "But the frame difference, which learns nothing, reaches 80.0" in answer
  )


def test_collapse_is_told_beside_a_gain():
  answer, collapse = _words(collapsed="the run ends collapsed: all are one.")
  assert answer.startswith("Pretraining helped")
  assert collapse == "Yet the run ends collapsed: all are one."


@pytest.mark.parametrize(
  ("pretrained", "answer"),
  [
    (0.37, "Whether pretraining helped cannot be said: 37.0 % of"),
    (0.15, "Whether pretraining helped cannot be said: 15.0 % of"),
    (0.10, "Pretraining did harm: 10.0 % of"),
  ],
)
def test_less_than_chance_is_no_help(pretrained, answer):
  first, *reasons = _words(pretrained=pretrained)
  assert first.startswith(answer)
  assert reasons == ["To train longer: python -m x"]


def test_few_clips_are_a_reason():
  _, reason, longer = _words(pretrained=0.3, train_clips=40)
  assert reason.startswith("Few clips: it learned from 40; the demo's own are")
  assert "Add videos" in reason and longer.startswith("To train longer")


def test_learned_by_heart_is_a_reason_and_longer_is_no_remedy():
  _, reason = _words(pretrained=0.3, held_out_gain=-0.1)
  assert reason.startswith("Memorised: the loss ends 50 % below")
  assert "and 0 % on others. More clips help" in reason


def test_little_learned_is_a_reason():
  _, reason, longer = _words(pretrained=0.3, gain=0.02, held_out_gain=0.01)
  assert reason.startswith("Learned little: even on its own clips the loss en")
  assert longer.startswith("To train longer")


def test_collapse_is_a_reason_with_its_own_remedy():
  reasons = _words(pretrained=0.3, gain=0.0, collapsed="all are one; try x.")
  assert reasons[1:] == ["Collapsed: all are one; try x."]


@pytest.mark.parametrize(
  ("gain", "answer"),
  [
    (0.4, "Pretraining learned something that holds: on clips that were not"),
    (0.01, "Pretraining learned nothing that holds: on clips that were not"),
    (-0.2, "Pretraining learned nothing that holds: on clips that were not"),
    (None, "Whether pretraining helped cannot be said: neither accuracy nor"),
  ],
)
def test_without_labels_the_held_out_loss_answers(gain, answer):
  first = _words(pretrained=None, random=None, held_out_gain=gain)[0]
  assert first.startswith(answer)
  if gain and gain < 0:
    assert "20 % above that of always predicting the mean" in first


def test_losses_of_collapsed_embeddings_prove_nothing():
  first, *_ = _words(pretrained=None, collapsed="all are one.")
  assert first.startswith("Pretraining learned nothing that holds")
