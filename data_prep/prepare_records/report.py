"""manifest.json, report.json and quarantine.csv of a preparation."""

import collections
from collections.abc import Sequence
import csv
import io
import json
import os

from tfvssl.data.records import content
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema
from tfvssl.runtime import storage

from . import shard_writer


def write_manifests(
  folder: storage.Path,
  shards: list[shard_writer.ShardPlan],
  results: list[shard_writer.ShardResult],
  *,
  splits: list[str],
  classes: list[str],
  config: dict,
  config_hash: str,
  empty_classes: Sequence[str] = (),
) -> None:
  """Writes the manifest of every split, the last thing that makes it usable."""
  for split in splits:
    entries = [
      manifest_lib.Shard(
        file=storage.Path(shard.file).name,
        record_count=len(result.clips),
        bytes=result.bytes,
        sha256=result.sha256,
        modalities=result.clips,
        digests=result.digests,
      )
      for shard, result in zip(shards, results, strict=True)
      if result.clips and os.path.dirname(shard.file) == split
    ]
    manifest = manifest_lib.Manifest(
      schema_version=schema.SCHEMA_VERSION,
      clip_count=sum(entry.record_count for entry in entries),
      classes=classes,
      config=config,
      config_hash=config_hash,
      shards=entries,
      empty_classes=list(empty_classes),
    )
    (folder / split).mkdir(exist_ok=True)
    path = folder / split / manifest_lib.MANIFEST_NAME
    storage.write_text(path, manifest.to_json())


def summary(
  outcomes: list[shard_writer.Outcome],
  *,
  labels_left_out: list[str],
  ignored_columns: list[str],
  duplicates: list[list[str]],
  coverage: dict | None,
  classes: Sequence[str] = (),
) -> dict:
  """Returns what report.json holds; input = written + quarantined.

  Args:
    outcomes: of every input.
    labels_left_out: labels of fewer than two files.
    ignored_columns: of the csv.
    duplicates: paths of equal content.
    coverage: how much of a published dataset is there; None for other inputs.
    classes: names of the labels, as in the manifests.
  """
  lost = [outcome for outcome in outcomes if outcome.reason]
  written = [outcome for outcome in outcomes if not outcome.reason]
  reasons = collections.Counter(outcome.reason for outcome in lost)
  clips = collections.Counter()
  labels = collections.Counter()
  modalities = collections.Counter()
  for outcome in written:
    clips[outcome.split] += len(outcome.clips)
    for label in outcome.labels or [""]:
      labels[label] += len(outcome.clips)
    modalities.update(outcome.clips)
  found = {} if coverage is None else {"coverage": coverage}
  return found | {
    "input_count": len(outcomes),
    "written_count": len(written),
    "quarantined_count": len(lost),
    "reasons": dict(sorted(reasons.items())),
    "clip_count": sum(clips.values()),
    "clips_per_split": dict(sorted(clips.items())),
    "clips_per_label": dict(sorted(labels.items())),
    "clips_per_modalities": dict(sorted(modalities.items())),
    "empty_classes": [name for name in classes if not labels[name]],
    "labels_left_out": labels_left_out,
    "ignored_columns": ignored_columns,
    "equal_content": duplicates,
    "silent_clips": sorted(i for item in written for i in item.silent),
    "constant_clip_count": sum(
      content.is_constant(text) for item in written for text in item.digests
    ),
    "clips_with_short_sound": sorted(
      i for item in written for i in item.padded
    ),
    "dropped_tail_seconds": round(sum(item.tail_s for item in written), 3),
    "remarks": [
      item.row() | {"remark": line}
      for item in sorted(written, key=_place)
      for line in item.remarks
    ],
    "skipped_clips": _skipped(written),
    "quarantined": _quarantined(lost),
  }


def write_report(
  folder: storage.Path,
  report: dict,
  outcomes: list[shard_writer.Outcome],
) -> None:
  """Writes report.json and quarantine.csv; skipped_clips.csv if there are."""
  written = [item for item in outcomes if not item.reason]
  if skipped := _skipped(written):
    rows = [list(row.values()) for row in skipped]
    _write_csv(folder / "skipped_clips.csv", list(skipped[0]), rows)
  _write_csv(
    folder / "quarantine.csv",
    ["path", "id", "start_s", "end_s", "reason", "detail"],
    [list(row.values()) for row in _quarantined(outcomes)],
  )
  storage.write_text(
    folder / "report.json", json.dumps(report, indent=1) + "\n"
  )


def _quarantined(outcomes):
  """Returns what names every input that was left out, and why it was."""
  return [
    item.row() | {"reason": item.reason, "detail": item.detail}
    for item in sorted(outcomes, key=_place)
    if item.reason
  ]


def _skipped(outcomes):
  """Returns what names every clip that was left out of a damaged input."""
  return [
    {
      "path": item.relative,
      "id": item.clip_id,
      "start_s": start_s,
      "end_s": end_s,
      "reason": reason,
      "detail": detail,
    }
    for item in sorted(outcomes, key=_place)
    for start_s, end_s, reason, detail in item.skipped
  ]


def _place(outcome):
  """Returns the order of rows: by path, and in a file by id."""
  return outcome.relative, outcome.clip_id


def write_missing(folder: storage.Path, rows: list[list[str]]) -> None:
  """Writes missing.csv: clips of a dataset's lists that have no file."""
  header = ["split", "label", "name", "start_s", "end_s"]
  _write_csv(folder / "missing.csv", header, rows)


def _write_csv(path, header, rows):
  table = io.StringIO(newline="")
  csv.writer(table, lineterminator="\n").writerows([header, *rows])
  storage.write_text(path, table.getvalue())
