"""Whether pretraining helped, in words; why it may not have; what to do."""

import dataclasses
import math

# Fewer can be learned by heart in a demo; the generated clips are 640.
_FEW_CLIPS = 500
_LEAST_GAIN = 0.05  # of a loss, below what the mean embedding would cost
_FRAME_DIFFERENCE = "frame difference"


@dataclasses.dataclass
class Facts:
  """What was measured of a demo; None where it was not.

  Attributes:
    pretrained: accuracy, 0 to 1.
    random: of the same network with random weights.
    difference: of the frame difference, which sees motion and learns nothing.
    train_clips: that were learned from.
    test_clips: that accuracy was measured on.
    gain: by which the last training loss is below that of always predicting
      the mean embedding, as a share of that.
    held_out_gain: the same of clips that were not learned from.
    collapsed: what health says of the end of the run; empty if it is well.
    longer: the command that trains longer.
  """

  pretrained: float | None = None
  random: float | None = None
  difference: float | None = None
  train_clips: int | None = None
  test_clips: int | None = None
  gain: float | None = None
  held_out_gain: float | None = None
  collapsed: str = ""
  longer: str = ""


def words(facts: Facts) -> list[str]:
  """Returns paragraphs: the answer, the likely reasons, and what to do."""
  helped, answer = _answer(facts)
  if not helped:
    return [answer, *_reasons(facts)]
  return [answer, *([f"Yet {facts.collapsed}"] if facts.collapsed else [])]


def margin(test_clips: int) -> float:
  """Returns by how much two accuracies may differ by chance.

  95 % of the difference of two shares of `test_clips` draws, at its widest.
  """
  return 1.96 * 0.5 * math.sqrt(2 / test_clips)


def _answer(facts):
  """Returns whether pretraining is known to have helped, and that in words."""
  if facts.pretrained is None or facts.random is None or not facts.test_clips:
    return _answer_of_losses(facts)
  gain, chance = facts.pretrained - facts.random, margin(facts.test_clips)
  measured = (
    f"{100 * facts.pretrained:.1f} % of the test clips are named rightly after"
    f" pretraining, {100 * facts.random:.1f} % with random weights"
  )
  by_chance = (
    f"with {facts.test_clips} test clips differences below"
    f" {100 * chance:.0f} points may be chance"
  )
  if gain <= -chance:
    return False, f"Pretraining did harm: {measured}; {by_chance}."
  if gain < chance:
    return False, (
      f"Whether pretraining helped cannot be said: {measured}, and {by_chance}."
    )
  answer = f"Pretraining helped: {measured}; {by_chance}."
  if facts.difference is not None and facts.difference >= facts.pretrained:
    answer += (
      f" But the {_FRAME_DIFFERENCE}, which learns nothing, reaches"
      f" {100 * facts.difference:.1f} %: for these classes it is enough."
    )
  return True, answer


def _answer_of_losses(facts):
  """Returns the same where there are no accuracies."""
  if facts.held_out_gain is None:
    return False, (
      "Whether pretraining helped cannot be said: neither accuracy nor a"
      " held-out loss was measured."
    )
  measured = (
    "on clips that were not learned from, the loss ends"
    f" {100 * abs(facts.held_out_gain):.0f} %"
    f" {'below' if facts.held_out_gain >= 0 else 'above'} that of always"
    " predicting the mean"
  )
  if facts.held_out_gain < _LEAST_GAIN or facts.collapsed:
    return False, f"Pretraining learned nothing that holds: {measured}."
  return True, (
    f"Pretraining learned something that holds: {measured}. Without labels"
    " nothing more can be measured; look at the nearest neighbours."
  )


def _reasons(facts):
  """Returns the likely reasons, each with its remedy."""
  found = []
  if facts.collapsed:
    found.append(f"Collapsed: {facts.collapsed}")
  if facts.train_clips is not None and facts.train_clips < _FEW_CLIPS:
    found.append(
      f"Few clips: it learned from {facts.train_clips}; the demo's own are 640,"
      " and the papers' hundreds of thousands. Add videos, or longer ones:"
      " every ten seconds are a clip."
    )
  gain, held_out = facts.gain, facts.held_out_gain
  if gain is not None and gain >= _LEAST_GAIN:
    if held_out is not None and held_out < gain / 2:
      found.append(
        "Memorised: the loss ends"
        f" {100 * gain:.0f} % below that of predicting the mean on the clips"
        f" that were learned from, and {100 * max(held_out, 0):.0f} % on"
        " others. More clips help, and fewer steps (--config.steps), not more."
      )
      return found
  elif gain is not None and not facts.collapsed:
    found.append(
      "Learned little: even on its own clips the loss ends only"
      f" {100 * max(gain, 0):.0f} % below that of predicting the mean."
    )
  if facts.longer and not facts.collapsed:
    found.append(f"To train longer: {facts.longer}")
  return found
