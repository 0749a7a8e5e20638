"""The bad records that a run leaves out: the same ones to its end."""

import json

from absl import logging

from tfvssl.config import experiment as config
from tfvssl.data.records import bad_records
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.runtime import storage


def find(
  data: config.Data,
  field: str,
  note: storage.Path | None,
  *,
  is_chief: bool = True,
) -> dict[str, dict[int, int]]:
  """Returns the bad records of a folder, for `reader.Records.bad`.

  They are said in a line and written to `note`, with the time of each shard: a
  run that goes on looks only through shards that were written since.

  Args:
    data: with the share that may be bad.
    field: of `data`, names the folder.
    note: file of the run, whose folder has its checkpoints; None for none.
    is_chief: whether this process writes it.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: more than the share are bad, or not those that the run has left
      out until now, or `note` cannot be read.
  """
  folder = storage.Path(getattr(data, field))
  manifest = manifest_lib.load_manifest(folder)
  noted = _read(note)
  before = noted.get(field, {})
  found = _look_through(folder, manifest, before)
  if note and any(note.parent.glob("checkpoints/step-*")):
    if before:
      _check_same(note, field, _all(before), found)
    elif found:
      logging.warning(
        "%s: %d records are left out from now on: the clips come in another"
        " order than before.",
        folder,
        len(found),
      )
  _check_share(folder, manifest.clip_count, found, data.bad_record_share, note)
  if note and is_chief:
    shards = {shard.file: _stamp(folder, shard) for shard in manifest.shards}
    of_shard = {name: [r for r in found if r.shard == name] for name in shards}
    noted[field] = {
      name: {"written": stamp, "bad": [r._asdict() for r in of_shard[name]]}
      for name, stamp in shards.items()
    }
    storage.write_text(note, json.dumps(noted, indent=1) + "\n")
  return bad_records.by_shard(found)


def _read(note):
  """Returns what is noted: field to shard to its time and its bad records.

  Raises:
    ValueError: the file cannot be read.
  """
  if note is None or not note.exists():
    return {}
  try:
    noted = json.loads(note.read_text(encoding="utf-8"))
    for shards in noted.values():
      _all(shards)
      [shard["written"] for shard in shards.values()]
  except (ValueError, TypeError, KeyError, AttributeError) as error:
    raise ValueError(
      f"{note} cannot be read ({error}); restore it, or remove it to look"
      " through the records again."
    ) from error
  return noted


def _all(shards):
  """Returns the bad records that are noted of shards."""
  return [
    bad_records.BadRecord(**record)
    for shard in shards.values()
    for record in shard["bad"]
  ]


def _look_through(folder, manifest, noted):
  """Returns all bad records; those of shards as they were are known."""
  known = {
    shard.file
    for shard in manifest.shards
    if shard.file in noted
    and noted[shard.file]["written"] == _stamp(folder, shard)
  }
  others = [shard for shard in manifest.shards if shard.file not in known]
  found = [record for record in _all(noted) if record.shard in known]
  return sorted(found + bad_records.find(folder, manifest, others))


def _stamp(folder, shard):
  """Returns what changes when a shard is written again."""
  path = folder / shard.file
  if not path.is_file():
    return []
  status = path.stat()
  return [shard.sha256, status.st_size, status.st_mtime_ns]


def _check_same(note, field, before, found):
  """Raises ValueError where not the same records are bad as before."""
  places = [{r[:2]: r for r in records} for records in (before, found)]
  changes = [places[1][p].describe() for p in places[1].keys() - places[0]]
  changes += [
    f"{shard}: record {number} is whole now"
    for shard, number in places[0].keys() - places[1]
  ]
  if changes:
    raise ValueError(
      f"other records of `data.{field}` are bad than those that this run has"
      f" left out until now ({note}): {'; '.join(sorted(changes)[:3])}. Restore"
      " them, or remove that file to go on without those that are bad now: the"
      " clips then come in another order."
    )


def _check_share(folder, total, found, share, note):
  """Says what is left out, or raises ValueError: it is too much."""
  if not found:
    return
  count = f"{folder}: {len(found)} of {total} records are bad"
  first = found[0].describe()
  if len(found) > share * total:
    raise ValueError(
      f"{count}, a share of {len(found) / total:.2g} where"
      f" `data.bad_record_share` allows {share:g}; the first is {first}; all of"
      " them are listed by tfvssl inspect"
      f" --records={folder} --verify. Prepare them again, or allow more."
    )
  rest = f"; and {len(found) - 1} more" if len(found) > 1 else ""
  where = f"; all stand in {note}" if note else ""
  logging.warning("%s and are left out: %s%s%s", count, first, rest, where)
