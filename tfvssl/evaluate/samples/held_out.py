"""Training files that are held out of their split, to decide on settings."""

import hashlib

import numpy as np

from tfvssl.evaluate.samples import clips
from tfvssl.evaluate.samples import splits


def of_single_labels(
  split: splits.Split, share: float, seed: int, remedy: str
) -> splits.Split:
  """Returns a split of the training clips alone, without any test clip.

  Of the files of every class `share`, at least one, become its test clips;
  all clips cut from one file stay together.

  Args:
    split: of single labels.
    share: of the files.
    seed: of the choice.
    remedy: what to do where none can be held out, for the message.

  Raises:
    ValueError: a class has clips of fewer than two files, or would be left
      without training clips.
  """
  chosen: set[str] = set()
  labels = split.train_labels[:, 0]
  sources_of: dict[int, set[str]] = {}
  for clip, label in zip(split.train_clips, labels, strict=True):
    sources_of.setdefault(int(label), set()).add(clip.source)
  for label, sources in sorted(sources_of.items()):
    if len(sources) < 2:
      name = splits.class_name(split.classes, label)
      raise ValueError(
        f"{split.name}: class {name} has training clips"
        f" of {len(sources)} file; holding some out needs at least 2. {remedy}"
      )
    count = min(max(round(share * len(sources)), 1), len(sources) - 1)
    chosen.update(sorted(sources, key=lambda s: _draw(seed, s))[:count])
  held = np.array([clip.source in chosen for clip in split.train_clips])
  if not np.isin(labels[held], labels[~held]).all():
    raise ValueError(
      f"{split.name}: some files hold clips of several classes, so that holding"
      f" files out leaves a class without training clips. {remedy}"
    )
  return _held_out(split, held)


def of_several_labels(
  split: splits.Split, share: float, seed: int, remedy: str
) -> splits.Split:
  """Returns a split of the training clips alone, which have several labels.

  `share` of all files become its test clips, but none without which a class
  would have no training clip.

  Args:
    split: whose training clips are taken.
    share: of the files.
    seed: of the choice.
    remedy: what to do where none can be held out, for the message.

  Raises:
    ValueError: no file can be held out.
  """
  sources = [clip.source for clip in split.train_clips]
  order = sorted(set(sources), key=lambda source: _draw(seed, source))
  rows = {source: [] for source in order}
  for row, source in enumerate(sources):
    rows[source].append(row)
  left = splits.clips_per_class(split.train_labels, len(split.classes))
  held = np.zeros([len(sources)], bool)
  count = 0
  for source in order:
    if count >= max(1, round(share * len(order))):
      break
    own = splits.clips_per_class(split.train_labels[rows[source]], len(left))
    if (left[own > 0] > own[own > 0]).all():
      held[rows[source]] = True
      left -= own
      count += 1
  if not count:
    raise ValueError(
      f"{split.name}: no file of the {len(order)} can be held out, as each is"
      f" the only one of some class. {remedy}"
    )
  return _held_out(split, held)


def _held_out(split, held):
  """Returns the split of which the training clips `held` are the test clips."""
  train, train_clips = clips.restrict(split.train, split.train_clips, ~held)
  test, test_clips = clips.restrict(split.train, split.train_clips, held)
  return split._replace(
    name=f"{split.name}, held out of its training clips",
    train=train,
    test=test,
    train_clips=train_clips,
    test_clips=test_clips,
    train_labels=split.train_labels[~held],
    test_labels=split.train_labels[held],
  )


def _draw(seed, source):
  return hashlib.sha256(f"{seed} {source}".encode()).digest()
