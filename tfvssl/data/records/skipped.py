"""Names the clips of a record folder that lack what a run needs."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from tfvssl.data.records import contexts
from tfvssl.runtime import storage

Shards = Iterable[tuple[str, np.ndarray]]


def describe(
  folder: storage.Path,
  shards: Shards,
  lacking: dict[str, int],
  bad: Mapping[str, Collection[int]] = {},
) -> str:
  """Returns one line that counts and names the clips that are not used.

  Args:
    folder: of the records.
    shards: path of each, and which of its clips are used, bool [n].
    lacking: modality word -> how many clips lack it.
    bad: file -> numbers of records that do not count here.
  """
  shards = list(shards)
  total = sum(len(usable) for _, usable in shards)
  used = sum(int(usable.sum()) for _, usable in shards)
  count = total - used - sum(map(len, bad.values()))
  why = ", ".join(f"{n} lack {word}" for word, n in lacking.items() if n)
  found = ids(shards, bad=bad)
  rest = count - len(found)
  names = ", ".join(found) + (f" and {rest} more" if rest else "")
  return f"{folder}: {count} of {total} clips are not used ({why}): {names}"


def silent(count: int) -> str:
  """Returns how many clips have sound that counts as none; empty for 0."""
  if not count:
    return ""
  return f"; the sound of {count} is silent, see `data.use_silent_sound`"


def all_clips(
  folder: storage.Path, count: int, lacking: dict[str, int], told: str
) -> str:
  """Returns why no clip of a folder can be used, and what to do.

  Args:
    folder: of the records.
    count: its clips.
    lacking: modality word -> how many clips lack it.
    told: of `silent`.
  """
  found = "; ".join(
    f"{count - lacks} hold {word}" for word, lacks in lacking.items()
  )
  return (
    f"no clip of {folder} holds all of {', '.join(lacking)}: of {count} clips"
    f" {found}{told}. Choose views of what is there, or prepare the videos"
    f" with --modalities={','.join(lacking)}."
  )


def ids(
  shards: Shards, limit: int = 10, bad: Mapping[str, Collection[int]] = {}
) -> list[str]:
  """Returns ids of clips that are not used; reads them from the shards."""
  found: list[str] = []
  for path, usable in shards:
    if usable.all():
      continue
    place = storage.Path(path)
    for number, context in contexts.of_shard(place, bad.get(place.name, ())):
      if not usable[number]:
        found.append(context["clip/id"].decode("utf-8", "replace"))
        if len(found) == limit:
          return found
  return found
