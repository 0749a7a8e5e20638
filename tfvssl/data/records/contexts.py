"""The context of every record: a clip's facts without its payload."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent import futures
import functools
import re

from google.protobuf import message
import tensorflow as tf

from tfvssl import views
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema
from tfvssl.data.records import shard_files
from tfvssl.runtime import storage

# Waiting for a store, not for a processor, is what takes time.
_SHARDS_AT_ONCE = 16
_SHARD_NAME = re.compile(r"-\d{5}-of-\d{5}")
# One folder has one value of each.
_RATES = (
  "image/frame_rate_hz",
  "flow/frame_rate_hz",
  "flow/bound_px",
  "flow/short_side_px",
  "WAVEFORM/sample_rate_hz",
  "SPECTROGRAM/frame_rate_hz",
)
LABELS = "clip/label/index"
CAPTIONS = "clip/caption"
_KINDS = {bytes: "text", int: "a whole number", float: "a float"}
# Features of one or more values, their kind there, and in words.
_LISTS = {
  LABELS: ("int64_list", "a list of whole numbers"),
  CAPTIONS: ("bytes_list", "a list of texts"),
  **dict.fromkeys(schema.CAPTION_TIMES, ("float_list", "a list of floats")),
}
# What every context holds, and what belongs to a modality; see schema.
_ALWAYS: dict[str, type] = {
  "schema_version": int,
  "config_hash": bytes,
  "clip/id": bytes,
  "clip/path": bytes,
  "clip/start_s": float,
  "clip/duration_s": float,
  LABELS: tuple,
  "clip/label/text": bytes,
  CAPTIONS: tuple,
}
_OF_MODALITY: dict[views.Modality, dict[str, type]] = {
  views.Modality.RGB: {
    "image/frame_rate_hz": float,
    "image/height": int,
    "image/width": int,
  },
  views.Modality.FLOW: {
    "flow/frame_rate_hz": float,
    "flow/bound_px": float,
    "flow/short_side_px": int,
  },
  views.Modality.AUDIO: {
    "WAVEFORM/sample_rate_hz": int,
    "WAVEFORM/valid_samples": int,
  },
  views.Modality.SPECTROGRAM: {
    "SPECTROGRAM/frame_rate_hz": float,
    "SPECTROGRAM/num_mels": int,
    "SPECTROGRAM/dtype": bytes,
  },
  views.Modality.TEXT: dict.fromkeys(schema.CAPTION_TIMES, tuple),
}


def compare_beginnings(
  folder: storage.Path,
  manifest: manifest_lib.Manifest,
  bad: Mapping[str, Collection[int]] = {},
) -> tuple[list[str], dict[str, float]]:
  """Compares files, sizes, headers and first records with the manifest.

  Returns, of shards whose `bad` records are passed over:
    differences: one line each; empty if the folder can be read.
    rates: rates and bounds by their key in the records.
  """
  lines = file_differences(folder, manifest)
  if lines:
    return lines, {}
  seen: dict[str, tuple[str, float]] = {}
  with futures.ThreadPoolExecutor(_SHARDS_AT_ONCE) as pool:
    found = pool.map(
      functools.partial(_beginning, folder, bad), manifest.shards
    )
  for shard, (problem, number, context) in zip(
    manifest.shards, found, strict=True
  ):
    if problem:
      lines.append(problem)
    if not context:
      continue
    for line in identity_differences(manifest, context):
      lines.append(f"{shard.file} record {number}: {line}")
    for name in _RATES:
      if name in context:
        file, value = seen.setdefault(name, (shard.file, context[name]))
        if value != context[name]:
          lines.append(
            f"{name} is {context[name]:g} in {shard.file} but {value:g} in"
            f" {file}"
          )
  return lines, {name: value for name, (_, value) in seen.items()}


def _beginning(folder, bad, shard):
  """Returns what is wrong with a shard's headers, and its first context."""
  path = folder / shard.file
  try:
    count = shard_files.count(path)
    if count != shard.record_count:
      lines = f"{path}: {count} records instead of {shard.record_count}"
      return lines, 0, {}
    return "", *next(of_shard(path, bad.get(shard.file, ())), (0, {}))
  except ValueError as error:
    return str(error), 0, {}


def context_problems(
  context: dict, modalities: Iterable[views.Modality] = ()
) -> Iterator[str]:
  """Yields what a context lacks, and values of another kind."""
  needed = dict(_ALWAYS)
  for modality in modalities:
    needed.update(_OF_MODALITY[modality])
  for fields in (_ALWAYS, *_OF_MODALITY.values()):
    for name, kind in fields.items():
      if name not in context:
        if name in needed:
          yield f"`{name}` is missing"
      elif not isinstance(context[name], kind):
        words = _LISTS[name][1] if name in _LISTS else _KINDS[kind]
        yield f"`{name}` is not {words}"


def file_differences(
  folder: storage.Path, manifest: manifest_lib.Manifest
) -> list[str]:
  """Returns what `stat` finds different from the manifest, one line each."""
  lines = []
  named = {shard.file for shard in manifest.shards}
  suffixes = {storage.Path(name).suffix for name in named} - {""}
  for shard in manifest.shards:
    path = folder / shard.file
    if not path.exists():
      lines.append(f"{shard.file} is missing")
    elif not path.is_file():
      lines.append(f"{shard.file} is a directory")
    elif storage.size(path) != shard.bytes:
      size = storage.size(path)
      lines.append(
        f"{shard.file} is empty"
        if not size
        else f"{shard.file} has {size} bytes instead of {shard.bytes}"
      )
    if len(shard.modalities) != shard.record_count:
      lines.append(
        f"{shard.file} lists {len(shard.modalities)} clips but counts"
        f" {shard.record_count}"
      )
  for path in sorted(folder.iterdir()):
    is_shard = path.suffix in suffixes or _SHARD_NAME.search(path.name)
    if is_shard and path.name not in named:
      lines.append(f"{path.name} is not in the manifest")
  count = sum(shard.record_count for shard in manifest.shards)
  if count != manifest.clip_count:
    lines.append(f"its shards hold {count} clips, not {manifest.clip_count}")
  return lines


def identity_differences(
  manifest: manifest_lib.Manifest, context: dict
) -> Iterator[str]:
  """Yields in what a record differs from its manifest."""
  version = context.get("schema_version")
  if version != schema.SCHEMA_VERSION:
    yield f"schema version {version}, not {schema.SCHEMA_VERSION}"
  if context.get("config_hash") != manifest.config_hash.encode():
    yield "it was prepared with another configuration"


def of_shard(
  path: storage.Path, bad: Collection[int] = ()
) -> Iterator[tuple[int, dict]]:
  """Yields (number, context) of a shard's records but the `bad` ones.

  A context has every key that belongs to all clips, and values of their kind.

  Raises:
    ValueError: a record's header or context is damaged; it is named.
  """
  beginnings = shard_files.beginnings(path, schema.CONTEXT_BYTES, _context_end)
  for number, payload in beginnings:
    if number in bad:
      continue
    try:
      context = parse_context(payload)
    except ValueError as error:
      raise ValueError(f"{path}: record {number}: {error}") from error
    for problem in context_problems(context):
      raise ValueError(f"{path}: record {number}: {problem}")
    yield number, context


def parse_context(
  payload: bytes,
) -> dict[str, bytes | int | float | tuple]:
  """Returns the context of a record from its first bytes.

  Labels and captions are tuples; of other features those with one value are
  there.

  Raises:
    ValueError: the bytes are not those of a record.
  """
  # A SequenceExample begins with field 1, its context: tag, length, bytes.
  length, begin = _varint(payload, 1)
  features = tf.train.Features()
  try:
    encoded = payload[begin : begin + length]
    if payload[:1] != b"\x0a" or len(encoded) != length:
      raise message.DecodeError
    features.ParseFromString(encoded)
  except message.DecodeError:
    raise ValueError("it is no SequenceExample") from None
  context: dict[str, bytes | int | float | tuple] = {}
  for name, feature in features.feature.items():
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    if values and name in _LISTS and _LISTS[name][0] == kind:
      context[name] = tuple(values)
    elif len(values) == 1:
      context[name] = values[0]
  return context


def _context_end(payload):
  """Returns where the context of a record ends, by its first bytes."""
  return sum(_varint(payload, 1))


def _varint(data, begin):
  """Returns the protocol buffer's number at `begin`, and where it ends."""
  value = 0
  for place, byte in enumerate(data[begin : begin + 10]):
    value |= (byte & 0x7F) << (7 * place)
    if byte < 0x80:
      return value, begin + place + 1
  return 0, begin
