"""What tells clips apart: digests of their pictures and of their sound.

The preparation writes one text for every clip into the manifest, such as
`rgb:91b0... audio:3fc2...=`: a word and 64 bits of a SHA-256 for pictures and
for sound, and `=` behind what does not change. Imports no TensorFlow.
"""

from collections.abc import Iterator, Mapping, Sequence
import hashlib

import numpy as np

from tfvssl import views
from tfvssl.data.records import manifest

# Of each pair the first that a clip holds stands for both.
_PICTURES = (views.Modality.RGB, views.Modality.FLOW)
_SOUND = (views.Modality.AUDIO, views.Modality.SPECTROGRAM)
_HEX_DIGITS = 16
_CONSTANT = manifest.UNCHANGED
# Of 32768: what lossy codecs make of silence lies below it.
SILENT_PEAK = 30


def is_silent(waveform: np.ndarray) -> bool:
  """Returns whether int16 samples [N] are silence, or nearly so.

  A constant is not heard, either.
  """
  lowest, highest = int(waveform.min()), int(waveform.max())
  return lowest == highest or max(-lowest, highest) <= SILENT_PEAK


def describe(
  held: Mapping[views.Modality, Sequence[bytes]],
  *,
  still: bool | None = None,
  silent: bool | None = None,
) -> str:
  """Returns the digest of a clip.

  Args:
    held: what the clip holds, as a record does, by its modality.
    still: whether its pictures do not change; None to tell by their bytes. One
      picture alone is no clip that stands still.
    silent: likewise of its sound, and by its samples.
  """
  words = []
  for kinds, constant, told in (
    (_PICTURES, still, _is_still),
    (_SOUND, silent, _is_constant),
  ):
    found = next((kind for kind in kinds if kind in held), None)
    if found is not None:
      if constant is None:
        constant = told(found, held[found])
      digest = hashlib.sha256()
      for value in held[found]:
        digest.update(value)
      word = f"{found.value}:{digest.hexdigest()[:_HEX_DIGITS]}"
      words.append(word + _CONSTANT * constant)
  return " ".join(words)


def _is_still(kind, images):
  del kind  # pictures and flow are alike
  return len(images) > 1 and all(image == images[0] for image in images)


def _is_constant(kind, sounds):
  if kind != views.Modality.AUDIO:
    return False  # a spectrogram of whatever kind
  waveform = np.frombuffer(sounds[0], "<i2")
  return bool(len(waveform)) and is_silent(waveform)


def is_constant(digest: str) -> bool:
  """Returns whether neither pictures nor sound of a clip change."""
  words = digest.split()
  return bool(words) and all(word.endswith(_CONSTANT) for word in words)


def plain(digest: str) -> str:
  """Returns a digest without the marks of what does not change."""
  return digest.replace(_CONSTANT, "")


def equal_pairs(
  first: Sequence[str], second: Sequence[str]
) -> Iterator[tuple[int, int]]:
  """Yields (i, j) for every clip j of `second` that is also clip i of `first`.

  Clips are equal by all that both hold, pictures and sound together, if
  something of it changes.
  """
  held = {}  # what clips of `first` hold -> the clips
  for i, digest in enumerate(first):
    held.setdefault(frozenset(_parsed(digest)), []).append(i)
  tables: dict[tuple, dict] = {}
  for j, digest in enumerate(second):
    own = _parsed(digest)
    for kinds, members in held.items():
      shared = tuple(sorted(kinds & own.keys()))
      if not shared or all(own[kind][1] for kind in shared):
        continue
      if (kinds, shared) not in tables:
        tables[kinds, shared] = _table(first, members, shared)
      i = tables[kinds, shared].get(_key(own, shared))
      if i is not None:
        yield i, j
        break


def _table(digests, members, shared):
  """Returns the first clip of each content, of those that change."""
  table: dict[str, int] = {}
  for i in members:
    own = _parsed(digests[i])
    if not all(own[kind][1] for kind in shared):
      table.setdefault(_key(own, shared), i)
  return table


def _key(parsed, shared):
  return " ".join(parsed[kind][0] for kind in shared)


def _parsed(digest):
  """Returns word -> (digest, whether it does not change)."""
  found = {}
  for text in digest.split():
    word, _, value = text.rpartition(":")
    found[word] = value.rstrip(_CONSTANT), value.endswith(_CONSTANT)
  return found
