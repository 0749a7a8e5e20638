"""One line that names what is damaged in the records that were read."""

from collections.abc import Iterator
import contextlib
import pathlib
import re

import tensorflow as tf

from tfvssl import views
from tfvssl.data.records import reader
from tfvssl.data.records import schema
from tfvssl.runtime import exit_codes

_NAMES_RECORD = re.compile(r": record \d+ at byte|: \d+ whole records")

# What a broken picture, a wrong checksum, a cut or a lost shard raise.
_READ_ERRORS = (
  tf.errors.InvalidArgumentError,
  tf.errors.DataLossError,
  tf.errors.FailedPreconditionError,
  tf.errors.NotFoundError,
  tf.errors.PermissionDeniedError,
)

_IMAGES = [
  schema.FEATURE_LISTS[m] for m in (views.Modality.RGB, views.Modality.FLOW)
]


@contextlib.contextmanager
def explained(*records: reader.Records) -> Iterator[None]:
  """Turns what a damaged record raises into one line that names it.

    with damage.explained(records):
      for views in dataset: ...

  Memory that does not suffice is not damage: such errors pass, as do those
  that the body explains itself.

  Args:
    *records: that the body reads.

  Raises:
    exit_codes.UserError: with exit_codes.DATA; see `explain_read_error`.
  """
  try:
    yield
  except _READ_ERRORS as error:
    raise exit_codes.UserError(
      exit_codes.DATA, explain_read_error(error, *records)
    ) from error


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
  from tfvssl.data.records import check  # where something is damaged only

  try:
    problems = check.verify(records.folder)
  except (ValueError, OSError) as other:
    problems = [str(other)]
  if problems:
    rest = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    found = next(
      (line for line in problems if _NAMES_RECORD.search(line)), problems[0]
    )
    return (
      f"{found}{rest}; all of it is listed by python -m"
      f" data_prep.inspect_records --records={records.folder} --verify"
    )
  if broken := _unreadable_image(records):
    return f"{broken}; prepare the records again, or leave the clip out."
  return None


def _unreadable_image(records):
  """Returns the first image that has begin and end but cannot be decoded.

  Slow, as it decodes all; so it comes after every other check.
  """
  from tfvssl.data.records import shard_files

  for path in records.paths:
    for record in shard_files.scan(pathlib.Path(path)):
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
  from tfvssl.data.records import check

  height, width = check.image_size(image)
  if height * width > schema.MAX_PIXELS:
    return f"has {width}x{height} pixels, more than {schema.MAX_PIXELS}"
  try:
    tf.io.decode_image(image, expand_animations=False)
  except tf.errors.InvalidArgumentError:
    return "cannot be decoded"
  return None
