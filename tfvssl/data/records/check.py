"""Whether a record folder is what its manifest says, and what is damaged."""

import hashlib
import re

from google.protobuf import message
import numpy as np
import tensorflow as tf
import tqdm

from tfvssl import views
from tfvssl.data.records import content
from tfvssl.data.records import contexts
from tfvssl.data.records import manifest as manifest_lib
from tfvssl.data.records import payloads
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.runtime import storage

_NUMBER = re.compile(r": record (\d+) at byte")
_NAMES_RECORD = re.compile(r": record \d+ at byte|: \d+ whole records")
_IMAGES = [
  schema.FEATURE_LISTS[m] for m in (views.Modality.RGB, views.Modality.FLOW)
]


def verify(folder: storage.PathLike) -> list[str]:
  """Returns everything that is wrong with a record folder, a line each.

  Reads every byte: sizes, sha256, checksum of every record, record counts,
  schema version, configuration and what each record holds.

  Raises:
    FileNotFoundError: the folder or its manifest does not exist.
    ValueError: the manifest cannot be read.
  """
  folder = storage.Path(folder)
  manifest = manifest_lib.load_manifest(folder)
  problems = contexts.file_differences(folder, manifest)
  for shard in tqdm.tqdm(
    manifest.shards, "checking", unit="shard", delay=3, dynamic_ncols=True
  ):
    path = folder / shard.file
    if path.is_file():
      problems += verify_shard(path, shard, manifest)
  return problems


def verify_shard(
  path: storage.Path, shard: manifest_lib.Shard, manifest: manifest_lib.Manifest
) -> list[str]:
  """Returns what is wrong with one shard; see `verify`."""
  problems = []
  if _sha256(path) != shard.sha256:
    problems.append(f"{path}: its sha256 is not that of the manifest")
  count = 0
  for record in payloads.scan(path):
    place = f"{path}: record {record.number} at byte {record.offset}"
    count += record.payload is not None
    lines = record_problems(record, shard, manifest)
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


def record_problems(
  record: payloads.Record,
  shard: manifest_lib.Shard,
  manifest: manifest_lib.Manifest,
) -> list[str]:
  """Returns what is wrong with a record of `shard`; decodes no picture."""
  if record.problem:
    return [record.problem]
  return _payload_problems(record, shard, manifest)


def _payload_problems(record, shard, manifest):
  """Returns what is wrong inside a record whose bytes are whole."""
  try:
    example = tf.train.SequenceExample.FromString(record.payload)
    context = contexts.parse_context(record.payload)
  except (message.DecodeError, ValueError):
    return ["it is no SequenceExample"]
  lines = list(contexts.identity_differences(manifest, context))
  lists = {
    modality: example.feature_lists.feature_list[name].feature
    for modality, name in schema.FEATURE_LISTS.items()
    if name in example.feature_lists.feature_list
  }
  lines += contexts.context_problems(context, lists)
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
  if not lines and record.number < len(shard.digests):
    lines += _digest_problems(lists, shard.digests[record.number])
  return lines


def _digest_problems(lists, told):
  """Yields what is wrong with the manifest's digest of a record."""
  found = content.describe(
    {
      modality: [step.bytes_list.value[0] for step in steps]
      for modality, steps in lists.items()
    }
  )
  if content.plain(found) != content.plain(told):
    yield f"its content is {found}, the manifest says {told!r:.80}"


def _held(lists, context):
  """Returns the modalities; untimed captions are of old records, untold."""
  if any(name in context for name in schema.CAPTION_TIMES):
    return [*lists, views.Modality.TEXT]
  return list(lists)


def _label_problems(context, num_classes):
  """Yields what is wrong with the labels of a record."""
  labels = context.get(contexts.LABELS)
  if not isinstance(labels, tuple) or labels == (-1,):
    return
  wrong = [label for label in labels if not 0 <= label < num_classes]
  if wrong:
    yield (
      f"`{contexts.LABELS}` holds {wrong[0]}, not -1 alone or 0 to"
      f" {num_classes - 1}"
    )
  elif len(set(labels)) < len(labels):
    yield f"`{contexts.LABELS}` holds {labels} with one of them twice"


def _caption_problems(context):
  """Yields what is wrong with the captions of a record."""
  names = (contexts.CAPTIONS, *schema.CAPTION_TIMES)
  texts, starts, ends = (context.get(name, ()) for name in names)
  duration_s = context.get("clip/duration_s")
  if [*map(type, (texts, starts, ends, duration_s))] != [tuple] * 3 + [float]:
    return  # said above
  try:
    b" ".join(texts).decode("utf-8")
  except UnicodeDecodeError:
    yield f"`{contexts.CAPTIONS}` is not UTF-8"
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
      return [f"{name} {number} of {len(images)} is not a whole image"]
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


def explain_read_error(error: Exception, *records: reader.Records) -> str:
  """Returns one line that names shard, record and offset of what is damaged.

  TensorFlow's own message names neither the file nor the record.

  Args:
    error: what was raised while a dataset of `records` was read.
    *records: that were read.
  """
  for folder in records:
    if problem := _problem_of(folder):
      return problem
  first = str(error).strip().splitlines()
  names = " and ".join(str(folder.folder) for folder in records)
  return (
    f"the records of {names} are what the manifest says, but a clip could not"
    f" be read: {first[0] if first else type(error).__name__}"
  )


def _problem_of(records):
  """Returns one line about the damage of a folder, None where it has none."""
  try:
    problems = [
      line for line in verify(records.folder) if not _is_left_out(line, records)
    ]
  except (ValueError, OSError) as other:
    problems = [str(other)]
  if problems:
    rest = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    found = next(
      (line for line in problems if _NAMES_RECORD.search(line)), problems[0]
    )
    return (
      f"{found}{rest}; all of it is listed by python -m"
      f" tfvssl inspect --records={records.folder} --verify"
    )
  if broken := _unreadable_image(records):
    return f"{broken}; prepare the records again, or leave the clip out."
  return None


def _is_left_out(line, records):
  """Returns whether a problem is that of records that do not count."""
  for file, numbers in records.bad.items():
    if str(records.folder / file) in line:
      named = _NUMBER.search(line)
      return named is None or int(named[1]) in numbers
  return False


def _unreadable_image(records):
  """Returns the first image that has begin and end but cannot be decoded.

  Slow, as it decodes all; so it comes after every other check.
  """
  for path in records.paths:
    bad = records.bad.get(storage.Path(path).name, ())
    for record in payloads.scan(storage.Path(path)):
      if record.number in bad:
        continue
      example = tf.train.SequenceExample.FromString(record.payload)
      for name, steps in example.feature_lists.feature_list.items():
        if name not in _IMAGES:
          continue
        for number, step in enumerate(steps.feature):
          if problem := _image_problem(step.bytes_list.value[0]):
            return (
              f"{path}: record {record.number} at byte {record.offset}:"
              f" {name} {number} of {len(steps.feature)} {problem}"
            )
  return None


def _image_problem(image):
  height, width = image_size(image)
  if height * width > schema.MAX_PIXELS:
    return f"has {width}x{height} pixels, more than {schema.MAX_PIXELS}"
  try:
    tf.io.decode_image(image, expand_animations=False)
  except tf.errors.InvalidArgumentError:
    return "cannot be decoded"
  return None
