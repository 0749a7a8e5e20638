"""Whether a record folder is what its manifest says, and what is damaged."""

from collections.abc import Iterator
import hashlib
import pathlib
import re

from google.protobuf import message
import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import views
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import schema
from tfvssl.data.records import shard_files

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
_LABELS = "clip/label/index"
_CAPTIONS = "clip/caption"
_KINDS = {bytes: "text", int: "a whole number", float: "a float"}
# Features of one or more values, their kind there, and in words.
_LISTS = {
  _LABELS: ("int64_list", "a list of whole numbers"),
  _CAPTIONS: ("bytes_list", "a list of texts"),
  **dict.fromkeys(schema.CAPTION_TIMES, ("float_list", "a list of floats")),
}
# What every context holds, and what belongs to a modality; see data.schema.
_ALWAYS: dict[str, type] = {
  "schema_version": int,
  "config_hash": bytes,
  "clip/id": bytes,
  "clip/path": bytes,
  "clip/start_s": float,
  "clip/duration_s": float,
  _LABELS: tuple,
  "clip/label/text": bytes,
  _CAPTIONS: tuple,
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
  folder: pathlib.Path, manifest: manifest_lib.Manifest
) -> tuple[list[str], dict[str, float]]:
  """Compares files, sizes and each shard's first record with the manifest.

  Returns:
    differences: one line each; empty if the folder can be read.
    rates: rates and bounds by their key in the records.
  """
  lines = _file_differences(folder, manifest)
  if lines:
    return lines, {}
  seen: dict[str, tuple[str, float]] = {}
  for shard in manifest.shards:
    if not shard.record_count:
      continue
    try:
      _, context = next(contexts(folder / shard.file))
    except ValueError as error:
      lines.append(str(error))
      continue
    for line in _identity(manifest, context):
      lines.append(f"{shard.file} record 0: {line}")
    for name in _RATES:
      if name in context:
        file, value = seen.setdefault(name, (shard.file, context[name]))
        if value != context[name]:
          lines.append(
            f"{name} is {context[name]:g} in {shard.file} but {value:g} in"
            f" {file}"
          )
  return lines, {name: value for name, (_, value) in seen.items()}


def verify(folder: str | pathlib.Path) -> list[str]:
  """Returns everything that is wrong with a record folder, a line each.

  Reads every byte: sizes, sha256, checksum of every record, record counts,
  schema version, configuration and what each record holds.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: the manifest cannot be read.
  """
  folder = pathlib.Path(folder)
  manifest = manifest_lib.load_manifest(folder)
  problems = _file_differences(folder, manifest)
  for shard in tqdm.tqdm(
    manifest.shards, "checking", unit="shard", delay=3, dynamic_ncols=True
  ):
    path = folder / shard.file
    if path.is_file():
      problems += verify_shard(path, shard, manifest)
  return problems


def verify_shard(
  path: pathlib.Path, shard: manifest_lib.Shard, manifest: manifest_lib.Manifest
) -> list[str]:
  """Returns what is wrong with one shard; see `verify`."""
  problems = []
  if _sha256(path) != shard.sha256:
    problems.append(f"{path}: its sha256 is not that of the manifest")
  count = 0
  for record in shard_files.scan(path):
    place = f"{path}: record {record.number} at byte {record.offset}"
    count += record.payload is not None
    lines = (
      [record.problem]
      if record.problem
      else _payload_problems(record, shard, manifest)
    )
    problems += [f"{place}: {line}" for line in lines]
  if count != shard.record_count:
    problems.append(
      f"{path}: {count} whole records instead of {shard.record_count}"
    )
  return problems


def _sha256(path):
  digest = hashlib.sha256()
  with path.open("rb") as file:
    while chunk := file.read(1 << 20):
      digest.update(chunk)
  return digest.hexdigest()


def _payload_problems(record, shard, manifest):
  """Returns what is wrong inside a record whose bytes are whole."""
  try:
    example = tf.train.SequenceExample.FromString(record.payload)
    context = parse_context(record.payload)
  except (message.DecodeError, ValueError):
    return ["it is no SequenceExample"]
  lines = list(_identity(manifest, context))
  lists = {
    modality: example.feature_lists.feature_list[name].feature
    for modality, name in schema.FEATURE_LISTS.items()
    if name in example.feature_lists.feature_list
  }
  lines += _context_problems(context, lists)
  lines += _label_problems(context, len(manifest.classes))
  lines += _caption_problems(context)
  held = "+".join(sorted(modality.value for modality in _held(lists, context)))
  if record.number < len(shard.modalities):
    expected = shard.modalities[record.number]
    if held != expected:
      lines.append(f"it holds {held}, the manifest says {expected}")
  for modality, steps in lists.items():
    name = schema.FEATURE_LISTS[modality]
    values = [value for step in steps for value in step.bytes_list.value]
    if any(len(step.bytes_list.value) != 1 for step in steps):
      lines.append(f"{name} has steps that are not one string")
    elif modality in (views.Modality.RGB, views.Modality.FLOW):
      lines += _image_problems(name, values)
    elif modality == views.Modality.AUDIO:
      if len(values) != 1 or len(values[0]) % 2 or not values[0]:
        lines.append(f"{name} is not one string of 16-bit samples")
    else:
      lines += _spectrogram_problems(name, values, context)
  return lines


def _held(lists, context):
  """Returns the modalities; untimed captions are of old records, untold."""
  if any(name in context for name in schema.CAPTION_TIMES):
    return [*lists, views.Modality.TEXT]
  return list(lists)


def _context_problems(context, modalities=()):
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


def _label_problems(context, num_classes):
  """Yields what is wrong with the labels of a record."""
  labels = context.get(_LABELS)
  if not isinstance(labels, tuple) or labels == (-1,):
    return
  wrong = [label for label in labels if not 0 <= label < num_classes]
  if wrong:
    yield (
      f"`{_LABELS}` holds {wrong[0]}, not -1 alone or 0 to {num_classes - 1}"
    )
  elif len(set(labels)) < len(labels):
    yield f"`{_LABELS}` holds {labels} with one of them twice"


def _caption_problems(context):
  """Yields what is wrong with the captions of a record."""
  names = (_CAPTIONS, *schema.CAPTION_TIMES)
  texts, starts, ends = (context.get(name, ()) for name in names)
  duration_s = context.get("clip/duration_s")
  if [*map(type, (texts, starts, ends, duration_s))] != [tuple] * 3 + [float]:
    return  # said above
  try:
    b" ".join(texts).decode("utf-8")
  except UnicodeDecodeError:
    yield f"`{_CAPTIONS}` is not UTF-8"
  if (starts or ends) and not len(texts) == len(starts) == len(ends):
    yield f"{len(texts)} captions have {len(starts)} starts, {len(ends)} ends"
  for start_s, end_s in zip(starts, ends, strict=False):
    if not 0 <= start_s <= end_s <= duration_s:  # nor NaN
      yield (
        f"a caption lasts from {start_s:g} to {end_s:g} s, its clip"
        f" {duration_s:g} s"
      )
      return


def _spectrogram_problems(name, values, context):
  """Returns what is wrong with a packed spectrogram."""
  dtype = context.get("SPECTROGRAM/dtype")
  num_mels = context.get("SPECTROGRAM/num_mels")
  if dtype not in (b"float16", b"float32"):
    return [f"`SPECTROGRAM/dtype` ({dtype!r:.40}) is not float16 or float32"]
  if not isinstance(num_mels, int) or num_mels < 1:
    return [f"`SPECTROGRAM/num_mels` ({num_mels!r:.40}) is not 1 or more"]
  if len(values) != 1:
    return [f"{name} is not one string"]
  row = np.dtype(dtype.decode()).itemsize * num_mels
  if not values[0] or len(values[0]) % row:
    return [f"{name} has {len(values[0])} bytes, not rows of {row}"]
  if not np.isfinite(np.frombuffer(values[0], dtype.decode())).all():
    return [f"{name} holds values that are not finite"]
  return []


def _image_problems(name, images):
  """Returns the first image that cannot be whole; decodes none."""
  if not images:
    return [f"{name} is empty"]
  sizes = [image_size(image) for image in images]
  for number, size in enumerate(sizes):
    if size is None:
      return [f"{name} {number} of {len(images)} is no whole image"]
    if size != sizes[0]:
      return [
        f"{name} {number} has {size[1]}x{size[0]} pixels, the first"
        f" {sizes[0][1]}x{sizes[0][0]}"
      ]
  return []


def image_size(image: bytes) -> list[int] | None:
  """Returns [height, width] of a JPEG or PNG with begin and end, else None."""
  if image[:8] == b"\x89PNG\r\n\x1a\n" and image[-8:-4] == b"IEND":
    return [int.from_bytes(image[i : i + 4], "big") for i in (20, 16)]
  if image[:2] == b"\xff\xd8" and image[-2:] == b"\xff\xd9":
    try:
      return tf.io.extract_jpeg_shape(image)[:2].numpy().tolist()
    except tf.errors.InvalidArgumentError:
      return None
  return None


def _file_differences(folder, manifest):
  """Returns what `stat` finds different from the manifest, one line each."""
  lines = []
  named = {shard.file for shard in manifest.shards}
  suffixes = {pathlib.PurePath(name).suffix for name in named} - {""}
  for shard in manifest.shards:
    path = folder / shard.file
    if not path.exists():
      lines.append(f"{shard.file} is missing")
    elif not path.is_file():
      lines.append(f"{shard.file} is a directory")
    elif path.stat().st_size != shard.bytes:
      size = path.stat().st_size
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


def _identity(manifest, context):
  """Yields in what a record differs from its manifest."""
  version = context.get("schema_version")
  if version != schema.SCHEMA_VERSION:
    yield f"schema version {version}, not {schema.SCHEMA_VERSION}"
  if context.get("config_hash") != manifest.config_hash.encode():
    yield "it was prepared with another configuration"


def contexts(path: pathlib.Path) -> Iterator[tuple[int, dict]]:
  """Yields (number, context) of a shard's records; passes over payloads.

  A context has every key that belongs to all clips, and values of their kind.

  Raises:
    ValueError: a record's header or context is damaged; it is named.
  """
  for number, payload in shard_files.beginnings(path, schema.CONTEXT_BYTES):
    try:
      context = parse_context(payload)
    except ValueError as error:
      raise ValueError(f"{path}: record {number}: {error}") from error
    for problem in _context_problems(context):
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


def _varint(data, begin):
  """Returns the protocol buffer's number at `begin`, and where it ends."""
  value = 0
  for place, byte in enumerate(data[begin : begin + 10]):
    value |= (byte & 0x7F) << (7 * place)
    if byte < 0x80:
      return value, begin + place + 1
  return 0, begin
