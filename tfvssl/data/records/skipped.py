"""Names the clips of a record folder that lack what a run needs."""

from typing import TYPE_CHECKING

from tfvssl.data.records import contexts
from tfvssl.runtime import storage

if TYPE_CHECKING:
  from tfvssl.data.records import reader


def describe(records: "reader.Records") -> str:
  """Returns one line that counts and names the clips that are not used.

  Of those whose record is bad it says nothing.
  """
  total = len(records.usable)
  count = records.skipped_count - sum(map(len, records.bad.values()))
  lacking = records.skipped.items()
  why = ", ".join(f"{n} lack {word}" for word, n in lacking if n)
  found = ids(records)
  rest = count - len(found)
  names = ", ".join(found) + (f" and {rest} more" if rest else "")
  return (
    f"{records.folder}: {count} of {total} clips are not used ({why}): {names}"
  )


def ids(records: "reader.Records", limit: int = 10) -> list[str]:
  """Returns ids of clips that lack something; reads them from the shards."""
  found: list[str] = []
  for path, usable in records.usable_by_shard():
    place = storage.Path(path)
    bad = records.bad.get(place.name, ())
    if usable.sum() + len(bad) == len(usable):
      continue
    for number, context in contexts.of_shard(place, bad):
      if not usable[number]:
        found.append(context["clip/id"].decode("utf-8", "replace"))
        if len(found) == limit:
          return found
  return found
